"""Resources: what has to be kept alive, and for how long.

A child needs what was handed to it until it has taken it over, and that takes a while: under
spawn and forkserver it imports the program first. So whoever starts a process keeps its locks,
semaphores and queues, and joins. The tutorial's samples with a semaphore and with a queue do not
join, and so lose what they were to print; its sample with a pipe gets away with it.
"""

from spec.kit import OBSERVED, claim


@claim(
    "resource.unjoined-semaphores-lost-unless-forked",
    docs="multiprocessing#programming-guidelines",
    level=OBSERVED,
    needs=("semaphores", "named-semaphores"),
)
def test_a_program_that_does_not_join_takes_the_semaphores_from_its_children(mp, program):
    """A program that ends without join loses its children's semaphores and queues, unless forked.

    At its end the program removes the names of its semaphores, and only then waits for its
    children; one that looks up the name later dies with FileNotFoundError. The children are held
    back until the names are gone. The program's own exit code is 0. When it joins, all works.
    """
    forked = mp.get_start_method() == "fork"
    for kind, lines in (("semaphore", ["seated", "seated"]), ("queue", ["hello world"])):
        unjoined = program.run("ending", kind, "unjoined", str(program.folder / kind))
        assert unjoined.exitcode == 0, unjoined.errors
        assert unjoined.lines == (lines if forked else [])
        assert ("FileNotFoundError" in unjoined.errors) is not forked

        joined = program.run("ending", kind, "joined", str(program.folder / kind))
        assert (joined.exitcode, joined.errors) == (0, "")
        assert joined.lines == lines


@claim("resource.unjoined-pipe-survives", docs="multiprocessing.Pipe")
def test_a_pipe_outlives_a_program_that_does_not_join(mp, program):
    """A program that ends without join loses nothing that its children send by a Pipe.

    The children are held back until the program has begun to end, as with semaphores; but a
    connection has no name that could be removed.
    """
    for ending in ("unjoined", "joined"):
        completed = program.run("ending", "pipe", ending, str(program.folder / ending))
        assert (completed.exitcode, completed.errors) == (0, "")
        assert completed.lines == ["hello world"]
