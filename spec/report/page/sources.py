"""The source of a proof: its test, its actors and its programs, with highlighting.

Each file is parsed and highlighted once. The source of a claim is a selection of its lines.
"""

from __future__ import annotations

import ast
import html
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path
from typing import NamedTuple

from markupsafe import Markup
from pygments.lexers.python import PythonLexer
from pygments.token import Comment, Keyword, Name, Number, Operator, String, _TokenType

from spec.kit.claims import Claim

SPEC = Path(__file__).parents[2]
PROGRAMS = SPEC / "programs"
CONTRADICTIONS = SPEC / "contradictions"
# The modules with actors that several chapters use.
_SHARED = {f"spec.kit.{name}": SPEC / f"kit/{name}.py" for name in ("actors", "managing")}
# Few kinds of token, each with a short element: all proofs together are a megabyte of source.
_ELEMENTS: tuple[tuple[_TokenType, str, str], ...] = (
    (Comment, "<i>", "</i>"),
    (String, "<i class=s>", "</i>"),
    (Number, "<i class=n>", "</i>"),
    (Name.Decorator, "<b class=d>", "</b>"),
    (Keyword, "<b>", "</b>"),
    (Operator.Word, "<b>", "</b>"),
)


class Source(NamedTuple):
    """A piece of source: its ``place`` is a path, and maybe a line; ``code`` is HTML."""

    place: str
    code: Markup


def of_claim(claim: Claim) -> list[Source]:
    """The actors of the claim with its test, then the programs that the test runs.

    The test goes without its docstring, whose text is on the page already.
    """
    chapter = _read(SPEC / f"test_{claim.chapter}.py")
    name = claim.test.__name__
    used = _reached(chapter, name)
    shared = [
        Source(_told(path), _read(path).code_of(names))
        for path, names in _shared(chapter, used).items()
    ]
    code = chapter.code_of(used, without_docstring=name)
    own = Source(f"{_told(chapter.path)}, line {chapter.line_of(name)}", code)
    programs = sorted(_programs_of(claim, chapter, used))
    return [*shared, own, *(Source(_told(path), whole(path)) for path in programs)]


def in_order(claims: Iterable[Claim]) -> dict[str, list[Source]]:
    """The sources of the claims of a chapter by id, each definition where it is first used."""
    shown: set[str] = set()
    shown_shared: set[str] = set()  # of the kit; no two of its modules have a function of one name
    found: dict[str, list[Source]] = {}
    for claim in claims:
        chapter = _read(SPEC / f"test_{claim.chapter}.py")
        name = claim.test.__name__
        used = _reached(chapter, name)
        programs = {_told(path): path for path in _programs_of(claim, chapter, used)}
        shared = {path: names - shown_shared for path, names in _shared(chapter, used).items()}
        found[claim.id] = [
            *(Source(_told(path), _read(path).code_of(new)) for path, new in shared.items() if new),
            Source(_told(chapter.path), chapter.code_of(used - shown, without_docstring=name)),
            *(Source(place, whole(programs[place])) for place in sorted(programs.keys() - shown)),
        ]
        shown |= used | programs.keys()
        shown_shared.update(*shared.values())
    return found


def _shared(chapter: _File, used: Iterable[str]) -> dict[Path, set[str]]:
    """The definitions of the kit's modules of actors that the names ``used`` reach, by file."""
    found = {}
    for module, path in _SHARED.items():
        names = {local for local in used if chapter.imported.get(local) == module}
        if names:
            found[path] = {other for name in names for other in _reached(_read(path), name)}
    return found


def whole(path: Path) -> Markup:
    """The highlighted source of a file."""
    return Markup("\n".join(_read(path).html).rstrip())


def contradiction(claim: Claim) -> Path:
    """The small program that shows, without the suite, that the claim contradicts the docs."""
    return CONTRADICTIONS / f"{claim.id.replace('.', '_').replace('-', '_')}.py"


def _programs_of(claim: Claim, chapter: _File, used: Iterable[str]) -> set[Path]:
    """The programs that the strings in the definitions of the names ``used`` name.

    They are understood as the fixture ``program`` does; without it the test runs no programs.
    """
    if "program" not in claim.test.__code__.co_varnames[: claim.test.__code__.co_argcount]:
        return set()
    named = _names_of_programs()
    return {
        path
        for word in chapter.strings_of(used)
        if (path := named.get(word) or named.get(f"{claim.chapter}/{word}")) is not None
    }


