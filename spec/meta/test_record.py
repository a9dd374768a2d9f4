"""The record of a run: its content, the errors for a damaged record, and equal verdicts.

The verdicts are equal with any number of workers and in any order.
"""

import json
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

from spec.faults import VARIABLE
from spec.kit import package
from spec.kit.capabilities import WITHOUT
from spec.meta.chapters import HANGS, SIMPLE, VERDICTS
from spec.meta.scratch import eventually
from spec.report import catalogue
from spec.report.plays import VERDICTS as NAMES
from spec.report.plays import Play
from spec.report.record import FORMAT, RecordError, Writer, read

SCHEMA = Path(__file__).parents[1] / "report/record.schema.json"
HEAD = json.dumps({"kind": "head", "format": FORMAT})


@pytest.fixture
def validator():
    schema = json.loads(SCHEMA.read_text(encoding="utf-8"))
    Draft202012Validator.check_schema(schema)
    return Draft202012Validator(schema)


@pytest.mark.parametrize(
    "arguments",
    [("-n", "0"), ("-n", "2"), ("-n", "8"), ("-n", "2", "--shuffle", "a word")],
    ids=" ".join,
)
def test_verdicts_are_the_same_however_the_claims_are_played(scratch, validator, arguments):
    scratch.chapter("verdicts", VERDICTS)
    run = scratch.run("--results", "record", *arguments, **{WITHOUT: "semaphore-value"})
    assert run.exitcode == 1, run.output

    path = scratch.root / "record"
    for line in path.read_text(encoding="utf-8").splitlines():
        validator.validate(json.loads(line))
    record = read(path)
    assert record.complete
    assert {(play["claim"], play["start_method"], play["verdict"]) for play in record.plays} == {
        (f"verdict.{name.replace(' ', '-')}", method, name)
        for name in NAMES
        for method in package.start_methods()
    }


def test_a_long_text_of_a_timeline_is_cut(tmp_path):
    claim = next(iter(catalogue.by_id().values()))
    events = [[1 / 3, "actor", "returned", "x" * 10**6, None], [0.5, "actor", "span", "s", 2 / 3]]
    writer = Writer(tmp_path / "record", {})
    writer.play(Play("test", "fork", "holds", 1.0, "", events), claim)
    writer.close(1.0, {"holds": 1}, 1)
    (play,) = read(tmp_path / "record").plays
    (time, _, _, text, end), span = play["timeline"]
    assert (time, end, span[4]) == (0.333333, None, 0.666667)
    assert text == "x" * 2000 + "… (1000000 characters)"


def test_the_record_of_a_killed_run_is_read_and_is_not_complete(scratch):
    scratch.chapter("simple", SIMPLE.format(name="simple"))
    scratch.chapter("hangs", HANGS)
    record = scratch.root / "record"
    run = scratch.start("-n", "0", "--start-method", "spawn", "--results", "record")
    assert eventually(lambda: record.exists() and len(read(record).plays) == 1, 30)
    run.kill()
    run.ends()
    assert read(record).foot is None
    assert not read(record).complete
    assert scratch.left_behind() == []


@pytest.mark.parametrize("damage", ["{", "7", '"head"', "\0"])
def test_a_damaged_line_is_named_in_one_line(tmp_path, damage):
    path = tmp_path / "record"
    path.write_text(f"{HEAD}\n{damage}\n{{}}\n", encoding="utf-8")
    with pytest.raises(RecordError) as caught:
        read(path)
    assert str(caught.value) == f"{path}: line 2 is damaged"


