"""The page in Chromium: links, search, filters, comparison, records of one's own, accessibility."""

from __future__ import annotations

import json
from itertools import product

import pytest

from spec.kit.claims import reached
from spec.meta.browser.conftest import CLAIM, HOSTILE, WAVERING
from spec.meta.made_up import HEAD
from spec.meta.made_up_runs import record
from spec.report import catalogue
from spec.report.catalogue import START_METHODS
from spec.report.plays import CRASHES, FAILS, KNOWN_DEVIATION
from spec.report.record import FORMAT
from spec.report.records import WAVERS

CLAIMS = catalogue.by_id()
VIEWS = (
    "",
    "#matrix",
    "#compare",
    "#versions",
    "#methods",
    "#names",
    "#disagreements",
    f"#{CLAIM}",
)
CRASHING = "queue.pickled-later-by-feeder"
DEVIATING = "pipe.poll-true-at-end-of-file"


def sentence(id):
    return CLAIMS[id].sentence


def sentences(wanted):
    return {claim.sentence for claim in CLAIMS.values() if wanted(claim)}


def test_it_opens_with_the_summary_and_three_questions(visit):
    visited = visit()
    page = visited.open()
    assert page.inner_text("h1") == "What multiprocessing promises, and where it holds"
    told = page.inner_text(".lead")
    assert f"of {len(CLAIMS)} claims hold wherever they apply, in 4 environments." in told
    assert "1 claim fails somewhere. 1 claim crashes somewhere. 1 claim wavers" in told
    assert page.locator(".entrances h2").count() == 3
    page.click(".lead a:text('fails')")
    assert visited.shown == [sentence(CLAIM)]


def test_a_claim_has_a_link_of_its_own(visit):
    page = visit().open(f"#{CLAIM}")
    article = page.locator(".claim")
    assert article.locator("h2").inner_text() == sentence(CLAIM)
    told = article.inner_text()
    for part in (
        "a third process holds it",  # the proof
        "def hold_semaphore_until_cued",  # an actor
        "A Semaphore(n) admits n + 1 processes.",  # a fault
        "✗ fails 0.50 s",
        HOSTILE,
    ):
        assert part in told
    assert article.locator("svg").count() == 2  # of the red play, and of one that holds
    assert page.title().startswith(sentence(CLAIM))


def test_an_unknown_link_is_told_and_does_no_harm(visit):
    visited = visit()
    page = visited.open("#no-such.claim")
    assert visited.view == "overview"
    assert page.inner_text("#notice") == "Nothing here is named no-such.claim."
    visited.open("#%E0%A4%A")
    assert visited.view == "overview"


def test_the_search_finds_each_word_and_the_link_keeps_them(visit):
    visited = visit()
    page = visited.open()
    page.keyboard.press("/")
    page.keyboard.type("Queue.get timeout")
    visited.settle()
    found = visited.shown
    assert 0 < len(found) < 30
    again = visit()
    again.open(page.evaluate("location.hash"))
    assert again.shown == found
    assert again.page.input_value("#search") == "Queue.get timeout"


@pytest.mark.parametrize(
    ("filters", "wanted"),
    [
        ({"chapter": "queues"}, lambda claim: claim.chapter == "queues"),
        ({"level": "observed"}, lambda claim: claim.level == "observed"),
        (
            {"method": "spawn"},
            lambda claim: not claim.foreign("spawn") and not claim.outdated((3, 14, 2)),
        ),
        ({"verdict": FAILS}, lambda claim: claim.id == CLAIM),
        ({"verdict": CRASHES}, lambda claim: claim.id == CRASHING),
        ({"verdict": KNOWN_DEVIATION}, lambda claim: claim.id == DEVIATING),
        ({"verdict": WAVERS}, lambda claim: claim.id == WAVERING),
        ({"verdict": "not run"}, lambda claim: claim.id == CLAIM),
        ({"verdict": FAILS, "method": "fork"}, lambda claim: False),
        ({"verdict": FAILS, "method": "spawn"}, lambda claim: claim.id == CLAIM),
        (
            {"chapter": "queues", "level": "observed"},
            lambda claim: (claim.chapter, claim.level) == ("queues", "observed"),
        ),
    ],
    ids=str,
)
def test_each_filter_shows_its_claims_and_is_kept_in_the_link(visit, filters, wanted):
    visited = visit()
    page = visited.open("#matrix")
    assert len(visited.shown) == len(CLAIMS)
    for name, value in filters.items():
        page.select_option(f"#matrix select[name={name}]", value)
    assert set(visited.shown) == sentences(wanted)
    assert page.inner_text("#found") == f"{len(visited.shown)} of {len(CLAIMS)} claims"
    again = visit()
    again.open(page.evaluate("location.hash"))
    assert again.shown == visited.shown
    page.click("text=Show all")
    assert len(visited.shown) == len(CLAIMS)


