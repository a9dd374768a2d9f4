"""The browser for the tests of the page, and the page that they open."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from spec.meta.made_up_runs import record
from spec.report.page import chromium
from spec.report.plays import CRASHES, FAILS, KNOWN_DEVIATION

HOSTILE = "<script>document.title = 'broken in'</script><img src=x onerror=alert(1)>\"'&"
CLAIM = "semaphore.at-most-two"
WAVERING = "lock.with-and-acquire-both-exclude"


@pytest.fixture(scope="session")
def browser() -> Iterator[Any]:
    """Chromium."""
    playwright = pytest.importorskip(
        "playwright.sync_api", reason="playwright is missing: run python -m nox -s browser"
    )
    path = chromium.path()
    if path is None:
        pytest.skip(f"no Chromium was found: {chromium.VARIABLE} may name one")
    with playwright.sync_playwright() as running:
        started = running.chromium.launch(executable_path=path)
        yield started
        started.close()


@pytest.fixture(scope="session")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The page of five records from four environments, with red, wavering and hostile ones."""
    from spec.report import records
    from spec.report.page.render import render

    folder = tmp_path_factory.mktemp("page")
    red = {
        (CLAIM, "spawn"): (FAILS, HOSTILE),
        ("queue.pickled-later-by-feeder", "fork"): (CRASHES, "‮reversed‬ " + "long" * 3000),
        ("pipe.poll-true-at-end-of-file", "fork"): (KNOWN_DEVIATION, "it is tracked elsewhere"),
    }
    wavering = {(WAVERING, "fork"): (FAILS, "another process holds it")}
    paths = [
        record(folder / "1.jsonl", python="3.13.0"),
        record(folder / "2.jsonl", red, python="3.14.2", default_start_method="forkserver"),
        record(folder / "3.jsonl", python="3.14.2", gil=False),
        record(folder / "4.jsonl", wavering, python="3.13.0"),
        record(
            folder / "5.jsonl", left_out=(CLAIM,), python="3.13.0", platform=HOSTILE + "x" * 10**4
        ),
    ]
    path = folder / "page.html"
    path.write_text(render(records.fold(paths)), encoding="utf-8")
    return path


class Visit:
    """A page in a context of its own; its messages and requests are noted."""

    def __init__(self, context: Any, file: Path) -> None:
        self.page = context.new_page()
        self.trouble: list[str] = []
        self.requested: list[str] = []
        self._file = file
        self.page.on("pageerror", lambda error: self.trouble.append(str(error)))
        self.page.on("console", lambda message: self.trouble.append(message.text))
        self.page.on("dialog", lambda dialog: self.trouble.append(dialog.message))
        self.page.on("request", lambda request: self.requested.append(request.url))

    def open(self, fragment: str = "") -> Any:
        """Open the page at a fragment; returns Playwright's page."""
        self.page.goto("about:blank")  # else only the fragment would change
        self.page.goto(self._file.as_uri() + fragment)
        return self.page

    def settle(self) -> None:
        """Wait until the page has followed a link."""
        self.page.evaluate("() => new Promise((done) => setTimeout(done, 50))")

    @property
    def shown(self) -> list[str]:
        """The sentences of the claims in the matrix that are not hidden."""
        self.settle()
        links = self.page.locator(".matrix tbody tr:not([hidden]) th a")
        texts: list[str] = links.all_text_contents()
        return texts

    @property
    def view(self) -> str:
        """The id of the section that is shown."""
        self.settle()
        name: str = self.page.eval_on_selector(".view.now", "each => each.id")
        return name


@pytest.fixture
def visit(browser: Any, file: Path) -> Iterator[Callable[..., Visit]]:
    """A function that makes a visit; at the end of the test none of them may have had trouble."""
    visits: list[tuple[Any, Visit]] = []

    def made(file: Path = file, **settings: Any) -> Visit:
        context = browser.new_context(**{"viewport": {"width": 1280, "height": 900}, **settings})
        context.set_default_timeout(5_000)
        visits.append((context, Visit(context, file)))
        return visits[-1][1]

    yield made
    for context, visited in visits:
        context.close()
        assert visited.trouble == []
        assert [url for url in visited.requested if not url.startswith("file:")] == []
