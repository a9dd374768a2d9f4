"""The summary of records in Markdown, and the badge."""

import html
import xml.etree.ElementTree

import pytest

from spec.meta.made_up import FOOT, HEAD, PLAY
from spec.report import catalogue
from spec.report.records import fold
from spec.report.summary import Summary, escaped, main, markdown

RED = {**PLAY, "verdict": "fails", "reason": "<script>alert(1)</script> | `a` *b* http://x @me"}
NOT_APPLICABLE = {**PLAY, "verdict": "not applicable", "reason": "no core"}
OTHER = {**HEAD, "python": "3.14.0"}


def rows(text):
    """The table of standings: the number of claims of each."""
    found = [line.split(" | ") for line in text.splitlines() if line.startswith("| ")]
    return {
        said.rstrip(" |"): int(number[2:]) for number, said, *_ in found if number[2:].isdigit()
    }


@pytest.mark.parametrize(
    ("records", "standing", "colour"),
    [
        ([[HEAD, PLAY, FOOT], [OTHER, PLAY, FOOT]], "hold wherever they were run", "#1f7a3a"),
        ([[HEAD, PLAY, FOOT], [OTHER, RED, FOOT]], "fail somewhere", "#b32121"),
        (
            [[HEAD, PLAY, FOOT], [HEAD, RED, FOOT]],
            "have several verdicts in one environment",
            "#8a5a00",
        ),
        (
            [[HEAD, PLAY, FOOT], [OTHER, NOT_APPLICABLE, FOOT]],
            "hold where they apply, which differs between environments",
            "#1f7a3a",
        ),
        (
            [[HEAD, PLAY, {**NOT_APPLICABLE, "start_method": "fork"}, FOOT]],
            "hold where they apply, which differs between start methods only",
            "#1f7a3a",
        ),
        (
            [[HEAD, PLAY, FOOT], [OTHER, {**PLAY, "verdict": "known deviation"}, FOOT]],
            "are known deviations somewhere",
            "#8a5a00",
        ),
        ([[HEAD, NOT_APPLICABLE, FOOT]], "apply nowhere here", "#8a5a00"),
        ([[HEAD, PLAY]], "hold wherever they were run", "#8a5a00"),
    ],
)
def test_a_claim_has_one_standing(write, records, standing, colour):
    summary = Summary(fold([write(*lines) for lines in records]))
    table = rows(markdown(summary))
    claims = len(catalogue.by_id())
    assert {said for said, number in table.items() if number} == {standing, "were not run"}
    assert table["were not run"] == claims - 1
    assert summary.colour == colour


def test_text_of_a_record_is_shown_as_it_is(write):
    text = markdown(Summary(fold([write(HEAD, RED, FOOT)])))
    (line,) = (line for line in text.splitlines() if "alert" in line)
    assert line == (
        "  - fails under spawn on CPython 3.13.0, Linux x86\\_64, glibc 2.36: "
        "&lt;script&gt;alert\\(1\\)&lt;/script&gt; \\| \\`a\\` \\*b\\* http&#58;//x &#64;me"
    )


def test_escaped_text_is_one_line():
    assert escaped("a\n- b\r\n# c & 'd'") == "a - b \\# c &amp; 'd'"


def test_the_table_has_a_row_for_each_environment(write):
    claims = len(catalogue.by_id())
    spawn_only = {**HEAD, "start_methods": ["spawn"], "default_start_method": "spawn"}
    killed = {**OTHER, "default_start_method": "forkserver"}
    text = markdown(Summary(fold([write(spawn_only, PLAY, FOOT), write(killed, PLAY)])))
    assert (
        f"| CPython 3.13.0, Linux x86\\_64, glibc 2.36 | not offered | not offered "
        f"| 1 hold, {claims - 1} not run (default) | not run | 1 |\n"
        f"| CPython 3.14.0, Linux x86\\_64, glibc 2.36 | not run | not run "
        f"| 1 hold, {claims - 1} not run | not run | 1, **1 incomplete** |\n"
    ) in text


def test_a_claim_without_a_start_method_has_its_own_column(write):
    once = {**RED, "start_method": "", "reason": "a reason"}
    text = markdown(Summary(fold([write(HEAD, once, FOOT)])))
    assert " | not run | not run | not run | 1 fail | 1 |\n" in text
    assert "  - fails on CPython 3.13.0, Linux x86\\_64, glibc 2.36: a reason\n" in text


def test_missing_records_are_named(write, tmp_path, capsys):
    folder = tmp_path / "results-linux"
    folder.mkdir()
    write(HEAD, PLAY, FOOT).rename(folder / "a.jsonl")
    (tmp_path / "results-damaged").mkdir()
    (tmp_path / "results-damaged/a.jsonl").write_text("{")
    expected = ("results-linux", "results-damaged", "results-<windows>")
    assert main([str(tmp_path), *(f"--expect={name}" for name in expected)]) == 0
    assert (
        "**2 records missing**: results-damaged, results-&lt;windows&gt;\n"
        in capsys.readouterr().out
    )


def test_unusable_files_are_named(write, tmp_path):
    (tmp_path / "a_b.jsonl").write_text("")
    text = markdown(Summary(fold([write(HEAD, PLAY, FOOT), tmp_path / "a_b.jsonl"])))
    assert (
        "- " + escaped(f"{tmp_path}/a_b.jsonl is empty, or was cut short in its first line") in text
    )


def test_the_summary_is_below_the_limit_of_a_page(write):
    """Of GitHub: 1 MiB."""
    ids = list(catalogue.by_id())
    paths = [
        write(
            {**HEAD, "python": f"3.13.{number}", "platform": f"Amiga-{'&' * 190}"},
            *({**PLAY, "claim": id, "verdict": "fails", "reason": "&" * 990} for id in ids),
            FOOT,
        )
        for number in range(40)
    ]
    text = markdown(Summary(fold(paths)))
    assert 900_000 < len(text.encode()) < 1_000_000
    assert text.endswith("\n\nThe rest is left out: this page has a limit.\n")


def test_the_badge_is_a_picture_with_the_headline(write, tmp_path):
    path = tmp_path / "badge.svg"
    assert main([str(write(HEAD, RED, FOOT)), "--badge", str(path)]) == 0
    picture = xml.etree.ElementTree.fromstring(path.read_text(encoding="utf-8"))
    said = "1 claim fails, 0 claims hold · 1 environment"
    assert picture.get("aria-label") == f"multiprocessing: {said}"
    assert [each.text for each in picture.iter("{http://www.w3.org/2000/svg}text")] == [
        "multiprocessing",
        said,
    ]
    assert "#b32121" in path.read_text(encoding="utf-8")


def test_without_a_record_nothing_holds(tmp_path, capsys):
    assert main([str(tmp_path)]) == 0
    said = capsys.readouterr().out
    assert "0 claims hold · 0 environments" in said
    assert "has no records" in html.unescape(said)