def test_back_returns_to_the_filters(visit):
    visited = visit()
    page = visited.open("#?chapter=semaphores")
    before = visited.shown
    page.click(f"text={sentence(CLAIM)}")
    assert visited.view == "claims"
    page.go_back()
    assert visited.view == "matrix"
    assert visited.shown == before
    assert page.input_value("select[name=chapter]") == "semaphores"


def test_two_environments_are_compared(visit):
    visited = visit()
    page = visited.open()
    page.select_option("#overview select[name=from]", label="3.13.0 Linux")
    page.select_option("#overview select[name=to]", label="3.14.2")
    page.click("#overview [data-compare] button")
    assert visited.view == "compare"
    shown = page.locator("#differences tbody th a").all_text_contents()
    red = (CLAIM, CRASHING, DEVIATING, WAVERING)
    assert sorted(shown) == sorted(
        claim.sentence
        for claim in CLAIMS.values()
        if claim.id in red
        or any(
            reached(releases, (3, 13, 0)) != reached(releases, (3, 14, 2))
            for releases in filter(None, (claim.since, claim.until, *claim.changes))
        )
    )
    told = page.locator("#differences tbody tr").all_inner_texts()
    changed = next(each for each in told if sentence("start-method.platform-default") in each)
    assert "it is no longer fork anywhere" in changed
    assert any(HOSTILE in each for each in told)
    assert "gets forkserver on 3.14.2, and fork on 3.13.0" in page.inner_text(".default")


def test_two_start_methods_are_compared(visit):
    page = visit().open("#?from=fork&to=spawn")
    told = page.inner_text("#differences")
    for claim in CLAIMS.values():
        one_only = bool(claim.methods) and ("fork" in claim.methods) != ("spawn" in claim.methods)
        if one_only and not claim.since:
            assert claim.sentence in told
    page.select_option("#compare select[name=to]", "forkserver")
    assert "from=fork&to=forkserver" in page.evaluate("location.hash")


def test_a_documented_name_leads_to_its_claims(visit):
    visited = visit()
    page = visited.open()
    page.fill("#overview [data-name] input", "Queue.get()")
    page.click("text=Look up")
    visited.settle()
    assert page.evaluate("location.hash") == "#multiprocessing.Queue.get"
    shown = page.locator(".name:not([hidden])")
    assert shown.locator("h2").all_inner_texts() == ["multiprocessing.Queue.get 5"]
    assert set(shown.locator("li a").all_inner_texts()) == sentences(
        lambda claim: "multiprocessing.Queue.get" in (claim.docs, claim.contradicts)
    )
    page.click("text=all names")
    visited.settle()
    assert page.locator(".name:not([hidden])").count() == len(catalogue.DOCUMENTED_NAMES)
    page.fill("#names input", "barrier")
    assert 0 < page.locator(".name:not([hidden])").count() < 20


def drop(page, name, text):
    """Drop a file on the page, and wait until the page has told what it is."""
    page.evaluate(
        """([name, text]) => {
            const dropped = new DataTransfer();
            dropped.items.add(new File([text], name));
            document.dispatchEvent(
                new DragEvent("drop", {dataTransfer: dropped, bubbles: true, cancelable: true}));
        }""",
        [name, text],
    )
    page.locator("#dropped bdi:not(:text('is being read'))").wait_for()
    return page.inner_text("#dropped")


@pytest.fixture
def own(tmp_path):
    """The text of a record in which a claim fails under fork."""
    verdicts = {(CLAIM, "fork"): (FAILS, f"mine: {HOSTILE}")}
    return record(tmp_path / "own", verdicts, python="3.12.7").read_text(encoding="utf-8")


def test_a_record_that_is_dropped_becomes_a_column(visit, own):
    visited = visit()
    page = visited.open()
    assert f"{3 * len(CLAIMS)} plays" in drop(page, "<b>own</b>.jsonl", own)
    assert page.inner_text("#dropped").startswith("<b>own</b>.jsonl: CPython 3.12.7")
    page.goto(page.url.partition("#")[0] + "#matrix")
    assert set(page.locator("th.mine").all_text_contents()) == {"my machine"}
    row = page.locator(f"tr:has(a[href='#{CLAIM}'])")
    assert row.locator("td.mine").first.text_content() == "✗ ✓ ✓\nfails fork"
    page.goto(page.url.partition("#")[0] + f"#{CLAIM}")
    assert f"mine: {HOSTILE}" in page.inner_text(".verdicts .mine")
    page.goto(page.url.partition("#")[0] + "#compare")
    page.select_option("#compare select[name=to]", label="my machine")
    assert f"mine: {HOSTILE}" in page.inner_text("#differences")
    drop(page, "again.jsonl", own)
    assert page.locator(f"tr:has(a[href='#{CLAIM}']) td.mine").count() == 1


