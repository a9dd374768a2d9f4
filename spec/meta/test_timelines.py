"""The pictures of timelines: their parts, and that no record can harm them."""

import re
import xml.etree.ElementTree as ET
from typing import Any

import pytest

from spec.report.timelines import STYLE, as_text, svg

SLEEPERS: list[list[Any]] = [
    [0.0, "sleep", "entered", "pid 1", None],
    [0.0, "sleep", "waits", "for the cue go", None],
    [0.01, "sleep 2", "entered", "pid 2", None],
    [0.1, "test", "cue", "go → sleep", None],
    [0.1, "sleep", "span", "asleep", 0.3],
    [0.1, "sleep 2", "span", "asleep", 0.2],
    [0.3, "sleep", "returned", "'rested'", None],
    [0.31, "sleep", "ended", "", None],
    [0.32, "sleep 2", "ended", "with exit code 1", None],
]


def drawn(timeline, title="a claim"):
    return ET.fromstring(svg(timeline, title))


def texts(picture):
    return [element.text for element in picture.iter("text")]


def parts(picture, style):
    return [element for element in picture.iter() if element.get("class") == style]


def test_each_actor_has_a_row_and_the_test_is_above_them():
    rows = [text for text in texts(drawn(SLEEPERS)) if text in ("test", "sleep", "sleep 2")]
    assert rows == ["test", "sleep", "sleep 2"]


def test_a_span_is_a_bar_as_long_as_it_took():
    widths = [float(bar.get("width")) for bar in parts(drawn(SLEEPERS), "span")]
    assert widths[0] == pytest.approx(2 * widths[1], abs=0.2)


def test_a_cue_is_an_arrow_from_the_test_to_the_actor():
    picture = drawn(SLEEPERS)
    (arrow,) = parts(picture, "cue")
    _, top, bottom = map(float, re.split("[MV ]", arrow.get("d"))[1:])  # it is vertical
    assert top < bottom
    assert len(parts(picture, "head")) == 1
    assert "go" in texts(picture)


def test_spans_of_several_actors_are_measured_together():
    picture = drawn(SLEEPERS)
    assert {"all asleep", "0.20 s, the longest 0.20 s", "sum 0.30 s"} <= set(texts(picture))
    (mark,) = parts(picture, "sum")[:1]
    end = max(float(bar.get("x")) + float(bar.get("width")) for bar in parts(picture, "span"))
    assert float(re.findall(r"[\d.]+", mark.get("d"))[0]) > end


def test_spans_of_actors_that_began_later_are_measured_apart():
    later = [
        [time + 1, f"{actor} again", kind, text, end and end + 1]
        for time, actor, kind, text, end in SLEEPERS
        if actor != "test"
    ]
    assert texts(drawn([*SLEEPERS, *later])).count("all asleep") == 2


def test_one_span_has_no_measure():
    assert "all asleep" not in texts(drawn(SLEEPERS[:5]))


def test_a_wait_lasts_until_the_cue():
    (wait,) = parts(drawn(SLEEPERS), "wait")
    first = parts(drawn(SLEEPERS), "span")[0]
    until = float(wait.get("x")) + float(wait.get("width"))
    assert until == pytest.approx(float(first.get("x")), abs=0.2)


def test_an_arrow_in_a_word_is_shown():
    assert "said 'a → b'" in texts(drawn([[0.0, "a", "say", "said 'a → b'", None]]))


def test_an_actor_that_does_not_end_has_an_open_bar():
    assert len(parts(drawn(SLEEPERS), "open")) == 0
    assert len(parts(drawn(SLEEPERS[:-1]), "open")) == 1


def test_results_and_ends_are_told_unless_they_are_as_usual():
    told = " ".join(texts(drawn(SLEEPERS)))
    assert "returns 'rested'" in told
    assert "with exit code 1" in told
    assert "returns None" not in " ".join(texts(drawn([[0.0, "a", "returned", "None", None]])))


def test_words_that_would_cover_each_other_stand_in_one_text():
    said = [[0.0, "a", "say", word, None] for word in ("first", "second", "second")]
    assert "first · second (2 times)" in texts(drawn([*said, [1.0, "a", "say", "last", None]]))


def test_no_text_leaves_the_picture():
    timeline = [[time / 10, "name " * 99, "say", "word " * 99, None] for time in range(10)]
    for element in drawn(timeline).iter("text"):
        width = 6.62 * len(element.text)
        x, anchor = float(element.get("x")), element.get("text-anchor")
        left = {"end": x - width, "middle": x - width / 2}.get(anchor, x)
        assert left >= -1, element.text
        assert left + width <= 775, element.text


@pytest.mark.parametrize(
    "text",
    ["<script>alert(1)</script>", "\"'><img src=x>", "\x00\x1b[31m", "\ud800", "\u202e" * 99],
)
def test_hostile_text_is_text(text):
    timeline = [
        [0.0, text, kind, text, 1.0 if kind == "span" else None]
        for kind in ("entered", "say", "span", "raised", "stdout", "cue", "returned", text)
    ]
    source = svg(timeline, text)
    picture = ET.fromstring(source.encode())
    assert {element.tag for element in picture.iter()} <= {
        "svg", "title", "desc", "path", "rect", "text",
    }  # fmt: skip
    assert "\u202e" not in source


def test_the_picture_is_described_in_words():
    (told,) = (element.text for element in drawn(SLEEPERS).iter("desc"))
    assert told == (
        "test: cue go at 0.10 s; "
        "sleep: asleep from 0.10 to 0.30 s, returns 'rested' at 0.30 s; "
        "sleep 2: asleep from 0.10 to 0.20 s, with exit code 1 at 0.32 s"
    )


def test_an_empty_timeline_is_a_picture_too():
    assert texts(drawn([])) != []


def test_every_style_is_used_and_every_part_has_one():
    styled = set(re.findall(r"\.scene \.(\w+)", STYLE))
    everything = [
        *SLEEPERS[:-1],
        [0.2, "sleep 2", "raised", "ValueError", None],
        [0.2, "sleep 2", "say", "done", None],
    ]
    used = {part.get("class") for part in drawn(everything).iter()} - {None, "scene"}
    assert used == styled


def test_the_text_has_a_line_for_each_event():
    lines = as_text(SLEEPERS).splitlines()
    assert len(lines) == len(SLEEPERS)
    assert lines[4].split() == ["0.100", "s", "sleep", "span", "asleep", "(0.200", "s)"]
