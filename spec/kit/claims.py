"""The decorator that makes a test the proof of a claim, and the properties of a claim."""

from __future__ import annotations

import sys

TYPE_CHECKING = False
if TYPE_CHECKING:  # importing the module typing would cost each spawned child 8 ms
    from collections.abc import Callable
    from typing import Any

    Test = Callable[..., Any]

DOCUMENTATION = "https://docs.python.org/3/library/"

#: The levels of a claim: the documentation promises it, or CPython does it without a promise.
DOCUMENTED = "documented"
OBSERVED = "observed"
LEVELS = (DOCUMENTED, OBSERVED)


def reached(releases: str, version: tuple[int, ...] = sys.version_info[:3]) -> bool:
    """Whether a Python ``version`` has a change that came with ``releases``.

    ``releases`` are the first releases with the change, at most one for each feature release.
    "3.14" means 3.14.0 and all later releases. "3.13.8, 3.14.1" means a change that was made in
    two maintenance branches: it is in 3.13.9, 3.14.1 and 3.15.0, and not in 3.12.12 or 3.14.0.
    """
    firsts = sorted(tuple(map(int, release.split("."))) for release in releases.split(", "))
    for first in firsts:
        if first[:2] == version[:2]:
            return version >= first
    return version[:2] > firsts[-1][:2]


def url_of(place: str) -> str:
    """The URL of a place in the documentation: a name, or a section in the form page#section."""
    page, mark, section = place.partition("#")
    if not mark:
        own_page = place.startswith("multiprocessing.shared_memory")
        page = "multiprocessing.shared_memory" if own_page else place.partition(".")[0]
        section = place
    return f"{DOCUMENTATION}{page}.html#{section}"


class Claim:
    """A claim: its sentence is the first line of the docstring of ``test``, its proof.

    Parameters: ``id`` is its name, ``subject.property``, which never changes;
    ``docs`` is the subject in the documentation: a name (``multiprocessing.Lock.acquire``), or a
    section of a page (``multiprocessing#programming-guidelines``); ``level`` is DOCUMENTED if the
    documentation promises the claim, or OBSERVED if CPython does it and no documentation promises
    it.

    Where it applies: ``needs`` names the capabilities that it needs; ``methods`` the start methods
    that it is about, empty for all; ``since`` and ``until`` the releases with which it began and
    ceased to hold, in the form that :func:`reached` takes. ``changes`` maps such releases to a
    sentence about what became different, for a claim that holds before and after;
    ``deviations`` maps a capability that marks an implementation to a sentence about why the
    claim is known not to hold there and where that is tracked. ``contradicts`` is the place in the
    documentation, in the form of ``docs``, whose sentence says otherwise. ``slow`` marks a proof
    that takes several seconds: it is played with ``--slow``, or if the claim is named.
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
        contradicts: str,
        slow: bool,
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
        self.contradicts = contradicts
        self.slow = slow
        self.test = test

    @property
    def chapter(self) -> str:
        """The name of its chapter: the name of the file without ``test_``."""
        return self.test.__module__.rpartition(".test_")[2]

    @property
    def sentence(self) -> str:
        """The first line of the test's docstring."""
        return (self.test.__doc__ or "").strip().partition("\n")[0].strip()

    @property
    def url(self) -> str:
        """The URL of the documentation of its subject."""
        return url_of(self.docs)

    def outdated(self, version: tuple[int, ...] = sys.version_info[:3]) -> str:
        """Why the claim does not apply to a version of Python; empty if it does."""
        this = ".".join(map(str, version))
        if self.since and not reached(self.since, version):
            return f"this holds since Python {self.since}, and this is {this}"
        if self.until and reached(self.until, version):
            return f"this held until Python {self.until}, and this is {this}"
        return ""

    def foreign(self, start_method: str | None) -> str:
        """Why the claim does not apply to the start method; empty if it does."""
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
    contradicts: str = "",
    slow: bool = False,
) -> Callable[[Test], Test]:
    """Mark a test as the proof of the claim with this id; see :class:`Claim` for the parameters.

    Capabilities that all claims of a chapter need are in the chapter's ``NEEDS``, above them.
    """

    def mark(test: Test) -> Test:
        needed = (*getattr(test, "__globals__", {}).get("NEEDS", ()), *needs)
        test.claim = Claim(  # type: ignore[attr-defined]
            id=id,
            docs=docs,
            level=level,
            needs=needed,
            methods=methods,
            since=since,
            until=until,
            changes=changes or {},
            deviations=deviations or {},
            contradicts=contradicts,
            slow=slow,
            test=test,
        )
        return test

    return mark
