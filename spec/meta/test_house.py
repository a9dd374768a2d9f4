"""The rules of the project: which modules each part may import, and how chapters are built."""

import ast
import re
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from spec.faults import catalogue as catalogue_of_faults
from spec.meta.unrun import reasons
from spec.report import catalogue
from spec.report.chapters import CONTENTS, README, contents, with_table

SPEC = Path(__file__).parents[1]
KIT = sorted(SPEC.glob("kit/*.py"))
# The modules with actors that several chapters use.
SHARED_ACTORS = {f"spec.kit.{name}": SPEC / f"kit/{name}.py" for name in ("actors", "managing")}
CHAPTER_FILES = sorted(SPEC.glob("test_*.py"))
# The files that may ask for the name of the platform.
PLATFORMS = {
    SPEC / "kit/platforms.py",
    SPEC / "kit/guardian.py",
    *SPEC.glob("simulated/*.py"),
}
# The attributes that return it.
NAMES = {"sys.platform", "os.name", "platform.system"}


def imports(path: Path) -> Iterator[str]:
    """The modules that the file imports, at its top or inside functions."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}:{node.lineno} is relative"
            assert node.module is not None
            yield from (
                (f"spec.{alias.name}" for alias in node.names)
                if node.module == "spec"
                else [node.module]
            )


def is_standard(module: str) -> bool:
    """Whether the standard library has the module, and it is not the package under test."""
    top = module.partition(".")[0]
    return top in sys.stdlib_module_names and top != "multiprocessing"


def is_of_the_kit(module: str) -> bool:
    return module == "spec.kit" or module.startswith("spec.kit.")


@pytest.mark.parametrize("path", [*KIT, *CHAPTER_FILES], ids=lambda path: path.stem)
def test_kit_and_chapters_import_the_standard_library_and_the_kit(path):
    """They do not import pytest, which children would load, spec.report or multiprocessing."""
    assert {name for name in imports(path) if not (is_standard(name) or is_of_the_kit(name))} == (
        set()
    )


def test_only_some_modules_ask_for_the_name_of_the_platform():
    asking = {
        f"{path.relative_to(SPEC)}:{node.lineno}"
        for path in SPEC.rglob("*.py")
        if path not in PLATFORMS
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Attribute) and ast.unparse(node) in NAMES
    }
    assert asking == set()


def test_every_chapter_has_its_place():
    """Also, every claim has valid arguments."""
    catalogue.check()


def test_no_chapter_is_empty():
    assert [chapter.name for chapter in catalogue.chapters() if not chapter.claims] == []


def functions(path: Path) -> Iterator[ast.FunctionDef]:
    """The functions of a chapter that are not tests."""
    for node in ast.parse(path.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.FunctionDef) and not node.name.startswith("test_"):
            yield node


def test_one_name_does_one_thing():
    """No two chapters have a function of one name; those that they share are in the kit."""
    places: dict[str, list[str]] = {}
    for path in (*CHAPTER_FILES, *SHARED_ACTORS.values()):
        for node in functions(path):
            places.setdefault(node.name, []).append(path.name)
    assert {name: found for name, found in places.items() if len(found) > 1} == {}


@pytest.mark.parametrize("path", CHAPTER_FILES, ids=lambda path: path.stem)
def test_a_function_stands_above_the_first_that_uses_it(path):
    tree = ast.parse(path.read_text(encoding="utf-8"))
    lines = {node.name: node.lineno for node in functions(path)}
    below = {
        f"{node.id} is used in line {test.lineno} and stands in line {lines[node.id]}"
        for test in tree.body
        if isinstance(test, ast.FunctionDef) and test.name.startswith("test_")
        for node in ast.walk(test)
        if isinstance(node, ast.Name) and lines.get(node.id, 0) > test.lineno
    }
    assert below == set()


def nodes_of_actors_too(path: Path) -> Iterator[ast.AST]:
    """The nodes of a chapter, and those of the kit's actors that it imports."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    yield from ast.walk(tree)
    for imported in tree.body:
        if isinstance(imported, ast.ImportFrom) and imported.module in SHARED_ACTORS:
            names = {alias.name for alias in imported.names}
            for node in functions(SHARED_ACTORS[imported.module]):
                if node.name in names:
                    yield from ast.walk(node)


