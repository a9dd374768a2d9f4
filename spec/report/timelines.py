"""A timeline as a picture: a row for each actor, a bar for each span, a tick for each word.

The picture is inline SVG. Its colours come from ``STYLE``, which the document has once, so that a
page can be light or dark. Time runs to the right, in seconds, on a linear scale.
"""

from __future__ import annotations

import html
import math
import re
from collections.abc import Iterator
from itertools import groupby, pairwise
from typing import Any, NamedTuple

from spec.report.terminal import log

#: The styles of all pictures; a page may give the custom properties other values.
STYLE = """\
.scene { color: var(--ink, #1c2024); font: 11px ui-monospace, "DejaVu Sans Mono", monospace; }
.scene text { fill: currentColor; stroke: var(--paper, #fdfdfc); stroke-width: 3px;
  paint-order: stroke; unicode-bidi: isolate; white-space: pre; }
.scene .quiet { fill: var(--soft, #59616b); }
.scene .grid { stroke: var(--line, #dcdfe2); }
.scene .life { fill: var(--life, #b3bcc5); }
.scene .open { fill: none; stroke: var(--life, #b3bcc5); stroke-width: 4;
  stroke-dasharray: 5 3; }
.scene .wait { fill: var(--paper, #fdfdfc); stroke: var(--life, #b3bcc5); }
.scene .span { fill: var(--link, #0a539e); }
.scene .in { fill: var(--paper, #fdfdfc); stroke: none; }
.scene .tick { stroke: currentColor; stroke-width: 1.5; }
.scene .cue { fill: none; stroke: var(--warn, #835300); stroke-width: 1.5; }
.scene .head { fill: var(--warn, #835300); }
.scene .red { fill: var(--bad, #ad1f17); }
.scene .sum { stroke: var(--soft, #59616b); stroke-dasharray: 3 3; }
.scene .ruler { fill: none; stroke: currentColor; }
"""

_WIDTH = 760.0
# Of it, the names of the actors have so much, and the margin on the right.
_NAMES = 188.0
_MARGIN = 14.0
_ROW = 34.0
# The rulers below the rows, and the axis below them, have so much.
_RULER, _AXIS = 20.0, 22.0
# Where the bars are in a row, and where the words stand on their line.
_BAR = 24.0
_WORDS = 14.0
_THIN, _THICK = 4.0, 12.0
# The width of a letter of 11 px in a monospaced font.
_LETTER = 6.62
_LONGEST_NAME = int((_NAMES - 8) / _LETTER)
_LONGEST_WORD = 30
# A cluster of spans is measured if its longest span has at least this share of the scene.
_MEASURED = 0.1
# The sum of the spans is marked if the scene has to be widened by no more than this factor.
_WIDENED = 2.6
_STEPS = (1.0, 2.0, 5.0, 10.0)
_TEST = "test"
_BEGINNINGS = ("entered", "started")
# Control characters, which no SVG file may contain, surrogates, and marks of direction.
_UNFIT = re.compile("[\x00-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")


class _Event(NamedTuple):
    """An event of a timeline: times in seconds since the scene began; ``end`` only of a span."""

    time: float
    actor: str
    kind: str
    text: str
    end: float | None


class _Measure(NamedTuple):
    """Spans of one name, of several actors, that follow each other closely: see _clusters()."""

    name: str
    begin: float
    end: float
    longest: float
    sum: float


class _Scale:
    """Maps the seconds of a scene that lasts ``seconds`` to places in the picture."""

    def __init__(self, seconds: float) -> None:
        self.seconds = max(seconds, 1e-4)

    def __call__(self, time: float) -> float:
        return _NAMES + (_WIDTH - _NAMES - _MARGIN) * min(max(time / self.seconds, 0.0), 1.0)

    def steps(self) -> Iterator[float]:
        """The times of about five marks on the axis."""
        rough = self.seconds / 5
        power = 10.0 ** math.floor(math.log10(rough))
        step = next(step * power for step in _STEPS if step * power >= rough * 0.999)
        for number in range(int(self.seconds / step * 1.0001) + 1):
            yield number * step


