"""The main module: why programs need a guard.

With spawn and forkserver a child needs the functions and classes in the program's file, so the
file is imported again. Without the guard ``if __name__ == "__main__":`` this import would do
everything that the program does, and so would start further children: ``start()`` refuses that
with RuntimeError. With the guard the same program works with every start method.

The file is imported under the name ``__mp_main__``, which is why the guard is false there. Code
outside the guard is executed again. That is fine for definitions and constants; it surprises when
such code prints, opens files or takes long, or when the program has reassigned a variable: the
child has the value of the import.
"""

import os

from spec.kit import OBSERVED, claim, reached
from spec.kit.programs import PROGRAMS

# Programs like the tutorial's samples, and the lines that each prints, sorted. Those with a lock, a
# semaphore and sleepers have claims of their own.
SAMPLES = {
    "processes/sample_target": ["This is a process", "hello world"],
    "processes/sample_subclass": ["Ann is 19"],
    "events/sample_event": ["seen", "set"],
    "queues/sample_queue": ["hello world"],
    "pipes/sample_pipe": ["hello world"],
    "managers/sample_manager": ["[0, 1, 2, 3, 4]", "a"],
}


@claim(
    "main.guarded-program-always-works",
    docs="multiprocessing#the-spawn-and-forkserver-start-methods",
    needs=("addresses", "semaphores"),
)
def test_a_guarded_program_works_under_every_start_method(mp, program):
    """A program whose main part is guarded works with every start method, and with the default.

    Six programs like the samples of the tutorial run with the start method. The programs for the
    default of the platform set no start method.
    """
    expected = {name: (0, "", lines) for name, lines in SAMPLES.items()}
    run = program.run_default if program.is_default else program.run
    completed = program.run_together(run, expected)
    assert {
        name: (each.exitcode, each.errors, sorted(each.lines)) for name, each in completed.items()
    } == expected


def main_as_seen_in(where, name):
    """The lines that the program ``names`` should print in a process whose main has this name."""
    return {
        f"{where}, __name__": name,
        f"{where}, sys.modules['__main__'].__name__": name,
        f"{where}, same function": "True",
    }


@claim(
    "main.imported-under-alias-unless-forked",
    docs="multiprocessing#the-spawn-and-forkserver-start-methods",
    level=OBSERVED,
)
def test_a_child_imports_the_main_module_under_another_name(mp, program):
    """Except under fork, a child's main module is named "__mp_main__", so guarded code is skipped.

    A function of the module prints the name, in two children and in a child of each. There,
    sys.modules["__main__"] is this same module, so that functions and classes that were pickled as
    members of "__main__" are found.
    """
    name = "__main__" if mp.get_start_method() == "fork" else "__mp_main__"
    assert program.table_of("names") == {
        **main_as_seen_in("program", "__main__"),
        **main_as_seen_in("child 1", name),
        **main_as_seen_in("child of child 1", name),
        **main_as_seen_in("child 2", name),
        **main_as_seen_in("child of child 2", name),
    }


def search_path():
    """A PYTHONPATH with the folder of all programs."""
    return os.pathsep.join(filter(None, [str(PROGRAMS), os.environ.get("PYTHONPATH")]))


@claim(
    "main.module-run-by-name-works",
    docs="multiprocessing#the-spawn-and-forkserver-start-methods",
    level=OBSERVED,
)
def test_a_program_that_is_run_by_its_modules_name_works(mp, program):
    """A program run with python -m package.module works: a child can call the module's functions.

    The module uses another one of its package, which it imports by a relative import: so a child
    has to know the package as well as the functions. So does a child of the child.
    """
    options = ("-m", "main_module.by_name")
    environment = {"PYTHONPATH": search_path()}
    table = program.table_of("by_name", options=options, environment=environment)
    assert table == {
        "program, package": "main_module",
        "program, constant of the other module": "('left', 'right')",
        "child, package": "main_module",
        "child, constant of the other module": "('left', 'right')",
        "grandchild, package": "main_module",
        "grandchild, constant of the other module": "('left', 'right')",
    }


@claim(
    "main.dunder-main-not-imported",
    docs="multiprocessing#the-spawn-and-forkserver-start-methods",
    level=OBSERVED,
)
def test_a_dunder_main_file_needs_no_guard(mp, program):
    """A program that is a package, folder or zip file works: no child imports its __main__.py.

    The file has no guard, and prints a line whenever it is executed. Its child calls a function of
    another module beside it, which it finds in all three cases.
    """
    import zipfile  # an import that children do not need

    folder = PROGRAMS / "main_module" / "packed"
    archive = program.folder / "packed.zip"
    with zipfile.ZipFile(archive, "w") as file:
        for path in folder.glob("*.py"):
            file.write(path, path.name)
    environment = {"PYTHONPATH": search_path()}
    options = {
        "package": ("-m", "main_module.packed"),
        "folder": (str(folder),),
        "zip file": (str(archive),),
    }
    completed = program.run_together(
        lambda name: program.run("by_dunder_main", options=options[name], environment=environment),
        options,
    )
    expected = (0, "", ["executed as __main__", "it works"])
    assert {
        name: (each.exitcode, each.errors, each.lines) for name, each in completed.items()
    } == dict.fromkeys(options, expected)


@claim(
    "main.ipython-not-imported",
    docs="multiprocessing#the-spawn-and-forkserver-start-methods",
    level=OBSERVED,
)
def test_a_program_called_ipython_is_not_imported(mp, program):
    """A program in a file named ipython or ipython.py works: no child imports that file.

    The file has no guard, and prints a line whenever it is executed. Its child calls print().
    """
    assert program.lines_of("ipython") == ["executed as __main__", "child"]


