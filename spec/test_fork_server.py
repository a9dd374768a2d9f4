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

from spec.kit import OBSERVED, claim, reached, result_or_error
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
    "start-method.threads-share-forkserver",
    docs="multiprocessing#contexts-and-start-methods",
    level=OBSERVED,
    methods=("forkserver",),
)
def test_threads_that_start_the_first_children_share_one_server(mp, program):
    """If several threads start the first children at the same time, these have one fork server.

    Four threads meet, and then each starts a child, which prints the PID of its parent.
    """
    parents = program.lines_of("first_children")
    assert (len(parents), len(set(parents))) == (4, 1), parents


def say_system_parent(stage):
    """Say the PID of this process's parent as the system knows it."""
    stage.say("parent", os.getppid())


@claim(
    "start-method.idle-forkserver-stays",
    docs="multiprocessing#contexts-and-start-methods",
    level=OBSERVED,
    methods=("forkserver",),
    slow=True,
)
def test_a_fork_server_without_children_stays(mp, stage):
    """A fork server whose children have all ended waits for the next start(), and forks that child.

    It waits for more than two seconds here: so long the test listens to a process that is not
    started yet.
    """
    first = stage.result_of(tell_system_parent)
    second = stage.prepare(say_system_parent)
    assert second.does_not_say("parent", beats=25)
    second.process.start()
    assert second.expect("parent") == first
    second.returns()


@claim(
    "start-method.helpers-end-with-program",
    docs="multiprocessing#contexts-and-start-methods",
    level=OBSERVED,
    needs=("addresses", "signals"),
)
def test_the_fork_server_and_the_tracker_end_with_their_program(mp, program):
    """The fork server and the resource tracker end with their program, even if it is killed.

    All of them have the program's standard output. Another program reads it to its end, which
    comes when the last of them has ended.
    """
    assert program.table_of("helpers") == {
        "returns": "child, end of output",
        "os._exit()": "child, end of output",
        "SIGKILL": "child, end of output",
    }


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
    "start-method.restart-leaks-no-descriptor",
    docs="multiprocessing#contexts-and-start-methods",
    level=OBSERVED,
    methods=("forkserver",),
    needs=("signals", "waitid"),
)
def test_a_restarted_server_leaves_no_descriptor(mp, program):
    """After a fork server was replaced, the program has no more open file descriptors than before.

    The program counts them twice, after two children of the first server and after two of the
    second. The child that has outlived the first server is closed by then.
    """
    table = program.table_of("one_server", str(program.folder / "parents"))
    assert table["open files, second server"] == table["open files, first server"]


@claim(
    "start-method.forkserver-survives-ctrl-c",
    docs="multiprocessing#contexts-and-start-methods",
    level=OBSERVED,
    methods=("forkserver",),
    needs=("signals", "sessions"),
)
def test_ctrl_c_does_not_end_the_fork_server(mp, program):
    """Ctrl-C does not end the fork server, and the server prints no KeyboardInterrupt.

    SIGINT is sent to the whole process group, as a terminal does, when a first child has ended. The
    program handles the signal, and starts a second child: it has the same server.
    """
    completed = program.run("ctrl_c")
    assert (completed.exitcode, completed.errors) == (0, "")
    table = completed.table
    server = table["parent of the first child"]
    assert table == {
        "parent of the first child": server,
        "exitcode of the first child": "0",
        "program": "handled",
        "parent of the second child": server,
        "exitcode of the second child": "0",
    }


def is_open(descriptor):
    """Whether this process has the file descriptor."""
    return result_or_error(os.fstat, descriptor) != "OSError"


def count_descriptors_and_wait(stage):
    """Say how many file descriptors below 256 this process has; wait for the cue "leave"."""
    stage.say("counted", sum(map(is_open, range(256))))
    stage.wait_for_cue("leave")


@claim(
    "start-method.forkserver-child-lacks-siblings-files",
    docs="multiprocessing#contexts-and-start-methods",
    level=OBSERVED,
    methods=("forkserver",),
)
def test_a_child_of_a_fork_server_has_no_descriptors_of_its_siblings(mp, stage):
    """However many siblings run, each child of a fork server has the same number of descriptors.

    Four children start one after the other, and all of them run until the last has counted its
    descriptors. The server has one more descriptor for each child that runs.
    """
    children = []
    counts = []
    for _ in range(4):
        children.append(stage.enter(count_descriptors_and_wait))
        counts.append(children[-1].expect("counted"))
    assert counts == counts[:1] * 4
    for child in children:
        child.returns(cue="leave")


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
    table = program.table_of("environment")
    assert table["first child"] == old
    assert table["second child"] == (old if mp.get_start_method() == "forkserver" else new)


