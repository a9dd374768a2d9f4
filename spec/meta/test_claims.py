"""Claims: the versions and start methods where they apply, and the reason where they do not."""

import ast
import inspect

import pytest

from spec.kit.claims import LEVELS, Claim, reached
from spec.meta.chapters import SIMPLE
from spec.report import catalogue
from spec.report.plays import HOLDS, NOT_APPLICABLE
from spec.report.record import read


@pytest.mark.parametrize(
    ("releases", "inside", "outside"),
    [
        ("3.14", [(3, 14, 0), (3, 14, 9), (3, 15, 0), (4, 0, 0)], [(3, 13, 12), (3, 9, 0)]),
        (
            "3.13.8, 3.14.1",
            [(3, 13, 8), (3, 13, 10), (3, 14, 1), (3, 15, 0)],
            [(3, 12, 12), (3, 13, 7), (3, 14, 0)],
        ),
    ],
)
def test_releases_are_reached_line_by_line(releases, inside, outside):
    assert [reached(releases, version) for version in inside] == [True] * len(inside)
    assert [reached(releases, version) for version in outside] == [False] * len(outside)


def dated(**where) -> Claim:
    known = {"since": "", "until": "", "methods": ()} | where
    return Claim(
        "a.b",
        "multiprocessing",
        LEVELS[0],
        (),
        changes={},
        deviations={},
        contradicts="",
        slow=False,
        test=lambda: None,
        **known,
    )


def test_a_claim_says_why_it_is_not_about_a_version():
    claim = dated(since="3.13", until="3.15")
    assert claim.outdated((3, 12, 1)) == "this holds since Python 3.13, and this is 3.12.1"
    assert claim.outdated((3, 13, 0)) == claim.outdated((3, 14, 10)) == ""
    assert claim.outdated((3, 15, 0)) == "this held until Python 3.15, and this is 3.15.0"


def test_a_claim_says_why_it_is_not_about_a_start_method():
    claim = dated(methods=("spawn", "forkserver"))
    assert claim.foreign("fork") == "this is about spawn and forkserver"
    assert claim.foreign("spawn") == dated().foreign("fork") == ""


def test_what_a_claim_is_not_about_is_not_played(scratch):
    limits = {"later": 'since="99.0"', "gone": 'until="3.1"', "spawned": 'methods=("spawn",)'}
    for name, limit in limits.items():
        text = SIMPLE.replace('s="multiprocessing"', f's="multiprocessing", {limit}')
        scratch.chapter(name, text.format(name=name))
    run = scratch.run("-n", "0", "--results", "record")
    assert run.exitcode == 0, run.output
    plays = read(scratch.root / "record").plays
    assert {
        (play["claim"], play["start_method"]) for play in plays if play["verdict"] == HOLDS
    } == {("spawned.holds", "spawn")}
    assert all(play["verdict"] in (HOLDS, NOT_APPLICABLE) for play in plays)
    assert {play["reason"].split(",")[0] for play in plays} >= {
        "this holds since Python 99.0",
        "this held until Python 3.1",
        "this is about spawn",
    }


def test_what_changes_in_a_proof_is_told_on_its_claim():
    """The ``changes`` of a claim name every version with which its proof calls reached()."""
    for chapter in catalogue.chapters():
        for claim in chapter.claims:
            tree = ast.parse(inspect.getsource(claim.test))
            asked = {
                ast.literal_eval(node.args[0])
                for node in ast.walk(tree)
                if isinstance(node, ast.Call) and ast.unparse(node.func) == "reached"
            }
            assert asked <= set(claim.changes), claim.id
