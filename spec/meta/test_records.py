"""Many records folded into one matrix: merging, wavering verdicts, and files that are damaged."""

import json
import tracemalloc

import pytest

from spec.kit import package
from spec.kit.capabilities import WITHOUT
from spec.meta.chapters import VERDICTS
from spec.meta.made_up import CLAIM, EVENTS, FOOT, HEAD, PLAY
from spec.report import catalogue
from spec.report.plays import VERDICTS as NAMES
from spec.report.record import FORMAT, read
from spec.report.records import WAVERS, Environment, fold

USUAL = Environment(
    "multiprocessing", "CPython", "3.13.0", True, "Linux x86_64, glibc 2.36", "", ("no-gil",)
)


def test_equal_environments_merge(write):
    first = write(HEAD, PLAY, FOOT)
    later = "2026-01-03T00:00:00+00:00"
    kernel = "Linux-6.2.0-1051-aws-x86_64-with-glibc2.36"
    second = write({**HEAD, "started": later, "platform": kernel}, {**PLAY, "seconds": 1.5}, FOOT)
    matrix = fold([second, first])
    assert matrix.problems == []
    ((environment, surroundings),) = matrix.environments.items()
    assert environment == USUAL
    assert (surroundings.runs, surroundings.incomplete, surroundings.seconds) == (2, 0, 1.0)
    assert surroundings.first.isoformat() == "2026-01-02T03:04:05.678000+00:00"
    assert surroundings.last.isoformat() == later
    assert surroundings.platforms == {HEAD["platform"]: 1, kernel: 1}
    cell = matrix.cells[CLAIM, "spawn", USUAL]
    assert (cell.verdict, cell.runs) == ("holds", 2)
    assert (cell.shortest, cell.longest, cell.total) == (0.5, 1.5, 2.0)
    assert cell.timeline == EVENTS


def test_a_verdict_that_differs_between_runs_wavers(write):
    """The reason and the timeline are those of the latest red run, in any order of the files."""
    runs = [
        ("1", "holds", ""),
        ("2", "fails", "the first"),
        ("3", "crashes", "the second"),
        ("4", "not applicable", "no core"),
    ]
    paths = [
        write(
            {**HEAD, "started": f"2026-01-0{day}T00:00:00+00:00"},
            {**PLAY, "verdict": verdict, "reason": reason, "timeline": [[1.0, day, "", "", None]]},
            FOOT,
        )
        for day, verdict, reason in runs
    ]
    for order in (paths, paths[::-1]):
        (cell,) = fold(order).cells.values()
        assert cell.verdict == WAVERS
        assert cell.verdicts == {verdict: 1 for _, verdict, _ in runs}
        assert cell.reason == "the second"
        assert cell.timeline == [[1.0, "3", "", "", None]]


def test_one_timeline_is_kept_of_those_that_hold_from_the_newest_python(write):
    paths = [
        write({**HEAD, "python": python}, PLAY, FOOT)
        for python in ("3.9.1", "3.14.0", "3.14.0rc2", "3.13.0")
    ]
    cells = fold(paths).cells
    assert [key[2].python for key, cell in cells.items() if cell.timeline] == ["3.14.0"]


def test_environments_are_in_order(write):
    pythons = ["3.14.0b1", "3.9.20", "3.14.0", "3.14.0rc1", "3.13.10", "3.13.9", "unknown"]
    heads = [{**HEAD, "python": python} for python in pythons]
    heads += [{**HEAD, "python_implementation": "PyPy"}, {**HEAD, "gil": False}]
    matrix = fold([write(head, FOOT) for head in heads])
    assert [(each.python, each.gil) for each in matrix.environments] == [
        ("unknown", True),
        ("3.9.20", True),
        ("3.13.0", False),
        ("3.13.9", True),
        ("3.13.10", True),
        ("3.14.0b1", True),
        ("3.14.0rc1", True),
        ("3.14.0", True),
        ("3.13.0", True),
    ]


@pytest.mark.parametrize(
    ("changed", "name", "slug"),
    [
        ({}, "CPython 3.13.0, Linux x86_64, glibc 2.36", "cpython-3.13.0-linux-x86_64-glibc-2.36"),
        (
            {"gil": False, "missing": {"gil": ""}, "python": "3.15.0b2"},
            "CPython 3.15.0b2, Linux x86_64, glibc 2.36, no GIL",
            "cpython-3.15.0b2-linux-x86_64-glibc-2.36-no-gil",
        ),
        (
            {"platform": "macOS-15.1-arm64-arm-64bit-Mach-O", "libc": "unknown", "missing": {}}
            | {"taken_away": ["affinity", "native-pids", "semaphore-value"]},
            "CPython 3.13.0, macOS 15.1 arm64",
            "cpython-3.13.0-macos-15.1-arm64",
        ),
        (
            {"taken_away": ["semaphores", "fork"]},
            "CPython 3.13.0, Linux x86_64, glibc 2.36, without fork, without semaphores",
            "cpython-3.13.0-linux-x86_64-glibc-2.36-without-fork-without-semaphores",
        ),
    ],
)
def test_names_of_environments(write, changed, name, slug):
    (environment,) = fold([write({**HEAD, **changed})]).environments
    assert environment.name == name
    assert environment.slug == slug


