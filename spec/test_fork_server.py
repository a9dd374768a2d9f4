"""The fork server: one process that forks all others.

With forkserver a program starts one server, a new interpreter, when it starts its first child. The
server forks this child and all later ones. So a child gets what the server has: not the memory of
the program, and the environment that was there when the server started. A module that the server
has imported need not be imported by each child: ``set_forkserver_preload()`` names such modules,
and is to be called before the first start.

For the operating system the server is the children's parent; for the package it is the program.
What surprises: a change of ``os.environ`` does not reach children that start later, and a child
that loses its server loses its exit code.
"""

import os

from spec.kit import OBSERVED, claim, reached
from spec.kit.actors import tell_system_parent


@claim(
    "start-method.one-forkserver-restarted-if-dead",
    docs="multiprocessing#contexts-and-start-methods",
    level=OBSERVED,
    methods=("forkserver",),
    needs=("signals", "waitid"),
)
def test_one_fork_server_has_all_children_until_it_dies(mp, program):
    """One fork server forks all children of a process; if it dies, the next start() starts another.

    The first two children have one parent, which is not the program. This parent is killed and is
    known to have ended before the third child starts. The third and the fourth have one parent
    again, a new one.
    """
    pids = program.table_of("one_server", str(program.folder / "parents"))
    first, second, third, fourth = (pids[f"parent of child {number}"] for number in range(1, 5))
    assert first == second, pids
    assert third == fourth, pids
    assert len({pids["program"], first, third}) == 3, pids


def tell_system_parent_and_start(stage, ticket):
    """Start a nested actor and join it; report the PID of this process's parent for the system."""
    stage.start(ticket).join(stage.patience)
    return os.getppid()


@claim(
    "start-method.each-parent-has-its-server",
    docs="multiprocessing#contexts-and-start-methods",
    level=OBSERVED,
    methods=("forkserver",),
)
def test_a_child_that_starts_processes_has_a_fork_server_of_its_own(mp, stage):
    """Each process that starts children by forkserver has a server of its own, a child too.

    A child and a grandchild report their parents as the system knows them. The grandchild's is
    neither the child nor the server of the child.
    """
    grandchild = stage.nested(tell_system_parent)
    child = stage.enter(tell_system_parent_and_start, grandchild.ticket)
    servers = {"of the program": child.returns(), "of the child": grandchild.returns()}
    assert len({os.getpid(), child.pid, *servers.values()}) == 4, servers


@claim(
    "start-method.exitcode-lost-with-server",
    docs="multiprocessing.Process.exitcode",
    level=OBSERVED,
    methods=("forkserver",),
    needs=("signals", "waitid"),
)
def test_a_child_that_outlives_its_server_has_the_exit_code_255(mp, program):
    """A child that ends after its fork server has died gets exitcode 255 instead of its own.

    Only the server could report the exit code. The child ends with 3 when it finds that it has
    another parent. join() returns for it all the same.
    """
    table = program.table_of("one_server", str(program.folder / "parents"))
    assert table["exitcode of the orphan"] == "255"


@claim(
    "start-method.forkserver-starts-with-first-child",
    docs="multiprocessing#contexts-and-start-methods",
    level=OBSERVED,
    methods=("forkserver",),
)
def test_the_fork_server_starts_with_the_first_child(mp, program):
    """The fork server is started by the first start(), not when the start method is set.

    The program changes its environment after it has set the start method and created a Process.
    The first child has the change, so the server has started after it.
    """
    assert program.table_of("late_server") == {"first child, ADDED": "after set_start_method()"}


@claim(
    "start-method.forkserver-keeps-early-environment",
    docs="multiprocessing#contexts-and-start-methods",
    level=OBSERVED,
)
def test_a_fork_server_keeps_the_environment_of_its_start(mp, program):
    """Under forkserver a child sees the environment of the server's start, else of its own start.

    The program starts a child, changes one variable and adds another, and starts a second child.
    """
    old, new = "CHANGED=old, ADDED=None", "CHANGED=new, ADDED=new"
    assert program.table_of("environment") == {
        "first child": old,
        "second child": old if mp.get_start_method() == "forkserver" else new,
    }