@claim(
    "start-method.forkserver-keeps-early-umask",
    docs="multiprocessing#contexts-and-start-methods",
    level=OBSERVED,
    needs=("descriptors",),
)
def test_a_fork_server_keeps_the_umask_of_its_start(mp, program):
    """Under forkserver a child has the umask of the server's start, else that of its own start.

    The program changes its umask from 022 to 027 between the starts of two children.
    """
    table = program.table_of("environment")
    assert table["first child, umask"] == "0o22"
    late = "0o22" if mp.get_start_method() == "forkserver" else "0o27"
    assert table["second child, umask"] == late


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
    "start-method.preload-list-is-replaced",
    docs="multiprocessing.set_forkserver_preload",
    level=OBSERVED,
    methods=("forkserver",),
)
def test_a_second_list_of_preloaded_modules_replaces_the_first(mp, program):
    """Before the server starts, a second set_forkserver_preload() replaces the first one's list.

    The module is in the first list only, and so each child imports it.
    """
    assert program.lines_of("preload", "replaced") == ["imported", "child"] * 2


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
    "start-method.preload-output-appears-once",
    docs="multiprocessing.set_forkserver_preload",
    level=OBSERVED,
    methods=("forkserver",),
    since="3.14",
)
def test_output_of_a_preloaded_module_appears_once(mp, program):
    """The output of a preloaded module appears once, even if it was still buffered at a fork.

    The module prints a line, and writes to standard error without an end of line; it flushes
    neither. Two children end, and with them their copies of the buffers. Only this text is counted:
    the server may be killed before it has removed its lock, of which the tracker then warns.
    """
    completed = program.run("preload_effects")
    assert completed.exitcode == 0
    assert completed.lines.count("printed by the preloaded module") == 1, completed.lines
    assert completed.errors.count("[written by the preloaded module]") == 1, completed.errors


@claim(
    "start-method.preload-may-create-locks",
    docs="multiprocessing.set_forkserver_preload",
    level=OBSERVED,
    methods=("forkserver",),
    needs=("semaphores",),
)
def test_a_preloaded_module_may_create_a_lock(mp, program):
    """A preloaded module may create a Lock: children start, and their start method is forkserver.

    Creating the lock sets the start method of the server to the default. The children have the
    module, and so it was the server that created the lock.
    """
    lines = program.lines_of("preload_effects")
    assert [line for line in lines if line.startswith("child")] == [
        f"child {number}, {fact}"
        for number in (1, 2)
        for fact in ("start method: forkserver", "has the module: True", "exitcode: 0")
    ]


@claim(
    "start-method.argv-may-be-long",
    docs="multiprocessing#contexts-and-start-methods",
    level=OBSERVED,
    changes={
        "3.13.12, 3.14.3": "under forkserver start() raises BrokenPipeError",
        "3.13.13, 3.14.4": "it works again",
    },
)
def test_a_program_with_many_arguments_can_start_processes(mp, program):
    """start() works in a program with very many arguments, and the child has all of them.

    They have 200,000 characters: more than one argument of a command line may have on Linux. In
    3.13.12 and 3.14.3 a fork server received all of them in one.
    """
    completed = program.run("many_arguments")
    fails = reached("3.13.12, 3.14.3") and not reached("3.13.13, 3.14.4")
    if fails and mp.get_start_method() == "forkserver":
        assert "BrokenPipeError" in completed.errors
        return
    assert completed.exitcode == 0, completed.errors
    assert completed.table == {"child, characters": "200000", "exitcode": "0"}


@claim(
    "start-method.long-tempdir-falls-back",
    docs="multiprocessing#contexts-and-start-methods",
    level=OBSERVED,
    needs=("addresses", "descriptors"),
    since="3.14.1",
)
def test_a_long_temporary_directory_is_replaced(mp, program):
    """start() and Listener() work even if the temporary directory's path is too long for a socket.

    A path of a socket may have 107 characters on Linux, and fewer elsewhere. The directories have
    more, or they have 75 and 76, with which a path of the package has 107 and 108.
    """
    from tempfile import TemporaryDirectory  # an import that children do not need

    with TemporaryDirectory() as folder:  # its path is shorter than that of the program's folder
        completed = program.run_together(
            lambda length: program.run("tempdir_length", folder, length), ("75", "76", "108")
        )
    assert {length: (each.table, each.errors) for length, each in completed.items()} == {
        length: ({"start()": "None", "exitcode": "0", "Listener()": "None"}, "")
        for length in completed
    }


# How many interpreters are started for one child, and for three.
INTERPRETERS = {"fork": (0, 0), "spawn": (2, 4), "forkserver": (2, 2)}


@claim(
    "start-method.tracker-accompanies-unforked",
    docs="multiprocessing#contexts-and-start-methods",
    needs=("scripts",),
)
def test_the_first_child_brings_a_resource_tracker(mp, program):
    """Except under fork, the first child brings a resource tracker process, and later ones none.

    The executable is a script that notes each start of an interpreter. For one spawned child there
    are two, for three there are four. With a fork server there are two for any number of children:
    the tracker and the server. Fork needs none.
    """
    counts = []
    for number in (1, 3):
        notes = program.folder / f"notes {number}"
        notes.touch()
        script = str(program.folder / f"script {number}")
        lines = program.lines_of("interpreters", str(number), script, str(notes))
        assert lines == ["0"] * number
        counts.append(len(notes.read_text().splitlines()))
    assert tuple(counts) == INTERPRETERS[mp.get_start_method()]


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