def as_text(timeline: list[list[Any]]) -> str:
    """The timeline as lines of text, with times in seconds since the start of the scene."""
    return "\n".join(line.removeprefix("    ") for line in log(timeline))


def svg(timeline: list[list[Any]], title: str) -> str:
    """Draw a timeline of a record; returns inline SVG.

    ``title`` names the picture for those who do not see it. The colours come from ``STYLE``.
    """
    events = [_Event(*event) for event in timeline]
    rows = list(dict.fromkeys(event.actor for event in events))
    if _TEST in rows:  # its cues go down to the others
        rows.insert(0, rows.pop(rows.index(_TEST)))
    last = max((event.end or event.time for event in events), default=0.0)
    measures = list(_measures(events, last))
    widened = max((each.begin + each.sum for each in measures), default=0.0)
    scale = _Scale(max(last, widened if widened <= _WIDENED * last else 0.0))
    bottom = _ROW * len(rows)
    height = bottom + _RULER * len(measures)
    drawn = list(_axis(scale, height))
    for row, actor in enumerate(rows):
        drawn += _row(actor, _ROW * row, events, scale, last)
    drawn += _cues(events, rows, scale)
    for row, actor in enumerate(rows):  # after the arrows, which would cross them
        drawn += _words(
            [event for event in events if event.actor == actor], scale, _ROW * row + _WORDS
        )
    for place, each in enumerate(measures):
        drawn += _measure(each, bottom + _RULER * place + 10, scale)
    told = "; ".join(_described(actor, events) for actor in rows)
    return (
        f'<svg class="scene" role="img" viewBox="0 0 {_WIDTH:g} {height + _AXIS:g}">'
        f"<title>{_escaped(title)}</title><desc>{_escaped(told)}</desc>{''.join(drawn)}</svg>"
    )


def _escaped(text: str) -> str:
    return html.escape(_UNFIT.sub("�", text), quote=True)


def _cut(text: str, letters: int) -> str:
    return text if len(text) <= letters else text[: max(letters - 1, 0)] + "…"


def _text(x: float, y: float, text: str, style: str = "", anchor: str = "") -> str:
    attributes = f' class="{style}"' if style else ""
    attributes += f' text-anchor="{anchor}"' if anchor else ""
    return f'<text x="{x:.0f}" y="{y:.0f}"{attributes}>{_escaped(text)}</text>'


def _near(place: float) -> str:
    """The place to a tenth of a pixel."""
    return f"{place:.1f}".removesuffix(".0")


def _line(x1: float, y1: float, x2: float, y2: float, style: str) -> str:
    """A vertical or horizontal line."""
    end = f"V{_near(y2)}" if x1 == x2 else f"H{_near(x2)}"
    return f'<path class="{style}" d="M{_near(x1)} {_near(y1)}{end}"/>'


def _bar(begin: float, end: float, middle: float, height: float, style: str) -> str:
    corner = f'x="{_near(begin)}" y="{_near(middle - height / 2)}"'
    width = _near(max(end - begin, 1.0))
    return f'<rect class="{style}" {corner} width="{width}" height="{height:g}"/>'


def _axis(scale: _Scale, y: float) -> Iterator[str]:
    times = list(scale.steps())
    marks = "".join(f"M{_near(scale(time))} 0V{_near(y + 4)}" for time in times)
    yield f'<path class="grid" d="{marks}"/>'
    for time in times:
        yield _text(scale(time), y + 17, f"{time:g} s" if time else "0", "quiet", "middle")