def said_and_heard(path: Path) -> tuple[set[str], set[str]]:
    """The words that a chapter awaits and no actor says; the cues that no actor waits for."""
    words: dict[str, set[str]] = {"said": set(), "heard": set(), "cued": set(), "waited": set()}
    kinds = {
        **dict.fromkeys(("expect", "does_not_say", "has_said"), ("heard", 0)),
        **dict.fromkeys(("first_to_say", "none_says"), ("heard", 1)),
        "say": ("said", 0),
        "cue": ("cued", 0),
        "wait_for_cue": ("waited", 0),
    }
    for node in nodes_of_actors_too(path):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            kind, place = kinds.get(node.func.attr, ("", 0))
            given = [
                *node.args[place : place + 1 if kind else 0],
                *(keyword.value for keyword in node.keywords if keyword.arg == "cue"),
            ]
            for word in given:
                if isinstance(word, ast.Constant):
                    words[kind or "cued"].add(str(word.value))
    return words["heard"] - words["said"], words["cued"] - words["waited"]


@pytest.mark.parametrize("path", CHAPTER_FILES, ids=lambda path: path.stem)
def test_what_is_listened_for_is_said_and_what_is_cued_is_waited_for(path):
    """A wait for a word that no actor says times out, its absence proves nothing; so with cues."""
    never_said, never_waited_for = said_and_heard(path)
    assert never_said == set()
    assert never_waited_for == set()


def test_every_claim_has_a_fault():
    """A claim that nothing has turned red is not known to be one."""
    broken = {id for fault in catalogue_of_faults().values() for id in fault.breaks}
    assert set(catalogue.by_id()) - broken == set()


def test_no_id_is_given_twice():
    ids = [
        id
        for chapter in catalogue.chapters()
        for id in (*(claim.id for claim in chapter.claims), *chapter.left_out)
    ]
    assert len(ids) == len(set(ids))


def test_a_reason_counts_for_what_is_below_it():
    """The marks are explained in :mod:`spec.meta.unrun`."""
    text = "if a:  # unrun: why\n    b\n\n    c\nd\n  e  # unrun: other\n  f\n"
    assert reasons(text) == {1: "why", 2: "why", 3: "why", 4: "why", 6: "other"}


def test_the_readmes_table_of_chapters_is_as_it_has_to_be():
    """``python -m spec.report.chapters`` writes the table."""
    text = README.read_text(encoding="utf-8")
    assert with_table(text) == text


def test_the_table_of_contents_is_up_to_date():
    """``python -m spec.report.chapters`` writes it too."""
    assert CONTENTS.read_text(encoding="utf-8") == contents()


def test_the_table_of_contents_has_each_sentence_and_its_links_lead_somewhere():
    text = contents()
    headings = re.findall(r"^## (.*)$", text, re.MULTILINE)
    assert len(headings) == len(set(headings)) == len(catalogue.chapters())
    for id in catalogue.by_id():
        assert f"`{id}`" in text
    for link in re.findall(r"\]\((test_\w+\.py)\)", text):
        assert (SPEC / link).is_file()


def test_the_readme_quotes_a_claim_as_it_stands():
    source = (SPEC / "test_semaphores.py").read_text(encoding="utf-8")
    quotes = re.findall(r"```python\n(.*?)```", README.read_text(encoding="utf-8"), re.DOTALL)
    assert quotes
    for quote in quotes:
        assert quote in source


def test_the_readme_names_claims_that_exist():
    named = re.findall(r"\| `([a-z-]+\.[a-z0-9-]+)` \|$", README.read_text(), re.MULTILINE)
    assert len(named) == 5
    assert set(named) <= catalogue.by_id().keys()
