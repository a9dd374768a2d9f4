"""The house's rules: what every room may import, and what every claim must have."""

from pathlib import Path

from spec import CHAPTERS
from spec.report import catalogue

SPEC = Path(__file__).parents[1]


def test_every_chapter_has_its_place():
    """A chapter that is missing from CHAPTERS would be played last, and read by nobody."""
    assert sorted(path.stem.removeprefix("test_") for path in SPEC.glob("test_*.py")) == sorted(
        CHAPTERS
    )


def test_every_claim_is_a_short_sentence():
    for chapter in catalogue.chapters():
        assert chapter.claims, chapter.name
        for claim in chapter.claims:
            assert claim.sentence.endswith("."), claim.id
            assert len(claim.sentence) <= 100, claim.id


def test_no_id_is_given_twice():
    ids = [
        id
        for chapter in catalogue.chapters()
        for id in (*(id for claim in chapter.claims for id in claim.ids), *chapter.left_out)
    ]
    assert len(ids) == len(set(ids))
