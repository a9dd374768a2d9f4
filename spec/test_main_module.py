"""The main module: why programs carry a guard.

Under spawn, and under forkserver, a child begins by importing the program's file, for the
functions and classes in it. Without the guard ``if __name__ == "__main__":`` it would do all
over again what the program does. With it, the same program works under every start method.
"""

from spec.kit import claim

# The tutorial's samples, in wording of our own, and what each prints, in any order.
SAMPLES = {
    "target": ["This is a process", "hello world"],
    "subclass": ["Ann is 19"],
    "sleepers": ["19", "25", "Ann", "Tom"],
    "lock": ["written between acquire and release", "written inside with"],
    "semaphore": sorted(
        f"Process-{number} {word}" for number in range(1, 6) for word in ("acquires", "releases")
    ),
    "event": ["seen", "set"],
    "queue": ["hello world"],
    "pipe": ["hello world"],
    "manager": ["[0, 1, 2, 3, 4]", "a"],
}


@claim("main.guarded-program-always-works", docs="multiprocessing#programming-guidelines")
def test_a_guarded_program_works_under_every_start_method(mp, program):
    """A program whose main part is guarded works under every start method, and by default.

    These are the tutorial's samples, joined where they have to be. Where this start method is
    the platform's default, each is run once more without a word on the start method.
    """
    runs = [program.run]
    if program.is_default:
        runs.append(program.run_default)
    for run in runs:
        for sample, lines in SAMPLES.items():
            outcome = run(f"sample_{sample}")
            assert (sample, outcome.exitcode, outcome.errors) == (sample, 0, "")
            assert sorted(outcome.lines) == lines, sample