def _row(actor: str, top: float, events: list[_Event], scale: _Scale, last: float) -> Iterator[str]:
    own = [event for event in events if event.actor == actor]
    yield _text(0, top + _BAR + 4, _name(actor), "quiet" if actor == _TEST else "")
    yield from _life(own, events, scale, top + _BAR, last)
    spans = [event for event in own if event.kind == "span" and event.end is not None]
    for event in spans:
        begin, end = scale(event.time), scale(event.end or 0.0)
        yield _bar(begin, end, top + _BAR, _THICK, "span")
        if len(event.text) * _LETTER + 4 < end - begin:
            yield _text(begin + 3, top + _BAR + 4, event.text, "in")
    for event in own:
        if event.kind in ("say", "raised"):
            x = scale(event.time)
            yield _line(x, top + _BAR - 7, x, top + _BAR + 7, "tick")


def _name(actor: str) -> str:
    """The name of an actor, short enough, with its number if it has one."""
    name, space, number = actor.rpartition(" ")
    if space and number.isdecimal():
        return _cut(name, _LONGEST_NAME - len(number) - 1) + space + number
    return _cut(actor, _LONGEST_NAME)


def _life(
    own: list[_Event], events: list[_Event], scale: _Scale, middle: float, last: float
) -> Iterator[str]:
    """The bars from each entrance of an actor to its end, with the times that it waits for cues."""
    begin: float | None = None
    for event in own:
        if event.kind in _BEGINNINGS:
            begin = event.time
        elif event.kind == "ended" and begin is not None:
            yield _bar(scale(begin), scale(event.time), middle, _THIN, "life")
            begin = None
    if begin is not None:
        yield _line(scale(begin), middle, scale(last), middle, "open")
    cued = [event.time for event in events if _cued(event) == own[0].actor]
    for event, then in pairwise([*own, _Event(last, "", "", "", None)]):
        if event.kind == "waits":
            until = next((time for time in cued if time >= event.time), then.time)
            yield _bar(scale(event.time), scale(min(until, then.time)), middle, _THIN + 2, "wait")


def _cued(event: _Event) -> str:
    """The actor that the event cues; empty if it is no cue."""
    return event.text.partition(" → ")[2] if event.kind == "cue" else ""


def _told(event: _Event) -> str:
    """The words above the bar at the time of the event; empty if the bars say enough."""
    first, *more = event.text.splitlines() or [""]
    match event.kind:
        case "say":
            return _cut(first, _LONGEST_WORD)
        case "cue":
            return _cut(first.partition(" → ")[0], _LONGEST_WORD)
        case "returned":
            return "" if first == "None" else f"returns {_cut(first, _LONGEST_WORD)}"
        case "raised":
            return f"raises {_cut(first, _LONGEST_WORD)}"
        case "stdout" | "stderr":
            lines = f" (+{len(more)} line{'s' if len(more) > 1 else ''})" if more else ""
            return f"{event.kind}: {_cut(first, _LONGEST_WORD)}{lines}"
        case "ended":
            return event.text if event.text not in ("", "with exit code 0") else ""
        case _:
            return ""


def _described(actor: str, events: list[_Event]) -> str:
    """The row of an actor in words, for those who do not see it."""
    told = []
    for event in events:
        if event.actor != actor:
            continue
        if event.kind == "span" and event.end is not None:
            told.append(f"{event.text} from {event.time:.2f} to {event.end:.2f} s")
        elif word := _told(event):
            kind = "cue " if event.kind == "cue" else ""
            told.append(f"{kind}{word} at {event.time:.2f} s")
    return f"{actor}: {', '.join(told) or 'no word'}"


def _words(own: list[_Event], scale: _Scale, y: float) -> Iterator[str]:
    """The words of a row: those that would cover each other stand in one text."""
    groups: list[_Group] = []
    for event in own:
        if word := _told(event):
            groups.append(_Group(scale(event.time), [word], event.kind == "raised"))
            while len(groups) > 1 and groups[-2].right + _LETTER > groups[-1].left:
                last = groups.pop()
                groups[-1] = groups[-1].joined(last)
    for each in groups:
        yield _text(each.left, y, each.text, "red" if each.red else "")


