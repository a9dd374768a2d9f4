"""The fork server: one process that forks all others.

Under forkserver a program starts one server, a fresh interpreter, when it first needs a child.
The server forks that child and all that follow. So a child has what the server had: not the
program's memory, and the environment of the moment at which the server was started. What the
server has imported, no child has to import again; ``set_forkserver_preload`` says what that is.

The server is the children's parent for the kernel, though not for the package. When it dies, the
next start brings another.
"""

from spec.kit import OBSERVED, claim, reached


def lines(completed):
    """What a program has printed, if all went well."""
    assert completed.exitcode == 0, completed.errors
    return completed.lines


@claim(
    "start-method.one-forkserver-restarted-if-dead",
    docs="multiprocessing#contexts-and-start-methods",
    level=OBSERVED,
    methods=("forkserver",),
    needs=("signals", "waitid"),
)
def test_one_fork_server_has_all_children_until_it_dies(mp, program):
    """The fork server is started once, and once more when it has died: nobody notices.

    Two children have one parent, which is not the program. That one is killed, and has ended for
    certain when the third child is started: the third and the fourth have one parent again.
    """
    numbers, _ = lines(program.run("one_server", str(program.folder / "parents")))
    me, first, second, third, fourth = numbers.split()
    assert first == second
    assert third == fourth
    assert len({me, first, third}) == 3


@claim(
    "start-method.exitcode-lost-with-server",
    docs="multiprocessing.Process.exitcode",
    level=OBSERVED,
    methods=("forkserver",),
    needs=("signals", "waitid"),
)
def test_a_child_that_outlives_its_server_has_the_exit_code_255(mp, program):
    """A child that ends after its fork server has died has the exit code 255, not its own.

    Only the server could have told. The child ends, with 3, when it has another parent; it is
    joined all the same.
    """
    _, code = lines(program.run("one_server", str(program.folder / "parents")))
    assert code == "255"


@claim(
    "start-method.forkserver-keeps-early-environment",
    docs="multiprocessing#contexts-and-start-methods",
    level=OBSERVED,
)
def test_a_fork_server_keeps_the_environment_of_its_start(mp, program):
    """A child sees the environment of its start; a fork server's, that of the server's start.

    The program starts a child, changes one variable and adds another, and starts a second child.
    """
    second = "old None" if mp.get_start_method() == "forkserver" else "new late"
    assert lines(program.run("environment")) == ["first: old None", f"second: {second}"]


@claim(
    "start-method.preload-imports-once",
    docs="multiprocessing.set_forkserver_preload",
    methods=("forkserver",),
    changes={"3.12.8, 3.13.1": "modules beside the program are found too"},
)
def test_a_preloaded_module_is_imported_once_by_the_server(mp, program):
    """What is preloaded is imported once, by the fork server, and children have it from there.

    The module notes which process imports it. When the server already runs, it is too late: each
    child imports the module for itself, the control. Before 3.12.8 and 3.13.1 the server did not
    look beside the program, and what it did not find there it left to the children.
    """
    by_server = ["imported", "server", "server"]
    by_children = ["imported", "child"] * 2
    observed = {
        scene: lines(program.run("preload", scene)) for scene in ("found", "beside", "late")
    }
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
    """A module that cannot be preloaded is passed over, in silence; only strings are names.

    Another module, named after it, is there in the child. Since 3.15 on_error can ask for a
    warning, or for an end: then the server ends, and start() raises EOFError or ConnectionError.
    Another word is a ValueError.
    """
    refused = {"a module": "TypeError", "bytes": "TypeError"}
    refused["on_error='other'"] = "ValueError" if reached("3.15") else "TypeError"
    started = {**refused, "start": "None", "colorsys is there": "True"}
    failed = {**refused, "start": "no server"}
    cases = {"": started}  # without a word on it
    if reached("3.15"):
        cases |= {"warn": started, "fail": failed}
    for on_error, expected in cases.items():
        completed = program.run("preload_missing", on_error, options=("-Wdefault::ImportWarning",))
        assert dict(line.split(": ") for line in lines(completed)) == expected, on_error
        assert ("no_such_module" in completed.errors) == bool(on_error), completed.errors


@claim(
    "start-method.main-imports-differ-by-method",
    docs="multiprocessing#the-spawn-and-forkserver-start-methods",
    level=OBSERVED,
    changes={"3.13.8, 3.14.1": "a fork server imports the main module once for all children"},
)
def test_the_main_module_is_imported_by_each_spawned_child_and_no_forked_one(mp, program):
    """The main module is imported anew by each spawned child, by no forked one, and by a server.

    The fork server imports it for all its children, once; before 3.13.8 and 3.14.1 each of them
    did so itself. Every process notes its number, and that of its parent, with what it does.
    """
    method = mp.get_start_method()
    notes = [line.split() for line in lines(program.run("main_imports"))]
    importers = [process for what, process, _ in notes if what == "importer"]
    children = [process for what, process, _ in notes if what == "child"]
    parents = [parent for what, _, parent in notes if what == "child"]
    assert len(children) == 3
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
def test_a_fork_server_forks_for_nobody_without_its_key(mp, program):
    """A fork server makes no child for who does not have its key, not even if he may connect.

    One stranger says nothing of a key, as everybody did before 3.14; another gives a wrong one
    and takes any answer for a right one. Both send what a request consists of. The program
    itself gets a child from the server before, and one from the same after the wrong key.
    """
    before, stranger = lines(program.run("break_in", "without_key"))
    assert before.startswith("child before: of ")
    assert stranger == "stranger: refused"

    before, stranger, after = lines(program.run("break_in", "with_wrong_key"))
    assert stranger == "stranger: refused"
    assert after == before.replace("before", "after")
