"""Programs: each names the claims that run it, and no other claim runs it."""

import ast
import re
from pathlib import Path

import pytest

from spec import CHAPTERS

SPEC = Path(__file__).parents[1]
PROGRAMS = SPEC / "programs"
# A module that programs import is not a program itself.
MODULES = {"fork_server/preloaded", "start_methods/outcomes"}


def constants(chapter: ast.Module) -> dict[str, set[str]]:
    """The strings in each test of a chapter, and in the functions and values that it refers to."""
    parts: dict[str, ast.AST] = {}
    for node in chapter.body:
        if isinstance(node, ast.FunctionDef):
            parts[node.name] = node
        elif isinstance(node, ast.Assign):
            parts.update((name.id, node) for name in node.targets if isinstance(name, ast.Name))
    used: dict[str, set[str]] = {}
    for name, test in parts.items():
        if not name.startswith("test_"):
            continue
        seen: set[str] = {name}
        ahead: list[ast.AST] = [test]
        used[name] = set()
        while ahead:
            for part in ast.walk(ahead.pop()):
                if isinstance(part, ast.Constant) and isinstance(part.value, str):
                    used[name].add(part.value)
                elif isinstance(part, ast.Name) and part.id in parts and part.id not in seen:
                    seen.add(part.id)
                    ahead.append(parts[part.id])
    return used


def runs() -> dict[str, set[str]]:
    """The ids of the claims that run each program, by ``chapter/name``."""
    found: dict[str, set[str]] = {}
    for chapter in CHAPTERS:
        tree = ast.parse((SPEC / f"test_{chapter}.py").read_text(encoding="utf-8"))
        used = constants(tree)
        for test in tree.body:
            if not isinstance(test, ast.FunctionDef) or test.name not in used:
                continue
            if "program" not in {argument.arg for argument in test.args.args}:
                continue
            mark = test.decorator_list[0]
            assert isinstance(mark, ast.Call)
            id = ast.literal_eval(mark.args[0])
            for word in used[test.name]:
                name = word if "/" in word else f"{chapter}/{word}"
                if re.fullmatch(r"\w+/\w+", name) and (PROGRAMS / f"{name}.py").exists():
                    found.setdefault(name, set()).add(id)
    return found


RUNS = runs()


@pytest.mark.parametrize(
    "path", sorted(PROGRAMS.glob("*/*.py")), ids=lambda path: f"{path.parent.name}/{path.stem}"
)
def test_a_program_names_the_claims_that_run_it(path):
    name = f"{path.parent.name}/{path.stem}"
    text = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or ""
    named = set(re.findall(r"\b[a-z][a-z-]*\.[a-z][a-z0-9-]+\b", text.partition("Serves ")[2]))
    if name in MODULES:
        assert named == set()
    else:
        assert named == RUNS.get(name, set())
