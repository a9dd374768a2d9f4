"""Faults of the main module."""

import importlib.util
import os
import runpy
import sys

from spec.faults import fault, replace
from spec.faults.surroundings import begin_with

# The name with which a child prepares the start of a fork server of its own.
OF_SERVER = "ignore"


@fault(
    "runpy.run_path",
    "main.imported-under-alias-unless-forked",
    "main.guarded-program-always-works",
    only=("spawn", "forkserver"),
    crude=True,
)
def imported_as_main(original, path, run_name):
    """A child imports its main module as "__main__", so the guard is true in it."""
    return original(path, run_name="__main__")


@fault("runpy.run_path", "main.imported-under-alias-unless-forked", only=("spawn", "forkserver"))
def imported_under_another_name(original, path, run_name):
    """A child's main module has an undocumented name: code that checks for the usual name fails."""
    return original(path, run_name="__parents_main__")


@fault(
    "spawn._fixup_main_from_name",
    "main.module-run-by-name-works",
    only=("spawn", "forkserver"),
    crude=True,
)
def not_imported_by_name(original, name):
    """A program that is run with python -m is not imported by its children, which then fail."""


@fault("spawn._fixup_main_from_name", "main.module-run-by-name-works", only=("spawn", "forkserver"))
def imported_without_its_package(original, name):
    """A program that is run with python -m cannot use relative imports: its children fail."""
    from multiprocessing import spawn

    found = importlib.util.find_spec(name)
    if found is not None and found.origin is not None:
        spawn._fixup_main_from_path(found.origin)


@fault(
    "spawn.get_preparation_data",
    "main.module-run-by-name-works",
    "main.imported-under-alias-unless-forked",
    only=("spawn", "forkserver"),
)
def grandchildren_lack_main(original, name):
    """A child's own children do not import the main module, and cannot find its functions."""
    from multiprocessing import process

    data = original(name)
    if process.parent_process() is not None:
        data = {key: data[key] for key in data if not key.startswith("init_main_from_")}
    return data


@fault("process", "main.imported-under-alias-unless-forked", only=("fork",))
def renamed_when_forked(process):
    """A forked child's main module is renamed, as if it had been imported."""
    begin_with(process, lambda child: setattr(sys.modules["__main__"], "__name__", "__mp_main__"))


@fault("process", "main.constants-equal-in-children")
def constants_lose_their_type(process):
    """In a child, constants that are tuples become lists, and can no longer be dictionary keys."""

    def change(child):
        main = getattr(child._target, "__globals__", {})
        for name, value in main.items():
            if name.isupper() and isinstance(value, tuple):
                main[name] = list(value)

    begin_with(process, change)


def execute_main():
    """Execute the main module as a spawned child does."""
    if path := getattr(sys.modules["__main__"], "__file__", None):
        runpy.run_path(path, run_name="__mp_main__")


@fault("process", "main.spawn-repeats-side-effects")
def executed_once_more(process):
    """A child executes its main module once more than it should: files are written twice."""
    begin_with(process, lambda child: execute_main())


def allow_unguarded(spawn, is_allowed):
    """Let a child that still imports its main module start processes with certain names."""

    def data_unchecked(original, name):
        check = spawn._check_not_importing_main
        if is_allowed(name):
            spawn._check_not_importing_main = lambda: None
        try:
            return original(name)
        finally:
            spawn._check_not_importing_main = check

    replace(spawn, "get_preparation_data", data_unchecked)


@fault(
    "spawn",
    "main.unguarded-program-fails-unless-forked",
    "main.pool-and-manager-need-guard",
    only=("spawn", "forkserver"),
    crude=True,
)
def children_start_without_end(spawn):
    """A program without a guard starts processes that start processes, without end."""
    allow_unguarded(spawn, lambda name: True)


@fault("spawn", "main.pool-and-manager-need-guard", only=("spawn", "forkserver"))
def pools_start_without_end(spawn):
    """A missing guard is noticed for Process and Manager(), but not for Pool()."""
    allow_unguarded(spawn, lambda name: "PoolWorker" in name or name == OF_SERVER)


