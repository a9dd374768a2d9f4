"""The mark that makes a test the proof of a claim, and what is known of a claim beforehand."""

from __future__ import annotations

import sys

TYPE_CHECKING = False
if TYPE_CHECKING:  # the module typing alone would cost each spawned child 8 ms
    from collections.abc import Callable
    from typing import Any

    Test = Callable[..., Any]

DOCUMENTATION = "https://docs.python.org/3/library/"

#: What a claim can rest on: the documentation promises it, or it is what CPython does.
DOCUMENTED = "documented"
OBSERVED = "observed"
LEVELS = (DOCUMENTED, OBSERVED)


def reached(releases: str, version: tuple[int, ...] = sys.version_info[:3]) -> bool:
    """Whether a Python has what came with ``releases``, the first of each line that has it.

    "3.14" is 3.14.0 and all that follow. "3.13.8, 3.14.1" is what was mended in two lines: it
    is in 3.13.9, 3.14.1 and 3.15.0, and not in 3.12.12 nor in 3.14.0.
    """
    firsts = sorted(tuple(map(int, release.split("."))) for release in releases.split(", "))
    for first in firsts:
        if first[:2] == version[:2]:
            return version >= first
    return version[:2] > firsts[-1][:2]


class Claim:
    """What is known of a claim before it is put to the proof.

    Parameters: ``id`` is its name, ``subject.property``, which never changes;
    ``docs`` is the documented name (``multiprocessing.Lock.acquire``), or a section of a page
    (``multiprocessing#programming-guidelines``), of what it is about; ``level`` says whether
    that promises it (DOCUMENTED), or it is what CPython does and is promised nowhere (OBSERVED).

    Where it applies: ``needs`` names the capabilities without which it does not; ``methods``
    the start methods that it is about, where these are not all; ``since`` and ``until`` the
    releases with which it began and ceased to hold, as :func:`reached` reads them.
    ``changes`` says, by such releases, what became different in a claim that holds before and
    after; ``deviations`` gives, by the capability that marks an implementation, why the claim
    is known not to hold there and where that is tracked.
    """

    def __init__(
        self,
        id: str,
        docs: str,
        level: str,
        needs: tuple[str, ...],
        methods: tuple[str, ...],
        since: str,
        until: str,
        changes: dict[str, str],
        deviations: dict[str, str],
        test: Test,
    ) -> None:
        self.id = id
        self.docs = docs
        self.level = level
        self.needs = needs
        self.methods = methods
        self.since = since
        self.until = until
        self.changes = changes
        self.deviations = deviations
        self.test = test

    @property
    def chapter(self) -> str:
        """The chapter that it stands in: the name of its file without ``test_``."""
        return self.test.__module__.rpartition(".test_")[2]

    @property
    def sentence(self) -> str:
        """The claim itself: the first line of the test's docstring."""
        return (self.test.__doc__ or "").strip().partition("\n")[0].strip()

    @property
    def url(self) -> str:
        """The address of the documentation that the claim rests on."""
        page, mark, section = self.docs.partition("#")
        if not mark:
            own_page = self.docs.startswith("multiprocessing.shared_memory")
            page = "multiprocessing.shared_memory" if own_page else self.docs.partition(".")[0]
            section = self.docs
        return f"{DOCUMENTATION}{page}.html#{section}"

    def outdated(self, version: tuple[int, ...] = sys.version_info[:3]) -> str:
        """Why the claim is not one about this version of Python; empty if it is."""
        this = ".".join(map(str, version))
        if self.since and not reached(self.since, version):
            return f"this holds since Python {self.since}, and this is {this}"
        if self.until and reached(self.until, version):
            return f"this held until Python {self.until}, and this is {this}"
        return ""

    def foreign(self, start_method: str | None) -> str:
        """Why the claim is not one about the start method; empty if it is."""
        if not self.methods or start_method in self.methods:
            return ""
        return f"this is about {' and '.join(self.methods)}"


def claim(
    id: str,
    *,
    docs: str,
    level: str = DOCUMENTED,
    needs: tuple[str, ...] = (),
    methods: tuple[str, ...] = (),
    since: str = "",
    until: str = "",
    changes: dict[str, str] | None = None,
    deviations: dict[str, str] | None = None,
) -> Callable[[Test], Test]:
    """Mark a test as the proof of the claim with this id; see :class:`Claim`.

    What all claims of a chapter need stands once in the chapter, above them, as ``NEEDS``.
    """

    def mark(test: Test) -> Test:
        needed = (*getattr(test, "__globals__", {}).get("NEEDS", ()), *needs)
        test.claim = Claim(  # type: ignore[attr-defined]
            id, docs, level, needed, methods, since, until, changes or {}, deviations or {}, test
        )
        return test

    return mark