def argv_at_import(method):
    """The lines that a child's main module should print while it is imported."""
    if method == "fork":
        return []
    gap = reached("3.13.8, 3.14.1") and not reached("3.13.12, 3.14.3")
    return [f"main module: {[] if gap and method == 'forkserver' else ['left', 'right']}"]


@claim(
    "main.argv-known-at-import",
    docs="multiprocessing#the-spawn-and-forkserver-start-methods",
    level=OBSERVED,
    changes={
        "3.13.8, 3.14.1": "under forkserver the arguments are missing during the import",
        "3.13.12, 3.14.3": "they are there again",
    },
)
def test_the_arguments_are_known_at_the_import_of_main(mp, program):
    """While a child's main module is imported, sys.argv has the program's arguments already.

    The main module prints them whenever it is executed, and the child prints them too.
    """
    assert program.lines_of("arguments", "left", "right") == [
        "main module: ['left', 'right']",
        *argv_at_import(mp.get_start_method()),
        "child: ['left', 'right']",
    ]


@claim(
    "main.pickle-finds-main-module",
    docs="multiprocessing#the-spawn-and-forkserver-start-methods",
    level=OBSERVED,
    since="3.15",
)
def test_importing_the_package_does_not_change_what_pickle_finds(mp, program):
    """After import multiprocessing, pickle still names "__main__" as the main module.

    pickle searches all modules for a function that does not know its own module. The package adds
    another name for the main module, which other programs do not have.
    """
    assert program.table_of("pickled") == {"found in": "__main__"}


@claim(
    "main.profiled-program-works",
    docs="multiprocessing#the-spawn-and-forkserver-start-methods",
    level=OBSERVED,
    since="3.14.8",
)
def test_a_profiled_program_can_start_processes(mp, program):
    """A program run with python -m cProfile can start processes of functions of its main module.

    Two children start, one by one.
    """
    options = ("-m", "cProfile", "-o", str(program.folder / "profile"))
    assert program.table_of("robustness/ordinary", options=options) == {
        "child 1": "started",
        "child 1, exitcode": "0",
        "child 2": "started",
        "child 2, exitcode": "0",
    }


@claim(
    "main.constants-equal-in-children",
    docs="multiprocessing#the-spawn-and-forkserver-start-methods",
)
def test_constants_of_the_main_module_are_the_same_in_all_children(mp, program):
    """Constants of the main module are equal in all children; reassigned variables may differ.

    A forked child has the reassigned value of the program. Any other child has the first value,
    because its main module was imported anew.
    """
    variable = "reassigned" if mp.get_start_method() == "fork" else "as imported"
    assert program.table_of("values") == {
        "program, constant": "('left', 'right')",
        "program, variable": "reassigned",
        "child 1, constant": "('left', 'right')",
        "child 1, variable": variable,
        "child 2, constant": "('left', 'right')",
        "child 2, variable": variable,
    }


@claim(
    "main.spawn-repeats-side-effects",
    docs="multiprocessing#the-spawn-and-forkserver-start-methods",
    methods=("fork", "spawn"),
)
def test_every_spawned_child_executes_the_main_module_again(mp, program):
    """Each spawned child executes the unguarded code of the main module; a forked child does not.

    The program starts two children; its unguarded code prints a line. How often a fork server and
    its children execute it depends on the version.
    """
    again = [] if mp.get_start_method() == "fork" else ["executed as __mp_main__"] * 2
    assert program.lines_of("executions") == ["executed as __main__", *again]


def run_unguarded(program, thing):
    """Run the program without a guard; returns how it ends, and whether it tells the reason."""
    completed = program.run("unguarded", thing, str(program.folder / thing))
    assert "processes start without end" not in completed.errors, completed.errors
    return {
        "exit code": completed.exitcode,
        "output": completed.lines,
        "RuntimeError": "bootstrapping phase" in completed.errors,
    }


def outcome_unguarded(mp):
    """How a program without a guard should end."""
    if mp.get_start_method() == "fork":
        return {"exit code": 0, "output": ["it works"], "RuntimeError": False}
    return {"exit code": 1, "output": [], "RuntimeError": True}


@claim(
    "main.unguarded-program-fails-unless-forked",
    docs="multiprocessing#the-spawn-and-forkserver-start-methods",
)
def test_a_program_without_a_guard_fails(mp, program):
    """Without a guard, a child fails with RuntimeError and exit code 1, unless it is forked.

    The child imports the program, which is about to start another process: start() raises
    RuntimeError, whose message names the missing guard. The program ends with the child's exit
    code.
    """
    assert run_unguarded(program, "Process") == outcome_unguarded(mp)


@claim(
    "main.pool-and-manager-need-guard",
    docs="multiprocessing#the-spawn-and-forkserver-start-methods",
    needs=("addresses", "semaphores"),
    deviations={
        "fetched-handles": "the Manager's program waits forever for a process that died before it "
        "had fetched its end of a pipe: github.com/python/cpython/issues/114720"
    },
)
def test_a_pool_or_a_manager_without_a_guard_fails(mp, program):
    """Without a guard, processes of Pool() and Manager() fail with RuntimeError unless forked.

    Manager() raises in the program when its process has ended. A pool replaces dead workers
    forever, so the program itself ends with exit code 1 when the first worker has ended.
    """
    observed = {thing: run_unguarded(program, thing) for thing in ("Pool", "Manager")}
    assert observed == {"Pool": outcome_unguarded(mp), "Manager": outcome_unguarded(mp)}
