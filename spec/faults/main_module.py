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

    replace(
        spawn,
        "runpy",
        lambda original: types.SimpleNamespace(run_path=run_path, run_module=original.run_module),
    )


@fault(
    "main.imported-as-main",
    "multiprocessing.spawn",
    "main.imported-under-alias-unless-forked",
    "main.guarded-program-always-works",
    only=("spawn", "forkserver"),
)
def imported_as_main(spawn):
    """A child imports its main module as "__main__": the guard does not hold."""
    import_main_as(spawn, "__main__")


@fault(
    "main.imported-under-another-alias",
    "multiprocessing.spawn",
    "main.imported-under-alias-unless-forked",
    only=("spawn", "forkserver"),
    subtle=True,
)
def imported_under_another_alias(spawn):
    """A child imports its main module by a name of its own: who asks for the usual one is lost."""
    import_main_as(spawn, "__parents_main__")


@fault(
    "main.forked-under-alias",
    "multiprocessing.process",
    "main.imported-under-alias-unless-forked",
    only=("fork",),
    subtle=True,
)
def forked_under_alias(process):
    """A forked child's main module is renamed, as if it had been imported."""
    begin_with(process, lambda child: setattr(sys.modules["__main__"], "__name__", "__mp_main__"))


@fault(
    "main.constants-lose-their-type",
    "multiprocessing.process",
    "main.constants-equal-in-children",
    subtle=True,
)
def constants_lose_their_type(process):
    """A child finds lists where its main module has tuples: they are keys of nothing any more."""

    def change(child):
        main = getattr(child._target, "__globals__", {})
        for name, value in main.items():
            if name.isupper() and isinstance(value, tuple):
                main[name] = list(value)

    begin_with(process, change)


@fault(
    "main.executed-once-more",
    "multiprocessing.process",
    "main.spawn-repeats-side-effects",
    subtle=True,
)
def executed_once_more(process):
    """A child executes its main module once more than it should: files are written twice."""

    begin_with(process, lambda child: execute_main())


def execute_main():
    """Execute the main module as a spawned child does."""
    if path := getattr(sys.modules["__main__"], "__file__", None):
        runpy.run_path(path, run_name="__mp_main__")


def let_pass(spawn, may_pass):
    """Let a child that still imports its main module start a process by such a name."""

    def data(original):
        def data_unchecked(name):
            check = spawn._check_not_importing_main
            if may_pass(name):
                spawn._check_not_importing_main = lambda: None
            try:
                return original(name)
            finally:
                spawn._check_not_importing_main = check

        return data_unchecked

    replace(spawn, "get_preparation_data", data)


@fault(
    "main.children-start-without-end",
    "multiprocessing.spawn",
    "main.unguarded-program-fails-unless-forked",
    "main.pool-and-manager-need-guard",
    only=("spawn", "forkserver"),
)
def children_start_without_end(spawn):
    """A program without a guard starts processes that start processes, until nothing goes."""
    let_pass(spawn, lambda name: True)


@fault(
    "main.pools-start-without-end",
    "multiprocessing.spawn",
    "main.pool-and-manager-need-guard",
    only=("spawn", "forkserver"),
    subtle=True,
)
def pools_start_without_end(spawn):
    """Only of Process it is noticed that there is no guard, not of a Pool."""
    let_pass(spawn, lambda name: "PoolWorker" in name or name == OF_SERVER)


@fault(
    "main.managers-start-without-end",
    "multiprocessing.spawn",
    "main.pool-and-manager-need-guard",
    only=("spawn", "forkserver"),
    subtle=True,
)
def managers_start_without_end(spawn):
    """Only of Process it is noticed that there is no guard, not of a Manager."""
    let_pass(spawn, lambda name: "Manager" in name or name == OF_SERVER)


@fault(
    "main.unguarded-ends-without-a-word",
    "multiprocessing.spawn",
    "main.unguarded-program-fails-unless-forked",
    "main.pool-and-manager-need-guard",
    only=("spawn", "forkserver"),
    subtle=True,
)
def unguarded_ends_without_a_word(spawn):
    """A child of a program without a guard just ends: nothing is done, and nobody knows why."""

    def check(original):
        def end_instead():
            try:
                original()
            except RuntimeError:
                os._exit(1)

        return end_instead

    replace(spawn, "_check_not_importing_main", check)


@fault(
    "main.forking-needs-a-guard",
    "multiprocessing.process",
    "main.unguarded-program-fails-unless-forked",
    "main.pool-and-manager-need-guard",
    only=("fork",),
    subtle=True,
)
def forking_needs_a_guard(process):
    """A forked child executes its main module anew: a program that had no guard fails."""

    def execute(child):
        process.current_process()._inheriting = True
        execute_main()

    begin_with(process, execute)
