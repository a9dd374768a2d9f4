"""What can go wrong with the main module."""

import os
import runpy
import sys
import types

from spec.faults import fault, replace
from spec.faults.process_tree import begin_with

# What a fork server is called when a child starts one of its own.
OF_SERVER = "ignore"


def import_main_as(spawn, name):
    """Have children import their main module under this name."""

    def run_path(path, run_name):
        return runpy.run_path(path, run_name=name)

    spawn.runpy = types.SimpleNamespace(run_path=run_path, run_module=runpy.run_module)


@fault(
    "spawn",
    "main.imported-under-alias-unless-forked",
    "main.guarded-program-always-works",
    only=("spawn", "forkserver"),
    crude=True,
)
def imported_as_main(spawn):
    """A child imports its main module as "__main__": the guard does not hold."""
    import_main_as(spawn, "__main__")


@fault("spawn", "main.imported-under-alias-unless-forked", only=("spawn", "forkserver"))
def imported_under_another_alias(spawn):
    """A child imports its main module by a name of its own: who asks for the usual one is lost."""
    import_main_as(spawn, "__parents_main__")


@fault("process", "main.imported-under-alias-unless-forked", only=("fork",))
def forked_under_alias(process):
    """A forked child's main module is renamed, as if it had been imported."""
    begin_with(process, lambda child: setattr(sys.modules["__main__"], "__name__", "__mp_main__"))


@fault("process", "main.constants-equal-in-children")
def constants_lose_their_type(process):
    """A child finds lists where its main module has tuples: they are keys of nothing any more."""

    def change(child):
        main = getattr(child._target, "__globals__", {})
        for name, value in main.items():
            if name.isupper() and isinstance(value, tuple):
                main[name] = list(value)

    begin_with(process, change)


@fault("process", "main.spawn-repeats-side-effects")
def executed_once_more(process):
    """A child executes its main module once more than it should: files are written twice."""

    begin_with(process, lambda child: execute_main())


def execute_main():
    """Execute the main module as a spawned child does."""
    if path := getattr(sys.modules["__main__"], "__file__", None):
        runpy.run_path(path, run_name="__mp_main__")


def let_pass(spawn, may_pass):
    """Let a child that still imports its main module start a process by such a name."""

    def data_unchecked(original, name):
        check = spawn._check_not_importing_main
        if may_pass(name):
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
    """A program without a guard starts processes that start processes, until nothing goes."""
    let_pass(spawn, lambda name: True)


@fault("spawn", "main.pool-and-manager-need-guard", only=("spawn", "forkserver"))
def pools_start_without_end(spawn):
    """Only of Process it is noticed that there is no guard, not of a Pool."""
    let_pass(spawn, lambda name: "PoolWorker" in name or name == OF_SERVER)


@fault("spawn", "main.pool-and-manager-need-guard", only=("spawn", "forkserver"))
def managers_start_without_end(spawn):
    """Only of Process it is noticed that there is no guard, not of a Manager."""
    let_pass(spawn, lambda name: "Manager" in name or name == OF_SERVER)


@fault(
    "spawn._check_not_importing_main",
    "main.unguarded-program-fails-unless-forked",
    "main.pool-and-manager-need-guard",
    only=("spawn", "forkserver"),
)
def unguarded_ends_without_a_word(original):
    """A child of a program without a guard just ends: nothing is done, and nobody knows why."""
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
    """A forked child executes its main module anew: a program that had no guard fails."""

    def execute(child):
        process.current_process()._inheriting = True
        execute_main()

    begin_with(process, execute)
