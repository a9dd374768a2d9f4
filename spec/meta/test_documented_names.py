"""The package's names in the index of the documentation: each is what some claim is about."""

from spec.report import catalogue

# Names that no claim is about, and why.
WITHOUT_CLAIM = {
    "multiprocessing": "the package as a whole: each chapter is about a part of it",
}


def names_with_claims() -> set[str]:
    return {claim.docs for claim in catalogue.by_id().values()}


def test_each_documented_name_has_a_claim_or_a_reason():
    missing = catalogue.DOCUMENTED_NAMES - names_with_claims() - WITHOUT_CLAIM.keys()
    assert sorted(missing) == []


def test_no_name_has_both():
    assert WITHOUT_CLAIM.keys() & names_with_claims() == set()
