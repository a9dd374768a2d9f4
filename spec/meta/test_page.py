"""The page: its contents, hostile records, its command, and what it costs to write."""

import html
import json
import re
import subprocess
import sys
import time
from pathlib import Path

import pytest

from spec.meta.made_up_runs import record
from spec.report import catalogue, records
from spec.report.page import model, sources
from spec.report.page.render import render, render_book
from spec.report.page.verdicts import NOT_RUN, WORDS, cell_of, worst
from spec.report.plays import (
    CRASHES,
    FAILS,
    HOLDS,
    KNOWN_DEVIATION,
    NOT_APPLICABLE,
    VERDICTS,
)
from spec.report.records import WAVERS, Environment

ROOT = Path(__file__).parents[2]
CLAIM = "semaphore.at-most-two"
HOSTILE = "</script></noscript><script>alert(1)</script>\"'&"
USUAL = Environment("multiprocessing", "CPython", "3.13.0", True, "Linux x86_64", "", ())


def page_of(*paths):
    return model.page_of(records.fold(paths))


def view_of(page, id=CLAIM):
    return next(view for view in page.views if view.claim.id == id)


def test_every_verdict_has_a_glyph_and_a_word_of_its_own():
    assert WORDS.keys() == {*VERDICTS, WAVERS, NOT_RUN}
    for field in range(3):
        assert len({word[field] for word in WORDS.values()}) == len(WORDS)


@pytest.mark.parametrize(
    ("triple", "text"),
    [
        ((HOLDS, HOLDS, HOLDS), "✓ holds"),
        ((NOT_RUN, NOT_RUN, NOT_RUN), "· not run"),
        ((HOLDS, HOLDS, FAILS), "✓ ✓ ✗\nfails spawn"),
        ((HOLDS, NOT_APPLICABLE, NOT_APPLICABLE), "✓ \N{EN DASH} \N{EN DASH}\nholds fork"),
        (
            (CRASHES, NOT_APPLICABLE, CRASHES),
            "! \N{EN DASH} !\ncrashes fork, spawn; n/a forkserver",
        ),
    ],
)
def test_a_cell_tells_in_words_what_it_shows(triple, text):
    assert cell_of(triple).text == text


def test_what_no_run_said_is_never_shown_as_holding(tmp_path):
    page = page_of(
        record(tmp_path / "1", python="3.13.0"),
        record(tmp_path / "2", left_out=(CLAIM,), python="3.14.0"),
    )
    assert view_of(page).triples == [(HOLDS,) * 3, (NOT_RUN,) * 3]
    assert worst([HOLDS, NOT_RUN, NOT_APPLICABLE]) == NOT_RUN
    assert ("1 claim was not run in some environment.", NOT_RUN) in page.summary


def test_the_summary_counts_what_holds_fails_and_wavers(tmp_path):
    red = {(CLAIM, "spawn"): (FAILS, "seen"), ("lock.not-recursive", "fork"): (CRASHES, "gone")}
    deviating = {("queue.first-in-first-out", "fork"): (KNOWN_DEVIATION, "tracked")}
    page = page_of(
        record(tmp_path / "1", red, python="3.13.0"),
        record(tmp_path / "2", python="3.13.0"),
        record(tmp_path / "3", {**red, **deviating}, python="3.14.0"),
    )
    told = " ".join(sentence.text for sentence in page.summary)
    assert "in 2 environments." in told
    assert "1 claim fails somewhere." in told
    assert "2 claims waver between runs" in told
    assert view_of(page).entries[0][2].told == "wavers: fails 1, holds 1"


def test_a_page_without_records_says_so():
    page = page_of()
    assert "no record of a run was given" in page.summary[0].text
    assert CLAIM in render(records.fold([]))


def test_a_start_method_that_a_platform_lacks_does_not_apply(tmp_path):
    path = record(tmp_path / "1", start_methods=["spawn"], platform="Windows-11", libc="")
    lines = [
        line
        for line in path.read_text(encoding="utf-8").splitlines(keepends=True)
        if json.loads(line).get("start_method", "spawn") == "spawn"
    ]
    path.write_text("".join(lines), encoding="utf-8")
    view = view_of(page_of(path))
    assert view.triples == [(NOT_APPLICABLE, NOT_APPLICABLE, HOLDS)]
    assert [reason.reason for reason in view.reasons] == [
        "fork is not available there",
        "forkserver is not available there",
    ]