def test_no_two_environments_have_the_same_slug():
    environments = [
        USUAL,
        USUAL._replace(python_implementation="cpython"),
        USUAL._replace(python_implementation="CPYTHON"),
        USUAL._replace(system="Linux x86_64; glibc 2.36"),
        USUAL._replace(system="Linux/x86_64"),
        USUAL._replace(system="../../etc"),
        USUAL._replace(system="x" * 200),
        USUAL._replace(system="x" * 199),
        USUAL._replace(python_implementation="PyPy", missing=("waitid",)),
        USUAL._replace(python_implementation="PyPy", missing=()),
        USUAL._replace(implementation="billiard"),
    ]
    slugs = [environment.slug for environment in environments]
    assert len(set(slugs)) == len(slugs)
    assert all("/" not in slug and len(slug) < 120 for slug in slugs), slugs


def test_unusable_files_get_a_line_each_and_do_not_stop_the_others(write, tmp_path):
    good = write(HEAD, PLAY, FOOT)
    twin = write(HEAD, PLAY, FOOT)
    newer, older = write({**HEAD, "format": FORMAT + 1}), write({**HEAD, "format": FORMAT - 1})
    foreign, empty, absent, folder = (tmp_path / name for name in ("a.png", "empty", "no", "sub"))
    folder.mkdir()
    foreign.write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(range(256)))
    empty.touch()
    matrix = fold([newer, older, foreign, empty, absent, folder, good, twin])
    assert matrix.problems == [
        f"{newer} has the format 4, and this version reads 3: use a newer version",
        f"{older} has the format 2, and this version reads 3: repeat the run",
        f"{foreign} is not a record",
        f"{empty} is empty, or was cut short in its first line",
        f"{absent} cannot be read: No such file or directory",
        f"{folder} has no records: no file *.jsonl is in it",
        f"{twin} has the content of {good}, and counts once",
    ]
    assert matrix.cells[CLAIM, "spawn", USUAL].runs == 1
    assert matrix.files == {good: USUAL}


def test_folders_are_searched(write, tmp_path):
    below = tmp_path / "results-a/deeper"
    below.mkdir(parents=True)
    moved = write(HEAD, PLAY, FOOT).rename(below / "r.jsonl")
    (tmp_path / "notes.txt").write_text("no record")
    matrix = fold([tmp_path])
    assert matrix.problems == []
    assert list(matrix.files) == [moved]


@pytest.mark.parametrize("foot", [[], [{**FOOT, "complete": False}]])
def test_the_record_of_a_run_that_did_not_end_counts_and_is_incomplete(write, foot):
    matrix = fold([write(HEAD, PLAY, *foot)])
    assert matrix.environments[USUAL].incomplete == 1
    assert matrix.cells[CLAIM, "spawn", USUAL].verdict == "holds"
    assert matrix.problems == []


def test_a_last_line_that_was_cut_short_is_ignored(write):
    path = write(HEAD, PLAY)
    path.write_text(path.read_text() + '{"kind": "play", "cl')
    matrix = fold([path])
    assert (len(matrix.cells), matrix.problems) == (1, [])


ONCE = '''
"""Scratch: a claim that involves no start method."""

from spec.kit import claim


@claim("once.holds", docs="multiprocessing")
def test_it_holds():
    """A sentence."""
'''


def test_the_record_of_a_real_run_is_folded(scratch, monkeypatch):
    """The verdicts have several reasons and timelines; one claim involves no start method."""
    scratch.chapter("verdicts", VERDICTS)
    scratch.chapter("once", ONCE)
    run = scratch.run("-n", "2", "--results=record", **{WITHOUT: "semaphore-value"})
    assert run.exitcode == 1, run.output
    known = {play["claim"]: None for play in read(scratch.root / "record").plays}
    monkeypatch.setattr(catalogue, "by_id", lambda: known)
    matrix = fold([scratch.root / "record"])
    assert matrix.problems == []
    found: dict[str, set[tuple[str, str]]] = {id: set() for id in known}
    for (id, method, _), cell in matrix.cells.items():
        found[id].add((method, cell.verdict))
    methods = package.start_methods()
    assert found == {"once.holds": {("", "holds")}} | {
        f"verdict.{name.replace(' ', '-')}": {(method, name) for method in methods}
        for name in NAMES
    }
    assert [each.incomplete for each in matrix.environments.values()] == [0]


OTHER = {**PLAY, "start_method": "fork"}