def test_a_last_line_that_was_cut_short_counts_as_not_written(tmp_path):
    path = tmp_path / "record"
    path.write_text(HEAD + '\n{"kind": "pl', encoding="utf-8")
    assert read(path).plays == []
    assert not read(path).complete


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "is empty"),
        (HEAD, "was cut short in its first line"),
        ("\n", "is not a record"),
        ("{}\n", "is not a record"),
        ('{"kind": "head", "format": 0}\n', "is not a record"),
        ('{"kind": "head", "format": 2}\n', "has the format 2, and this version reads 3: repeat"),
        ('{"kind": "head", "format": 4}\n', "has the format 4, and this version reads 3: use a ne"),
    ],
)
def test_what_is_no_record_is_called_so(tmp_path, text, said):
    path = tmp_path / "record"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(RecordError) as caught:
        read(path)
    assert str(caught.value).startswith(f"{path} ")
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)


def test_an_existing_file_is_refused_and_left_alone(scratch):
    scratch.chapter("simple", SIMPLE.format(name="simple"))
    record = scratch.write("record", "precious")
    run = scratch.run("-n", "0", "--results", "record")
    assert run.exitcode == 4
    assert run.lines == ["ERROR: --results: record exists already: remove it, or give another name"]
    assert record.read_text() == "precious"


def records(scratch, *arguments, **environment):
    """Run the copy with a record in the folder r; returns the names of the records and the run."""
    run = scratch.run("-n", "0", "--results=r/", *arguments, **environment)
    return sorted(path.name for path in scratch.root.glob("r/*")), run


def test_a_folder_keeps_one_record_for_each_environment(scratch):
    scratch.chapter("simple", SIMPLE.format(name="simple"))
    (first,), run = records(scratch)
    assert run.exitcode == 0, run.output
    before = read(scratch.root / "r" / first)
    assert before.complete
    assert first.startswith(f"{before.head['python_implementation'].lower()}-")

    names, _ = records(scratch)
    assert names == [first]
    assert read(scratch.root / "r" / first).head["started"] > before.head["started"]

    names, _ = records(scratch, **{WITHOUT: "semaphore-value"})
    assert sorted(names) == sorted(
        [first, first.replace(".jsonl", "-without-semaphore-value.jsonl")]
    )


@pytest.mark.parametrize(
    ("arguments", "environment"),
    [
        (["--patience", "none"], {}),
        (["--claim", "simple.holds"], {}),
        (["-k", "test_simple"], {}),
        (["--start-method", "spawn"], {}),
        (["--level", "documented"], {}),
        (["spec/test_simple.py"], {}),
        (["--claims"], {}),
        (["--collect-only"], {}),
        (["--deselect", "spec/test_simple.py"], {}),
        ([], {VARIABLE: "semaphores.one_too_many"}),
    ],
    ids=str,
)
def test_a_run_that_does_not_play_all_claims_leaves_the_record_alone(
    scratch, arguments, environment
):
    scratch.chapter("simple", SIMPLE.format(name="simple"))
    (name,), _ = records(scratch)
    path = scratch.root / "r" / name
    before = path.read_bytes()
    other = SIMPLE.replace('s="multiprocessing"', 's="multiprocessing", level="observed"')
    scratch.chapter("other", other.format(name="other"))
    names, run = records(scratch, *arguments, **environment)
    assert names == [name], run.output
    assert path.read_bytes() == before


def test_a_killed_run_leaves_its_plays_in_the_place_of_the_previous_record(scratch):
    scratch.chapter("simple", SIMPLE.format(name="simple"))
    (name,), _ = records(scratch)
    path = scratch.root / "r" / name
    before = path.read_bytes()
    scratch.chapter("hangs", HANGS)
    run = scratch.start("-n", "0", "--results=r/")
    assert eventually(lambda: path.read_bytes() != before, 30)
    run.kill()
    run.ends()
    assert {play["claim"] for play in read(path).plays} == {"simple.holds"}
    assert read(path).foot is None


def test_a_folder_that_cannot_be_created_is_named(scratch):
    scratch.chapter("simple", SIMPLE.format(name="simple"))
    scratch.write("r", "precious")
    run = scratch.run("-n", "0", "--results=r/")
    assert run.exitcode == 4
    assert run.lines == ["ERROR: --results: r exists already: remove it, or give another name"]
