"""The main module: why programs carry a guard.

Under spawn, and under forkserver, a child begins by importing the program's file, for the
functions and classes in it. Without the guard ``if __name__ == "__main__":`` it would do all
over again what the program does, and would start children itself: that is refused. With it, the
same program works under every start method.

The import goes by another name than "__main__", which is why the guard holds. What stands outside
the guard is executed again: constants come out the same, what the program has changed does not.
"""

from spec.kit import OBSERVED, claim

# The tutorial's samples, in wording of our own, and what each prints, in any order.
SAMPLES = {
    "processes/sample_target": ["This is a process", "hello world"],
    "processes/sample_subclass": ["Ann is 19"],
    "joining/sample_sleepers": ["19", "25", "Ann", "Tom"],
    "locks/sample_lock": ["written between acquire and release", "written inside with"],
    "semaphores/sample_semaphore": sorted(
        f"Process-{number} {word}" for number in range(1, 6) for word in ("acquires", "releases")
    ),
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
    """A program whose main part is guarded works under every start method, and by default.

    These are the tutorial's samples, joined where they have to be. Where this start method is
    the platform's default, each is run once more without a word on the start method. So there are
    up to eighteen programs, some of which sleep: that takes more than a second.
    """
    expected = {name: (0, "", lines) for name, lines in SAMPLES.items()}
    runs = [program.run]
    if program.is_default:
        runs.append(program.run_default)
    for run in runs:
        completed = program.run_together(run, expected)
        assert {
            name: (each.exitcode, each.errors, sorted(each.lines))
            for name, each in completed.items()
        } == expected


def tell(program):
    """What the program and its two processes print: names, the module's own object, and values."""
    completed = program.run("main_module", str(program.folder / "executions"))
    assert completed.exitcode == 0, completed.errors
    return [line.split("; ") for line in completed.lines]


@claim(
    "main.imported-under-alias-unless-forked",
    docs="multiprocessing#the-spawn-and-forkserver-start-methods",
    level=OBSERVED,
)
def test_a_child_imports_the_main_module_under_another_name(mp, program):
    """A child has its main module by the name "__mp_main__" unless it was forked: the guard holds.

    A function of the module tells the name. Either way sys.modules["__main__"] has that name and
    that function, so that what was pickled by the name of the main module is found.
    """
    names = "__main__" if mp.get_start_method() == "fork" else "__mp_main__"
    own, *children = tell(program)
    assert own[:3] == ["__main__", "__main__", "True"]
    assert [child[:3] for child in children] == [[names, names, "True"]] * 2


@claim(
    "main.constants-equal-in-children",
    docs="multiprocessing#the-spawn-and-forkserver-start-methods",
)
def test_constants_of_the_main_module_are_the_same_in_all_children(mp, program):
    """A constant of the main module is the same in every child; what was changed may be not.

    A variable that the program has changed is as at first where its module was imported anew.
    """
    mood = "changed" if mp.get_start_method() == "fork" else "as at first"
    own, *children = tell(program)
    assert own[3:] == ["('left', 'right')", "changed"]
    assert [child[3:] for child in children] == [["('left', 'right')", mood]] * 2


@claim(
    "main.spawn-repeats-side-effects",
    docs="multiprocessing#the-spawn-and-forkserver-start-methods",
    methods=("fork", "spawn"),
)
def test_every_spawned_child_executes_the_main_module_again(mp, program):
    """What the main module does outside its guard is done again by each spawned child.

    A forked one does not execute it. How often it is done under forkserver differs by version.
    """
    tell(program)
    executed = (program.folder / "executions").read_text().split()
    again = [] if mp.get_start_method() == "fork" else ["__mp_main__"] * 2
    assert executed == ["__main__", *again]


def run_unguarded(program, thing):
    """How the program without a guard ends: exit code, output, and whether it gives the reason."""
    completed = program.run("unguarded", thing, str(program.folder / thing))
    assert "this takes no end" not in completed.errors, "it starts processes without end"
    return completed.exitcode, completed.lines, "bootstrapping phase" in completed.errors


def outcome_unguarded(mp):
    """How a program without a guard has to end."""
    if mp.get_start_method() == "fork":
        return 0, ["it works"], False
    return 1, [], True


@claim(
    "main.unguarded-program-fails-unless-forked",
    docs="multiprocessing#the-spawn-and-forkserver-start-methods",
)
def test_a_program_without_a_guard_fails(mp, program):
    """Without the guard a program that starts a process fails, unless that is forked.

    The process imports the program, and is about to start another in the course of that: it is
    told the reason by a RuntimeError, and ends with 1. The program ends with its exit code.
    """
    assert run_unguarded(program, "Process") == outcome_unguarded(mp)


@claim(
    "main.pool-and-manager-need-guard",
    docs="multiprocessing#the-spawn-and-forkserver-start-methods",
    needs=("addresses", "semaphores"),
    deviations={
        "fetched-handles": "the Manager's program waits for ever for a process that died before it "
        "had fetched its end of a pipe: github.com/python/cpython/issues/114720"
    },
)
def test_a_pool_or_a_manager_without_a_guard_fails(mp, program):
    """Without the guard a program that makes a Pool or a Manager fails, unless they are forked.

    A Manager is told that its process has ended. A Pool would replace its dead workers for ever,
    so the program gives up when the first has ended. Either tells the reason.
    """
    observed = {thing: run_unguarded(program, thing) for thing in ("Pool", "Manager")}
    assert observed == {"Pool": outcome_unguarded(mp), "Manager": outcome_unguarded(mp)}
