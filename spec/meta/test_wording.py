"""The wording of claims and of all other prose, as far as a machine can check it."""

from pathlib import Path

import pytest

from spec.kit.capabilities import CAPABILITIES
from spec.meta.wording import prose, wrong_sentence, wrong_words
from spec.report import catalogue

ROOT = Path(__file__).parents[2]
# It quotes the banned words.
WORDING = Path(__file__).with_name("wording.py")
TEXTS = sorted(
    path
    for path in (*ROOT.glob("*.py"), *ROOT.glob("spec/**/*.py"), ROOT / "README.md")
    if path != WORDING
)


def test_every_sentence_is_short_and_plain():
    """The tables of banned words are in :mod:`spec.meta.wording`."""
    wrong = [
        f"{claim.id}: {problem}"
        for chapter in catalogue.chapters()
        for claim in chapter.claims
        for problem in wrong_sentence(claim.sentence)
    ]
    assert wrong == []


def test_every_lack_is_a_plain_sentence():
    assert [problem for each in CAPABILITIES.values() for problem in wrong_words(each.lack)] == []


@pytest.mark.parametrize("path", TEXTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_prose_is_plain(path):
    wrong = [
        f"line {line}: {problem}" for line, text in prose(path) for problem in wrong_words(text)
    ]
    assert wrong == []


@pytest.mark.parametrize(
    ("sentence", "problems"),
    [
        ("Releasing an unlocked Lock raises ValueError and has no effect.", 0),
        ("notify() wakes one waiter, and notify(n) at most n waiters.", 0),
        ("exitcode is None until the process has ended.", 0),
        ("Who has taken a Lock has to wait as all others have.", 3),
        ("To release a Lock that is free raises ValueError.", 1),
        ("notify wakes one waiter.", 2),
        ("The time-out has passed", 2),
        (f"A Lock {'is held ' * 12}.", 1),
    ],
)
def test_the_tables_find_what_is_not_said(sentence, problems):
    assert len(wrong_sentence(sentence)) == problems, wrong_sentence(sentence)