@claim(
    "start-method.preload-imports-once",
    docs="multiprocessing.set_forkserver_preload",
    methods=("forkserver",),
    changes={"3.12.8, 3.13.1": "modules beside the program are found too"},
)
def test_a_preloaded_module_is_imported_once_by_the_server(mp, program):
    """Called before any start(), set_forkserver_preload() makes the server import each module once.

    The module notes which process imports it: the children find that it was the server. As a
    control, the call comes when the server already runs; then each child imports the module. Before
    3.12.8 and 3.13.1 the server did not find modules beside the program: the children did.
    """
    by_server = ["imported", "server", "server"]
    by_children = ["imported", "child"] * 2
    observed = {scene: program.lines_of("preload", scene) for scene in ("found", "beside", "late")}
    assert observed == {
        "found": by_server,
        "beside": by_server if reached("3.12.8, 3.13.1") else by_children,
        "late": ["imported", "child", *by_children],
    }


@claim(
    "start-method.preload-ignores-missing-modules",
    docs="multiprocessing.set_forkserver_preload",
    methods=("forkserver",),
    changes={"3.15": "on_error says whether to ignore, to warn or to fail"},
)
def test_a_module_that_cannot_be_preloaded_is_ignored(mp, program):
    """By default a missing preload module is silently ignored; a non-str name raises TypeError.

    A module that is named after the missing one is preloaded. Since 3.15 on_error="warn" asks for
    a warning, and on_error="fail" lets the server end, so that start() raises EOFError or
    ConnectionError. Any other word raises ValueError.
    """
    refused = {"[sys]": "TypeError", "[b'colorsys']": "TypeError"}
    refused["on_error='other'"] = "ValueError" if reached("3.15") else "TypeError"
    started = {**refused, "start()": "None", "child has colorsys": "True"}
    failed = {**refused, "start()": "EOFError or ConnectionError"}
    cases = {"": started}  # without on_error
    if reached("3.15"):
        cases |= {"warn": started, "fail": failed}
    for on_error, expected in cases.items():
        completed = program.run("preload_missing", on_error, options=("-Wdefault::ImportWarning",))
        assert completed.exitcode == 0, completed.errors
        assert completed.table == expected, on_error
        assert ("no_such_module" in completed.errors) == bool(on_error), completed.errors


@claim(
    "start-method.main-imports-differ-by-method",
    docs="multiprocessing#the-spawn-and-forkserver-start-methods",
    level=OBSERVED,
    changes={"3.13.8, 3.14.1": "a fork server imports the main module once for all children"},
)
def test_the_main_module_is_imported_by_each_spawned_child_and_no_forked_one(mp, program):
    """The main module is imported by each spawned child, once by a fork server, never under fork.

    Before 3.13.8 and 3.14.1 each child of the fork server imported it instead. Every process
    prints what it does, with its PID and that of its parent.
    """
    method = mp.get_start_method()
    rows = [line.split() for line in program.lines_of("main_imports")]
    importers = [pid for role, pid, _ in rows if role == "importer"]
    children = [pid for role, pid, _ in rows if role == "child"]
    parents = [parent for role, _, parent in rows if role == "child"]
    assert len(children) == 3, rows
    if method == "fork":
        assert importers == []
    elif method == "forkserver" and reached("3.13.8, 3.14.1"):
        assert importers * 3 == parents
    else:
        assert importers == children


@claim(
    "start-method.forkserver-socket-is-authenticated",
    docs="multiprocessing#contexts-and-start-methods",
    level=OBSERVED,
    methods=("forkserver",),
    since="3.14",
)
def test_a_fork_server_refuses_a_client_without_its_key(mp, program):
    """A fork server forks no child for a client without its key, even if the client can connect.

    One stranger sends no key, as every client did before 3.14. Another sends a wrong key, and
    accepts any answer to its own challenge. Both send a complete request. Before that the program
    gets a child from the server; after the wrong key it gets another from the same server.
    """
    table = program.table_of("break_in", "without_key")
    assert table.pop("parent of the child before")
    assert table == {"stranger": "refused"}

    table = program.table_of("break_in", "with_wrong_key")
    server = table.pop("parent of the child before")
    assert table == {"stranger": "refused", "parent of the child after": server}
