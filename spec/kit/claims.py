"""The mark that makes a test the proof of a claim."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:  # the module typing alone would cost each spawned child 8 ms
    from collections.abc import Callable
    from typing import Any

    Test = Callable[..., Any]

DOCUMENTATION = "https://docs.python.org/3/library/"


class Claim:
    """What is known of a claim before it is put to the proof.

    Parameters: ``ids`` are its dotted names, the first of them the one that reports use;
    ``docs`` is the documented name (``multiprocessing.Lock.acquire``), or a section of a page
    (``multiprocessing#programming-guidelines``); ``needs`` names the capabilities without
    which the claim does not apply; ``deviations`` gives, by the capability that marks an
    implementation, why the claim is known not to hold there and where that is tracked.
    """

    def __init__(
        self,
        ids: tuple[str, ...],
        docs: str,
        needs: tuple[str, ...],
        deviations: dict[str, str],
        test: Test,
    ) -> None:
        self.ids = ids
        self.docs = docs
        self.needs = needs
        self.deviations = deviations
        self.test = test

    @property
    def id(self) -> str:
        """The name that reports use."""
        return self.ids[0]

    @property
    def sentence(self) -> str:
        """The claim itself: the first line of the test's docstring."""
        return (self.test.__doc__ or "").strip().partition("\n")[0].strip()

    @property
    def url(self) -> str:
        """The address of the documentation that the claim rests on."""
        page, mark, section = self.docs.partition("#")
        if not mark:
            page, section = self.docs.partition(".")[0], self.docs
        return f"{DOCUMENTATION}{page}.html#{section}"


def claim(
    *ids: str,
    docs: str,
    needs: tuple[str, ...] = (),
    deviations: dict[str, str] | None = None,
) -> Callable[[Test], Test]:
    """Mark a test as the proof of the claim with these ids; see :class:`Claim`."""

    def mark(test: Test) -> Test:
        test.claim = Claim(ids, docs, needs, deviations or {}, test)  # type: ignore[attr-defined]
        return test

    return mark