@pytest.mark.parametrize(
    "damaged",
    [
        [],
        {},
        HEAD,
        {**OTHER, "kind": ["play"]},
        {**OTHER, "claim": {}},
        {**OTHER, "claim": None},
        {**OTHER, "start_method": []},
        {**OTHER, "start_method": "thread"},
        {**OTHER, "verdict": {}},
        {**OTHER, "verdict": "<script>"},
        {**OTHER, "seconds": "1"},
        {**OTHER, "seconds": True},
        {**OTHER, "seconds": -1},
        {**OTHER, "seconds": float("nan")},
        {**OTHER, "seconds": 10**400},
        {**OTHER, "reason": None},
        PLAY,  # a second time
        {**FOOT, "seconds": None},
        '{"kind": "play", "nested": ' + "[" * 100_000,
        '{"seconds": 1e999}',
    ],
    ids=lambda damaged: str(damaged)[:50],
)
def test_the_plays_before_a_damaged_line_count(write, damaged):
    path = write(HEAD, PLAY)
    text = damaged if isinstance(damaged, str) else json.dumps(damaged)
    path.write_text(path.read_text() + f"{text}\n{json.dumps({**PLAY, 'start_method': 'fork'})}\n")
    matrix = fold([path])
    assert matrix.problems == [f"{path}: line 3 is damaged: 1 plays before it count"]
    assert list(matrix.cells) == [(CLAIM, "spawn", USUAL)]
    assert matrix.environments[USUAL].incomplete == 1


def test_a_line_after_the_foot_is_damage(write):
    path = write(HEAD, PLAY, FOOT, HEAD)
    matrix = fold([path])
    assert matrix.problems == [f"{path}: line 4 is damaged: 1 plays before it count"]
    assert matrix.environments[USUAL].incomplete == 1


@pytest.mark.parametrize(
    "changed",
    [
        {"python": 3},
        {"gil": "on"},
        {"gil": None},
        {"missing": ["fork"]},
        {"missing": {}, "taken_away": {"fork": 1}},
        {"taken_away": [[]]},
        {"simulated": "amiga"},
        {"simulated": []},
        {"started": "yesterday"},
        {"started": 7},
        {"cpus": "2"},
        {"start_methods": "fork"},
        {"libc": None},
    ],
    ids=str,
)
def test_a_head_with_a_wrong_value_is_not_used(write, changed):
    path = write({**HEAD, **changed}, PLAY)
    matrix = fold([path])
    assert matrix.problems == [f"{path} is not a record: its head has a wrong value"]
    assert matrix.environments == {}


def test_hostile_text_is_cut_and_made_printable(write):
    path = write(
        {**HEAD, "python": "3.13.0\n\x1b[31m\ud800\u202e", "build": "b" * 10_000},
        {
            **PLAY,
            "verdict": "fails",
            "reason": "<script>\n" + "r" * 10_000,
            "timeline": [[0.0, "a" * 10_000, "\ud800", "t" * 1_000 + "\n", None]] * 1_000,
        },
    )
    matrix = fold([path])
    ((environment, surroundings),) = matrix.environments.items()
    (cell,) = matrix.cells.values()
    assert environment.python == "3.13.0  [31m  "
    assert environment.name.isprintable()
    assert environment.slug.isascii()
    assert len(next(iter(surroundings.builds))) == 200
    assert cell.reason.startswith("<script> rrr")  # the page and the summary escape it
    assert len(cell.reason) == 1000
    assert len(cell.events) < 500_000
    assert (len(cell.timeline), cell.timeline[0][2]) == (500, " ")


@pytest.mark.parametrize(
    "timeline",
    [None, 7, "text", {}, {"a": 1}, [1], [[1]], [[0, "a", "b", 7, None]], [["0", "", "", "", 1]]],
    ids=str,
)
def test_a_wrong_timeline_is_left_out(write, timeline):
    for verdict in ("holds", "fails"):
        matrix = fold([write(HEAD, {**PLAY, "verdict": verdict, "timeline": timeline})])
        (cell,) = matrix.cells.values()
        assert (cell.verdict, cell.timeline) == (verdict, [])


def test_claims_that_are_unknown_here_are_left_out_in_one_line(write):
    gone = [{**PLAY, "claim": f"gone.{letter}"} for letter in "abcd"]
    paths = [write(HEAD, PLAY, *gone), write(HEAD, *gone)]
    matrix = fold(paths)
    assert matrix.problems == [
        "8 plays are left out, of claims that are unknown here: gone.a, gone.b, gone.c and 1 more"
    ]
    assert list(matrix.cells) == [(CLAIM, "spawn", USUAL)]


def test_memory_does_not_grow_with_the_number_of_records(write):
    """Nine times as many records of one environment take no more, except the names of files."""
    plays = [{**PLAY, "claim": f"gone.{n % 7}{n}", "reason": "r" * 500} for n in range(100)]
    peaks = []
    paths = [
        write({**HEAD, "started": f"2026-01-01T00:00:{n:02}Z"}, PLAY, *plays) for n in range(45)
    ]
    for number in (5, 45):
        tracemalloc.start()
        fold(paths[:number])
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[1] < 1.1 * peaks[0], peaks