def test_labels_are_short_and_differ():
    assert model.labels_of([USUAL, USUAL._replace(python="3.14.0", gil=False)]) == [
        "3.13.0",
        "3.14.0t",
    ]
    others = [
        USUAL,
        USUAL._replace(system="macOS 15"),
        USUAL._replace(simulated="darwin"),
        USUAL._replace(missing=("semaphores",)),
        USUAL._replace(python_implementation="PyPy"),
        USUAL._replace(python="x" * 10_000),
        USUAL._replace(python="x" * 10_001),
    ]
    labels = model.labels_of(others)
    assert len(set(labels)) == len(labels)
    assert max(map(len, labels)) < 100


def test_equal_reasons_are_told_once_with_their_places(tmp_path):
    claim = next(claim for claim in catalogue.by_id().values() if claim.since == "3.14")
    page = page_of(
        record(tmp_path / "1", python="3.12.0"),
        record(tmp_path / "2", python="3.13.0"),
        record(tmp_path / "3", python="3.14.0"),
    )
    assert [tuple(reason) for reason in view_of(page, claim.id).reasons] == [
        ("n/a", "3.12.0, 3.13.0 under all start methods", "this holds since Python 3.14")
    ]


def test_a_proof_is_shown_with_its_actors_and_programs():
    claims = catalogue.by_id()
    proof = sources.of_claim(claims[CLAIM])
    assert [source.place for source in proof] == ["spec/test_semaphores.py, line 41"]
    text = html.unescape(re.sub("<.*?>", "", proof[0].code))
    chapter = (ROOT / "spec/test_semaphores.py").read_text(encoding="utf-8")
    for piece in text.partition("@claim")[0].strip().split("\n\n"):
        assert piece in chapter
    assert "def ask_semaphore_for_a_beat" in text
    assert claims[CLAIM].sentence not in text

    shared = sources.of_claim(claims["semaphore.each-holder-acquires-then-releases"])
    assert shared[-1].place == "spec/programs/semaphores/sample_semaphore.py"


def test_a_program_is_shown_with_each_claim_that_its_docstring_names():
    named = {
        (path.relative_to(ROOT).as_posix(), id)
        for path in sources.PROGRAMS.glob("*/*.py")
        for id in catalogue.by_id()
        if re.search(rf"(?<![\w.-]){re.escape(id)}(?![\w-])", path.read_text(encoding="utf-8"))
    }
    shown = {
        (source.place, claim.id)
        for claim in catalogue.by_id().values()
        for source in sources.of_claim(claim)
        if source.place.startswith("spec/programs")
    }
    assert shown == named


def test_hostile_text_stays_text(tmp_path):
    red = {(CLAIM, "spawn"): (FAILS, HOSTILE)}
    path = record(tmp_path / "1", red, python=f"3.13.0{HOSTILE}", platform=HOSTILE)
    matrix = records.fold([path])
    matrix.problems.append(HOSTILE)
    text = render(matrix)
    assert HOSTILE not in text
    assert text.count("<script") == text.count("</script>") == 3
    assert text.count("<style") == text.count("</style>") == 1
    assert text.count("<noscript>") == text.count("</noscript>") == len(catalogue.by_id())
    assert HOSTILE in html.unescape(text)


def test_a_label_ends_neither_its_string_in_the_style_nor_the_style(tmp_path):
    text = render(records.fold([record(tmp_path / "1", python='3"}</style>\\')]))
    (label,) = re.findall(r"nth-child\(\d\)::before \{ content: (.*); \}\n", text)
    assert re.fullmatch(r'"(\w|\\[0-9a-f]+ )*"', label), label
    told = re.sub(r"\\([0-9a-f]+) ", lambda found: chr(int(found[1], 16)), label.strip('"'))
    assert told == '3"}</style>\\'


