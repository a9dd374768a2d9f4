"""The page as text: the template, with its style, its script and its data inside."""

from __future__ import annotations

import base64
import hashlib
import json
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from spec.report import timelines
from spec.report.catalogue import START_METHODS
from spec.report.page import model, sources
from spec.report.page.data import data_of
from spec.report.page.verdicts import WORDS, cell_of
from spec.report.plays import HOLDS
from spec.report.records import Matrix

_FOLDER = Path(__file__).parent
# Before anything is drawn: with scripts, one section is shown at a time, the first without a
# fragment.
_START = 'document.documentElement.className = location.hash ? "js" : "js first"'


def render(matrix: Matrix) -> str:
    """The HTML text of the page of a matrix of records."""
    page = model.page_of(matrix)
    shown = {verdict for column in page.columns for verdict in column.counts}
    template = _templates().get_template("page.html")
    return template.render(
        page=page,
        methods=START_METHODS,
        WORDS=WORDS,
        shown_words=[word for verdict, word in WORDS.items() if verdict in shown],
        defaults=model.default_start_methods(page.columns),
        disagreements=[
            (view, sources.Source(path.name, sources.whole(path)))
            for view in page.views
            if view.claim.contradicts and (path := sources.contradiction(view.claim)).exists()
        ],
        text_of=cell_of,
        data=_embedded(data_of(page)),
        style=Markup("\n".join([_read("page.css"), timelines.STYLE])),
        scripts={"start": Markup(_START), "page": Markup(_read("page.js"))},
        digest=_digest,
        css_string=_css_string,
        class_of=_class_of,
    )


def render_book(matrix: Matrix) -> str:
    """The HTML text of the book: the same claims as prose, to be read from the beginning."""
    page = model.page_of(matrix)
    sourced: dict[str, list[sources.Source]] = {}
    for chapter in page.chapters:
        sourced |= sources.in_order(view.claim for view in chapter.views)
    return (
        _templates()
        .get_template("book.html")
        .render(
            chapters=page.chapters,
            count=len(page.views),
            sources=sourced,
            style=Markup("\n".join([_read("page.css"), timelines.STYLE, _read("book.css")])),
        )
    )


def _templates() -> Environment:
    return Environment(
        loader=FileSystemLoader(_FOLDER, encoding="utf-8"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def _read(name: str) -> str:
    return (_FOLDER / name).read_text(encoding="utf-8")


def _digest(script: str) -> str:
    """The source in a Content-Security-Policy that allows this script and no other."""
    return f"sha256-{base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()}"


def _class_of(name: str) -> Markup:
    """The attribute of a cell; most cells hold, and go without."""
    return Markup("" if name == WORDS[HOLDS].code else f" class={name}")


def _css_string(text: str) -> Markup:
    """The text as a string of CSS, which ends neither the string nor the style."""
    escaped = "".join(each if each.isalnum() else f"\\{ord(each):x} " for each in text)
    return Markup(f'"{escaped}"')


def _embedded(data: object) -> Markup:
    """JSON that no text in it can end: the element that holds it contains no other "<"."""
    text = json.dumps(data, separators=(",", ":"), ensure_ascii=False)
    return Markup(text.replace("<", "\\u003c"))