@fault("spawn", "main.pool-and-manager-need-guard", only=("spawn", "forkserver"))
def managers_start_without_end(spawn):
    """A missing guard is noticed for Process and Pool(), but not for Manager()."""
    allow_unguarded(spawn, lambda name: "Manager" in name or name == OF_SERVER)


@fault(
    "spawn._check_not_importing_main",
    "main.unguarded-program-fails-unless-forked",
    "main.pool-and-manager-need-guard",
    only=("spawn", "forkserver"),
)
def missing_guard_is_not_reported(original):
    """A child of a program without a guard just ends, and no error says why."""
    try:
        original()
    except RuntimeError:
        os._exit(1)


@fault(
    "process",
    "main.unguarded-program-fails-unless-forked",
    "main.pool-and-manager-need-guard",
    only=("fork",),
)
def forking_needs_a_guard(process):
    """A forked child executes its main module anew: a program without a guard fails."""

    def execute(child):
        process.current_process()._inheriting = True
        execute_main()

    begin_with(process, execute)


@fault(
    "spawn._fixup_main_from_name",
    "main.dunder-main-not-imported",
    only=("spawn", "forkserver"),
)
def dunder_main_is_imported(original, name):
    """A child of a package, folder or zip file imports its __main__.py, and fails (bpo-10845)."""
    if name == "__main__" or name.endswith(".__main__"):
        runpy.run_module(name, run_name="__mp_main__", alter_sys=True)
    original(name)


@fault("spawn._fixup_main_from_name", "main.dunder-main-not-imported", only=("spawn", "forkserver"))
def packages_main_is_imported(original, name):
    """A child of a package imports its __main__.py, though children of folders do not."""
    if name.endswith(".__main__"):
        runpy.run_module(name, run_name="__mp_main__", alter_sys=True)
    original(name)


@fault("process.BaseProcess._bootstrap", "main.dunder-main-not-imported", only=("fork",))
def forked_child_executes_dunder_main(original, self, *args, **kwargs):
    """A forked child of a package, a folder or a zip file executes its __main__.py anew."""
    main = sys.modules["__main__"]
    if main.__spec__ is not None and main.__spec__.name.endswith("__main__"):
        print("executed as __main__", flush=True)
    return original(self, *args, **kwargs)


@fault("runpy.run_path", "main.argv-known-at-import", only=("spawn", "forkserver"))
def arguments_come_after_import(original, path, run_name):
    """While a child imports its main module, sys.argv has no arguments (gh-143706)."""
    arguments = sys.argv[1:]
    del sys.argv[1:]
    try:
        return original(path, run_name=run_name)
    finally:
        sys.argv[1:] = arguments


@fault("process.BaseProcess._bootstrap", "main.argv-known-at-import", only=("fork",))
def forked_child_lacks_arguments(original, self, *args, **kwargs):
    """A forked child has no arguments."""
    del sys.argv[2:]
    return original(self, *args, **kwargs)


@fault("context", "main.pickle-finds-main-module")
def main_module_has_a_third_name(context):
    """Pickled functions may name a module that no other program has (bpo-42406, gh-120170)."""
    main = sys.modules.pop("__main__")
    sys.modules["__parents_main__"] = sys.modules["__main__"] = main


@fault("spawn.get_preparation_data", "main.profiled-program-works", only=("spawn", "forkserver"))
def profiled_main_is_not_imported(original, name):
    """Children of a program that is profiled do not find its functions (gh-140729)."""
    data = original(name)
    if "_lsprof" in sys.modules:
        data = {key: data[key] for key in data if not key.startswith("init_main_from_")}
    return data


@fault("process.BaseProcess._bootstrap", "main.profiled-program-works", only=("fork",))
def profiled_child_fails(original, self, *args, **kwargs):
    """A forked child of a program that is profiled has exit code 1."""
    code = original(self, *args, **kwargs)
    return 1 if "_lsprof" in sys.modules else code


@fault("spawn._fixup_main_from_path", "main.ipython-not-imported", only=("spawn", "forkserver"))
def ipython_is_imported(original, main_path):
    """A child imports ipython.py as any main module, and so executes what has no guard."""
    runpy.run_path(main_path, run_name="__mp_main__")