def test_the_page_allows_nothing_from_elsewhere(tmp_path):
    text = render(records.fold([record(tmp_path / "1")]))
    assert "default-src 'none'" in text
    assert re.findall(r"<(?:link|img|iframe|object|base)\b|\bsrc=|@import|url\(", text) == []


def test_the_large_case_is_small_and_soon_written(tmp_path, figure):
    """672 claims, three start methods and twenty environments: less than 5 s, and 7.5 MB.

    The aim is 5 MB for 450 claims.
    """
    platforms = ("Linux-6.1-x86_64-with-glibc2.36", "macOS-15.1-arm64-arm-64bit")
    paths = [
        record(tmp_path / f"{minor}{place}{patch}", python=f"3.{minor}.{patch}", platform=on)
        for minor in (11, 12, 13, 14, 15)
        for patch in (0, 9)
        for place, on in enumerate(platforms)
    ]
    began = time.process_time()  # a busy machine does not make it longer
    matrix = records.fold(paths)
    text = render(matrix)
    seconds = time.process_time() - began
    size = len(text.encode()) / 1e6
    figure(f"page of {len(matrix.environments)} environments: {seconds:.1f} s, {size:.1f} MB")
    assert len(matrix.environments) == 20
    assert size < 5 * len(catalogue.by_id()) / 450
    assert seconds < 5


def run(*words):
    """Run the command; returns its exit code, and its output without the page."""
    done = subprocess.run(
        [sys.executable, "-m", "spec.report.page", *map(str, words)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=60,
    )
    return done.returncode, done.stdout, done.stderr


def test_the_command_searches_folders_and_tells_what_is_wrong(tmp_path):
    folder = tmp_path / "records"
    folder.joinpath("deep").mkdir(parents=True)
    record(folder / "deep/one.jsonl")
    (folder / "two.jsonl").write_text("precious", encoding="utf-8")
    (folder / "notes.txt").write_text("no record", encoding="utf-8")
    page = tmp_path / "new/page.html"
    code, output, errors = run(folder, "-o", page)
    assert (code, len(errors.splitlines())) == (0, 1), errors
    assert "two.jsonl" in errors
    assert f"{page}: 1 environment, " in output
    assert CLAIM in page.read_text(encoding="utf-8")
    assert (folder / "two.jsonl").read_text(encoding="utf-8") == "precious"


def test_a_page_that_cannot_be_written_gets_one_line(tmp_path):
    given = record(tmp_path / "one.jsonl")
    code, output, errors = run(given, "-o", tmp_path)
    assert (code, output) == (1, "")
    assert errors.startswith(f"ERROR: {tmp_path} cannot be written: ")
    assert errors.count("\n") == 1
    assert run(given, "-o", given)[0] == 1
    assert given.read_text(encoding="utf-8").startswith('{"kind": "head"')


def test_the_book_has_all_claims_in_reading_order_and_each_definition_once():
    book = render_book(records.fold([]))
    assert re.findall(r'<article id="?([^">]+)', book) == list(catalogue.by_id())
    names = re.findall(r"(?:^|0>)<b>def</b> (\w+)", book, re.MULTILINE)
    # Programs may have functions of one name, and each chapter shows the kit's actors again.
    own = {claim.test.__name__ for claim in catalogue.by_id().values()}
    own.add("hold_semaphore_until_cued")
    assert {name: names.count(name) for name in own} == dict.fromkeys(own, 1)
    assert "take_part" in names


def test_the_book_has_a_picture_of_a_run_that_holds_and_no_script(tmp_path):
    red = {(CLAIM, "fork"): (FAILS, HOSTILE)}
    book = render_book(records.fold([record(tmp_path / "one", red)]))
    assert "<svg" in book
    assert "<script" not in book
    assert "alert(1)" not in book


def test_the_command_writes_the_book_too(tmp_path):
    given = record(tmp_path / "one.jsonl")
    page, book = tmp_path / "page.html", tmp_path / "book.html"
    assert run(given, "-o", page, "--book", book)[0] == 0
    assert CLAIM in book.read_text(encoding="utf-8")
    code, _, errors = run(given, "-o", page, "--book", page)
    assert code == 1
    assert errors == f"ERROR: {page} is a record or the page itself: give another name\n"