def test_a_record_can_be_chosen(visit, own, tmp_path):
    page = visit().open("#my-machine")
    page.set_input_files("#file", str(tmp_path / "own"))
    page.wait_for_selector("#dropped:has-text('plays')")


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "is not a record of this suite: python -m pytest --results=FILE makes one."),
        ("[" * 10**5, "is not a record of this suite"),
        ("\0\n\n", "is not a record of this suite"),
        (json.dumps({**HEAD, "format": FORMAT + 1}) + "\n", f"has the format {FORMAT + 1}, and"),
        (json.dumps({**HEAD, "format": FORMAT - 1}) + "\n", "run the suite again"),
        (
            json.dumps({**HEAD, "python": 3, "start_methods": {}}) + "\n{",
            "0 plays. The run did not",
        ),
    ],
    ids=["empty", "foreign", "binary", "newer", "older", "begun"],
)
def test_a_file_that_is_no_record_gets_one_line(visit, text, told):
    page = visit().open()
    line = drop(page, "x" * 10**4, text)
    assert told in line
    assert len(line) < 300


def test_a_damaged_record_counts_as_far_as_it_goes(visit, own):
    page = visit().open()
    lines = own.splitlines(keepends=True)
    lines[7] = "{]\n"
    told = drop(page, "damaged", "".join(lines))
    assert "6 plays. Line 8 is damaged; what is above it counts." in told


def test_all_can_be_done_with_the_keyboard(visit):
    visited = visit()
    page = visited.open()
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip"
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "overview-title"
    page.keyboard.press("/")
    page.keyboard.type("a third blocks until one releases")
    visited.settle()
    for _ in range(20):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.hash") == f"#{CLAIM}":
            break
    page.keyboard.press("Enter")
    assert visited.view == "claims"
    assert page.evaluate("document.activeElement.textContent") == sentence(CLAIM)
    page.go_back()
    assert visited.shown == [sentence(CLAIM)]


@pytest.mark.parametrize(("scheme", "view"), [*product(("light", "dark"), VIEWS)])
def test_axe_finds_nothing(visit, scheme, view):
    axe = pytest.importorskip("axe_playwright_python.sync_playwright")
    page = visit(color_scheme=scheme).open(view)
    found = axe.Axe().run(page).response["violations"]
    assert [(each["id"], each["nodes"][0]["html"][:200]) for each in found] == []


@pytest.mark.parametrize(("width", "view"), [*product((360, 800, 1280), VIEWS)])
def test_the_page_is_never_wider_than_the_window(visit, width, view):
    page = visit(viewport={"width": width, "height": 780}).open(view)
    assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_many_environments_scroll_and_leave_the_sentences_their_width(visit):
    page = visit().open("#?chapter=queues")
    page.evaluate(
        """() => {
            for (const row of document.querySelectorAll("#queues tr"))
                for (let more = 0; more < 16; more++)
                    row.append(row.lastElementChild.cloneNode(true));
            document.documentElement.style.setProperty("--columns", 20);
            document.querySelector(".scroller").scrollTo(900, 100);
        }"""
    )
    sentence = page.locator("#queues tbody th").nth(8).bounding_box()
    assert sentence["width"] >= 300
    assert sentence["x"] >= 0  # it stays when the columns are scrolled
    assert page.locator("#queues thead th").first.bounding_box()["y"] > 0
    assert page.evaluate("document.documentElement.scrollWidth") == 1280


def test_it_is_readable_without_scripts(visit):
    page = visit(java_script_enabled=False).open(f"#{CLAIM}")
    article = page.locator(f"[id='{CLAIM}']")
    assert article.is_visible()
    assert "def hold_semaphore_until_cued" in article.inner_text()
    assert page.locator("#versions").is_visible()
    assert not page.locator("#search").is_visible()


LONG_TASKS = """
    window.longest = 0;
    new PerformanceObserver((list) => {
        for (const each of list.getEntries()) window.longest = Math.max(longest, each.duration);
    }).observe({type: "longtask", buffered: true});
"""


def test_no_task_takes_as_long_as_a_person_notices(visit, figure):
    """Opening, searching, filtering and comparing: each task takes less than 100 ms."""
    visited = visit()
    visited.page.add_init_script(LONG_TASKS)
    longest = {}
    page = visited.open()

    def note(what):
        page.wait_for_timeout(200)
        longest[what] = page.evaluate("[window.longest, window.longest = 0][0]")

    note("opening")
    page.click("text=Matrix >> nth=0")
    note("matrix")
    page.type("#search", "timeout", delay=30)
    note("searching")
    page.fill("#search", "")
    note("all again")
    for method in START_METHODS:
        page.select_option("#matrix select[name=method]", method)
    note("filtering")
    page.click("text=Compare >> nth=0")
    note("comparing")
    figure(f"longest tasks in ms: {longest}")
    assert max(longest.values()) < 100