@cache
def _names_of_programs() -> dict[str, Path]:
    return {f"{path.parent.name}/{path.stem}": path for path in PROGRAMS.glob("*/*.py")}


def _told(path: Path) -> str:
    return path.relative_to(SPEC.parent).as_posix()


class _File:
    """A file, parsed and highlighted: the definitions at its top by name, and its lines as HTML.

    ``imported`` maps the names that it imports from a module to that module.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        text = path.read_text(encoding="utf-8")
        self._lines = text.split("\n")
        self.html = list(_highlighted(text))
        self.definitions: dict[str, ast.stmt] = {}
        self.imported: dict[str, str] = {}
        for node in ast.parse(text).body:
            if isinstance(node, ast.FunctionDef | ast.ClassDef):
                self.definitions[node.name] = node
            elif isinstance(node, ast.ImportFrom):
                self.imported.update((alias.name, str(node.module)) for alias in node.names)
            elif isinstance(node, ast.Assign | ast.AnnAssign):
                targets = node.targets if isinstance(node, ast.Assign) else [node.target]
                for target in targets:
                    if isinstance(target, ast.Name):
                        self.definitions[target.id] = node

    def line_of(self, name: str) -> int:
        """The line in which the definition begins, with its decorators."""
        node = self.definitions[name]
        decorators: list[ast.expr] = getattr(node, "decorator_list", [])
        return min([node.lineno, *(each.lineno for each in decorators)])

    def code_of(self, names: Iterable[str], without_docstring: str = "") -> Markup:
        """The definitions of the names, in the order of the file, with the comments above them."""
        pieces = []
        # Several names may have one definition.
        nodes = {id(self.definitions[name]): name for name in names if name in self.definitions}
        for name in sorted(nodes.values(), key=self.line_of):
            first = self.line_of(name)
            while first > 1 and self._lines[first - 2].startswith("#"):
                first -= 1
            node = self.definitions[name]
            numbers = set(range(first, (node.end_lineno or first) + 1))
            if name == without_docstring and isinstance(node, ast.FunctionDef):
                docstring = node.body[0]
                after = docstring.end_lineno or 0
                after += not self._lines[after].strip()  # the blank line below it, if there is one
                numbers -= set(range(docstring.lineno, after + 1))
            pieces.append("\n".join(self.html[number - 1] for number in sorted(numbers)))
        return Markup("\n\n".join(pieces))

    def strings_of(self, names: Iterable[str]) -> set[str]:
        """The strings in the definitions of the names."""
        return {
            node.value
            for name in names
            if name in self.definitions
            for node in ast.walk(self.definitions[name])
            if isinstance(node, ast.Constant) and isinstance(node.value, str)
        }


@cache
def _read(path: Path) -> _File:
    return _File(path)


@cache
def _used_by(file: _File, name: str) -> frozenset[str]:
    """The names of the file that one of its definitions uses: its own and imported ones."""
    if name not in file.definitions:
        return frozenset()
    known = {*file.definitions, *file.imported} - {"NEEDS"}
    words = {node.id for node in ast.walk(file.definitions[name]) if isinstance(node, ast.Name)}
    return frozenset(words & known)


def _reached(file: _File, name: str) -> set[str]:
    """The name, and all names that its definition uses, directly or not."""
    found: set[str] = set()
    waiting = [name]
    while waiting:
        current = waiting.pop()
        if current not in found:
            found.add(current)
            waiting += _used_by(file, current)
    return found


def _highlighted(text: str) -> Iterator[str]:
    """The lines of Python source as HTML: no element goes from one line to the next."""
    line = pending = ""
    last = ("", "")
    for _, kind, value in PythonLexer().get_tokens_unprocessed(text):
        if (element := _element(kind)) != last:
            line += _wrapped(last, pending)
            last, pending = element, ""
        pending += value
        if "\n" in value:
            *ended, pending = pending.split("\n")
            for part in ended:
                yield line + _wrapped(last, part)
                line = ""
    yield line + _wrapped(last, pending)


@cache
def _element(kind: _TokenType) -> tuple[str, str]:
    for token, opening, closing in _ELEMENTS:
        if kind[: len(token)] == token:
            return opening, closing
    return "", ""


def _wrapped(element: tuple[str, str], value: str) -> str:
    """The escaped value in its element; spaces need none."""
    if not value or value.isspace():
        return value
    opening, closing = element
    return f"{opening}{html.escape(value, quote=False)}{closing}"
