"""Surroundings: the input, output, arguments and directory of a child, and its exit handlers.

A child starts with its parent's arguments, import paths and current directory, but with an empty
``sys.stdin`` and without its parent's exit handlers. Its changes
to these are its own: the parent does not see them.

Output is shared: parent and child write to the same file or terminal. Each flushes its own output
at its end, and a forked child does not write what its parent had not flushed.
"""

import os
import sys

from spec.kit import OBSERVED, claim, reached


@claim("tree.child-stdin-is-null-device", docs="multiprocessing#programming-guidelines")
def test_a_childs_standard_input_is_empty(mp, program):
    """A child's sys.stdin is empty: through it a child reads nothing of its parent's input.

    One line is given to the program. The child reads to the end, and then asks for a line;
    only after that the program reads its own.
    """
    assert program.table_of("child_input", typed="for the program\n") == {
        "child, sys.stdin.read()": "''",
        "child, input()": "EOFError",
        "program, input()": "'for the program'",
    }


closed_in: list[int] = []


class StandIn:
    """An object in place of sys.stdin that notes the processes in which it is closed."""

    def close(self):
        """Note the PID of this process."""
        closed_in.append(os.getpid())


def look_at_input(stage):
    """Report where the stand-in was closed, and what sys.stdin now reads."""
    return {"closed here": closed_in == [os.getpid()], "sys.stdin.read()": sys.stdin.read()}


def replace_input_and_start(stage, ticket):
    """Replace sys.stdin, and start the nested actor; report where the stand-in was closed."""
    sys.stdin = StandIn()  # type: ignore[assignment,unused-ignore]
    stage.start(ticket).join(stage.patience)
    return closed_in


@claim(
    "tree.replaced-stdin-closed-in-child",
    docs="multiprocessing#programming-guidelines",
    methods=("fork",),
)
def test_a_forked_child_closes_the_object_in_sys_stdin(mp, stage):
    """A forked child calls close() of the object in sys.stdin, and then has an empty sys.stdin.

    The parent's object is a stand-in that notes where it was closed: once in the child, and not
    in the parent.
    """
    child = stage.nested(look_at_input)
    assert stage.result_of(replace_input_and_start, child.ticket) == []
    assert child.returns() == {"closed here": True, "sys.stdin.read()": ""}


@claim(
    "tree.buffered-output-appears-once",
    docs="multiprocessing#programming-guidelines",
    level=OBSERVED,
)
def test_buffered_output_appears_exactly_once(mp, program):
    """Output printed but not flushed, by a program or its processes, appears exactly once.

    The program prints a word before it starts two processes, which print a word each. A forked
    process has a copy of all that the program has not flushed, and must not print it again.
    """
    assert sorted(program.lines_of("unflushed")) == ["first", "program", "second"]


@claim(
    "tree.parent-atexit-stays-in-parent",
    docs="multiprocessing#programming-guidelines",
    level=OBSERVED,
)
def test_exit_handlers_of_the_parent_run_only_in_the_parent(mp, program):
    """Exit handlers that the parent has registered with atexit do not run in its children.

    One child returns, one calls sys.exit() and one raises. The program's handler runs once, after
    all of them.
    """
    *children, last = program.lines_of("exit_handlers")
    assert len(children) == 3, children
    assert not any("handler of the program" in line for line in children), children
    assert last == "handler of the program"


@claim(
    "tree.child-atexit-runs-at-end",
    docs="multiprocessing#programming-guidelines",
    level=OBSERVED,
    changes={"3.13": "before, only under spawn"},
)
def test_exit_handlers_of_a_child_run_when_it_ends(mp, program):
    """A child that returns, calls sys.exit() or raises runs its own exit handlers at its end.

    They have run when join() returns. Up to Python 3.12 this is so under spawn only.
    """
    *children, _ = program.lines_of("exit_handlers")
    if mp.get_start_method() == "spawn" or reached("3.13"):
        assert children == ["return handler 0", "exit handler 0", "error handler 1"]
    else:
        assert children == ["return 0", "exit 0", "error 1"]


def tell_argv_and_path(stage):
    """Report sys.argv and the last entry of sys.path."""
    return {"sys.argv": sys.argv, "sys.path[-1]": sys.path[-1]}


def change_path_and_start(stage, ticket):
    """Change sys.argv and sys.path, and then start the nested actor."""
    sys.argv = ["tree", "--of", "processes"]
    sys.path.append("a last entry")
    stage.start(ticket).join(stage.patience)


@claim(
    "tree.argv-and-path-reach-child",
    docs="multiprocessing#contexts-and-start-methods",
    level=OBSERVED,
)
def test_a_child_starts_with_its_parents_argv_and_path(mp, stage):
    """A child starts with the sys.argv and sys.path that its parent has at start().

    The parent has changed both since its own start.
    """
    child = stage.nested(tell_argv_and_path)
    stage.enter(change_path_and_start, child.ticket).returns()
    assert child.returns() == {
        "sys.argv": ["tree", "--of", "processes"],
        "sys.path[-1]": "a last entry",
    }


def tell_directory(stage):
    """Report the current directory."""
    return os.getcwd()


def move_and_start(stage, folder, ticket):
    """Change the current directory, and then start the nested actor."""
    os.chdir(folder)
    stage.start(ticket).join(stage.patience)


@claim(
    "tree.child-starts-in-parent-cwd",
    docs="multiprocessing#contexts-and-start-methods",
    level=OBSERVED,
)
def test_a_child_starts_in_its_parents_directory(mp, stage, tmp_path):
    """A child starts in the current directory that its parent has at start().

    The parent has changed it since its own start.
    """
    child = stage.nested(tell_directory)
    stage.enter(move_and_start, str(tmp_path), child.ticket).returns()
    assert os.path.samefile(child.returns(), tmp_path)
