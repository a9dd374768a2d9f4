"""Resources: keeping objects alive as long as children need them.

A child needs the locks, semaphores and queues that it gets as arguments until it has opened them.
Under spawn and forkserver that takes a while, since it first imports the program. When the parent
ends before, the names of its semaphores are removed from the system, and the child fails with
FileNotFoundError.

So keep references to such objects in the parent, and join the children. Short programs without
``join()`` often work by chance, or always under fork, and fail on another machine. A Pipe has no
name that could be removed, and so it works without ``join()`` too.
"""

from spec.kit import OBSERVED, claim


@claim(
    "resource.unjoined-semaphores-lost-unless-forked",
    docs="multiprocessing#programming-guidelines",
    level=OBSERVED,
    needs=("semaphores", "named-semaphores"),
)
def test_a_program_that_does_not_join_takes_semaphores_from_its_children(mp, program):
    """Unless forked, a child still starting when its program ends loses its semaphores and queues.

    At its end the program removes the names of its semaphores, and only then waits for its
    children: a child that looks up a name later ends with FileNotFoundError. The program holds
    its children back until the names are gone, so no child is too early. Its own exit code is 0.
    With join() everything works.
    """
    forked = mp.get_start_method() == "fork"
    for kind, lines in (("semaphore", ["acquired", "acquired"]), ("queue", ["hello world"])):
        unjoined = program.run("ending", kind, "unjoined", str(program.folder / kind))
        assert unjoined.exitcode == 0, unjoined.errors
        assert unjoined.lines == (lines if forked else [])
        assert ("FileNotFoundError" in unjoined.errors) is not forked, unjoined.errors

        joined = program.run("ending", kind, "joined", str(program.folder / kind))
        assert (joined.exitcode, joined.errors) == (0, "")
        assert joined.lines == lines


@claim("resource.unjoined-pipe-survives", docs="multiprocessing.Pipe")
def test_a_pipe_works_though_the_program_does_not_join(mp, program):
    """A child still starting when its program ends can use the Pipe connections it was given.

    The program holds its children back until it has begun to end, as with semaphores.
    """
    for ending in ("unjoined", "joined"):
        completed = program.run("ending", "pipe", ending, str(program.folder / ending))
        assert (completed.exitcode, completed.errors) == (0, ""), ending
        assert completed.lines == ["hello world"], ending