class _Group(NamedTuple):
    """Words that stand in one text, at the place of the first if there is room behind it."""

    x: float
    words: list[str]
    red: bool

    @property
    def text(self) -> str:
        told = (
            f"{word} ({n} times)" if (n := len(list(same))) > 1 else word
            for word, same in groupby(self.words)
        )
        return _cut(" · ".join(told), int((_WIDTH - _NAMES) / _LETTER))

    @property
    def left(self) -> float:
        return min(self.x, _WIDTH - _LETTER * len(self.text))

    @property
    def right(self) -> float:
        return self.left + _LETTER * len(self.text)

    def joined(self, other: _Group) -> _Group:
        return _Group(self.x, [*self.words, *other.words], self.red or other.red)


def _cues(events: list[_Event], rows: list[str], scale: _Scale) -> Iterator[str]:
    """An arrow from the test to each actor that it cues."""
    for event in events:
        if (cued := _cued(event)) in rows:
            x = scale(event.time)
            top = rows.index(event.actor) * _ROW + _BAR
            bottom = rows.index(cued) * _ROW + _BAR - 4
            yield _line(x, top, x, bottom - 4, "cue")
            yield f'<path class="head" d="M{_near(x - 3.5)} {_near(bottom - 6)}h7l-3.5 7z"/>'


def _measures(events: list[_Event], last: float) -> Iterator[_Measure]:
    """The clusters of spans that are worth a measure below the rows, at most three."""
    began: dict[str, float] = {}
    spans: dict[str, list[_Event]] = {}
    for event in events:
        began.setdefault(event.actor, event.time)
        if event.kind == "span" and event.end is not None:
            spans.setdefault(event.text, []).append(event)
    found = [each for same in spans.values() for each in _clusters(same, began)]
    worth = [each for each in found if each.longest >= _MEASURED * last]
    yield from sorted(worth, key=lambda each: each.begin)[:3]


def _clusters(spans: list[_Event], began: dict[str, float]) -> Iterator[_Measure]:
    """Measure the spans of one name in clusters.

    A span begins a new cluster if its actor began after the others had ended, or if the pause
    before it is more than half of the longest of them.
    """
    cluster: list[_Event] = []
    for event in sorted(spans, key=lambda event: event.time):
        if cluster:
            end = max(_end(each) for each in cluster)
            longest = max(_end(each) - each.time for each in cluster)
            if began[event.actor] > end or event.time > end + longest / 2:
                yield from _measured(cluster)
                cluster = []
        cluster.append(event)
    yield from _measured(cluster)


def _end(span: _Event) -> float:
    return span.time if span.end is None else span.end


def _measured(cluster: list[_Event]) -> Iterator[_Measure]:
    if len({event.actor for event in cluster}) > 1:
        lengths = [_end(event) - event.time for event in cluster]
        begin, end = cluster[0].time, max(_end(event) for event in cluster)
        yield _Measure(cluster[0].text, begin, end, max(lengths), sum(lengths))


def _measure(each: _Measure, y: float, scale: _Scale) -> Iterator[str]:
    """A ruler below the rows: how long the spans took together, the longest of them and the sum."""
    begin, end = scale(each.begin), scale(each.end)
    yield _text(0, y + 4, _cut(f"all {each.name}", _LONGEST_NAME), "quiet")
    yield _line(begin, y, end, y, "ruler")
    for x in (begin, end):
        yield _line(x, y - 4, x, y + 4, "ruler")
    text = f"{each.end - each.begin:.2f} s, the longest {each.longest:.2f} s"
    total = each.begin + each.sum
    if total > scale.seconds * 1.0001:
        text += f", their sum {each.sum:.2f} s"
    else:
        yield _line(scale(total), 0, scale(total), y + 4, "sum")
        yield _text(scale(total) - 3, 9, f"sum {each.sum:.2f} s", "quiet", "end")
    room = end + 6 + _LETTER * len(text) <= _WIDTH
    yield _text(end + 6 if room else _WIDTH, y + 4, text, "quiet", "" if room else "end")
