"""Exit codes and sentinels: how a process ended, and how one learns of it.

``exitcode`` is None as long as a process has not ended. Then it tells how it did: 0 or what was
given to ``sys.exit`` when it came to its end by itself, 1 for an exception that nobody caught,
and the negative number of the signal that ended it. A thread has nothing of the kind.

``sentinel`` is what ``multiprocessing.connection.wait`` waits for when it shall be for several
processes at once. ``close`` lets go of what is kept for a process that has ended; from then on
nothing but its settings can be asked of it.

That an exit code is 1 may also mean that a process could not even begin, so every process here
has to show itself before its exit code counts.
"""

import os
import signal
import sys
import threading

from spec.kit import (
    BEAT,
    OBSERVED,
    claim,
    perform,
    process_class,
    reached,
    result_or_error,
    submodule,
)


def linger(stage):
    """Return while a thread still runs, until it is cued to leave: the process has not ended."""

    def stay():
        threading.main_thread().join()
        stage.say("all but over")
        stage.wait_for_cue("leave")

    threading.Thread(target=stay).start()


@claim("join.exitcode-none-until-end", docs="multiprocessing.Process.exitcode")
def test_there_is_no_exit_code_before_the_end(mp, stage):
    """exitcode is None before the start and as long as the process runs, and then a number.

    The process is looked at as soon as it is started, and again when its main thread is over
    and another still runs: it has not ended even then.
    """
    actor = stage.prepare(linger)
    codes = [actor.process.exitcode]
    actor.process.start()
    codes.append(actor.process.exitcode)
    actor.expect("all but over")
    codes.append(actor.process.exitcode)
    actor.cue("leave")
    codes.append(actor.exit_code())
    assert codes == [None, None, None, 0]


@process_class
class Ender:
    """A process that shows itself and then ends in the way that it is told."""

    def __init__(self, stage, way, value, complaints):
        super().__init__()
        self.stage = stage
        self.way = way
        self.value = value
        self.complaints = complaints

    def run(self):
        perform(self.stage, appear)
        sys.stderr = open(self.complaints, "w")  # noqa: SIM115 - it stays open to the end
        if self.way == "exit":
            sys.exit(self.value)
        if self.way == "raise":
            raise self.value
        return self.value


def appear(stage):
    """Show that this has begun."""
    stage.say("up")


def endings(stage, folder, ways):
    """The exit code for each way to end, and what was complained of last.

    The processes run side by side: all are started before the first is waited for.
    """
    enders = {
        way: stage.enter_subclass(Ender, *way, str(folder / str(number)))
        for number, way in enumerate(ways)
    }
    codes = {}
    for number, (way, ender) in enumerate(enders.items()):
        ender.expect("up")
        code = ender.exit_code()
        codes[way] = code, (folder / str(number)).read_text().strip().rpartition("\n")[2]
    return codes


OWN_EXITS = {
    ("return", None): (0, ""),
    ("return", 3): (0, ""),
    ("exit", None): (0, ""),
    ("exit", 0): (0, ""),
    ("exit", 3): (3, ""),
    ("exit", 127): (127, ""),
    ("exit", ""): (1, ""),
    ("exit", "3 is too many"): (1, "3 is too many"),
}


@claim("join.exit-argument-sets-exitcode", docs="multiprocessing.Process.exitcode")
def test_what_is_given_to_exit_is_the_exit_code(mp, stage, tmp_path):
    """The exit code is 0 when run returns, N for sys.exit(N), 0 for None, and 1 for a text.

    What run returns counts for nothing. The text is written to standard error.
    """
    assert endings(stage, tmp_path, OWN_EXITS) == OWN_EXITS


LONG_EXITS = {
    ("exit", 255): (255, ""),
    ("exit", 256): (0, ""),
    ("exit", 300): (44, ""),
    ("exit", -1): (255, ""),
}


@claim(
    "join.exit-status-has-eight-bits",
    docs="sys.exit",
    level=OBSERVED,
    needs=("eight-bit-status",),
)
def test_an_exit_code_has_eight_bits(mp, stage, tmp_path):
    """An exit code has eight bits: of what is given to sys.exit, the rest is lost.

    So 256 looks like success, and -1 is not taken for the signal 1.
    """
    assert endings(stage, tmp_path, LONG_EXITS) == LONG_EXITS


UNCAUGHT = {
    ("raise", ValueError): (1, "ValueError"),
    ("raise", KeyboardInterrupt): (1, "KeyboardInterrupt"),
    ("raise", GeneratorExit): (1, "GeneratorExit"),
}


@claim("join.uncaught-exception-exits-one", docs="multiprocessing.Process.exitcode")
def test_an_exception_that_nobody_catches_gives_one(mp, stage, tmp_path):
    """An exception that run does not catch gives exit code 1, also one that is no Exception."""
    assert endings(stage, tmp_path, UNCAUGHT) == UNCAUGHT


def stay(stage):
    """Stay until cued to leave."""
    stage.say("up")
    stage.wait_for_cue("leave")


SIGNALS = ("SIGKILL", "SIGTERM", "SIGUSR1")


@claim(
    "join.signal-gives-negative-exitcode",
    docs="multiprocessing.Process.exitcode",
    needs=("signals",),
)
def test_a_signal_that_ends_a_process_is_its_negative_exit_code(mp, stage):
    """A process that is ended by signal N has the exit code -N.

    The kernel is asked for the signal, and not the package. A fork server has to hand on what
    it learns of its children's ends.
    """
    actors = {name: stage.enter(stay) for name in SIGNALS}
    for name, actor in actors.items():
        actor.expect("up")
        os.kill(actor.pid, getattr(signal, name))
    expected = {name: -getattr(signal, name) for name in SIGNALS}
    assert {name: actor.exit_code() for name, actor in actors.items()} == expected


def leave_from_within(stage, way, path):
    """Leave with 7, by os._exit or sys.exit, from within a block that has to be tidied up."""
    try:
        if way == "os._exit":
            os._exit(7)
        sys.exit(7)
    finally:
        with open(path, "w") as file:
            file.write("tidied up")


@claim("join.hard-exit-skips-cleanup", docs="os._exit")
def test_a_hard_exit_does_not_tidy_up(mp, stage, tmp_path):
    """os._exit(7) in a process gives exit code 7 at once: not even a finally clause is run.

    The control leaves by sys.exit with the same code, and tidies up before.
    """
    expected = {"os._exit": (7, False), "sys.exit": (7, True)}
    actors = {way: stage.enter(leave_from_within, way, str(tmp_path / way)) for way in expected}
    assert {
        way: (actor.exit_code(), (tmp_path / way).exists()) for way, actor in actors.items()
    } == expected


@claim("join.sentinel-ready-at-end", docs="multiprocessing.Process.sentinel")
def test_a_sentinel_is_ready_when_the_process_has_ended(mp, stage):
    """connection.wait finds a sentinel ready when its process has ended, and not before.

    It is looked at as soon as the process is started, and for a beat when its main thread is
    over and another still runs. It stays ready when the process has been joined.
    """
    wait = submodule("connection").wait
    actor = stage.prepare(linger)
    actor.process.start()
    sentinel = actor.process.sentinel
    assert wait([sentinel], 0) == [], "it was ready at the start"
    actor.expect("all but over")
    assert wait([sentinel], BEAT) == [], "it was ready before the process had ended"
    actor.cue("leave")
    actor.wait_until_gone()
    assert wait([sentinel], stage.patience) == [sentinel], "it was not ready at the end"
    actor.returns()
    assert wait([sentinel], stage.patience) == [sentinel], "it is ready no more"


@claim("join.no-sentinel-before-start", docs="multiprocessing.Process.sentinel", level=OBSERVED)
def test_a_process_has_no_sentinel_before_its_start(mp, stage):
    """To ask for the sentinel of a process that was not started raises ValueError."""
    process = mp.Process()
    assert result_or_error(lambda: process.sentinel) == "ValueError"


@claim("join.only-finished-sentinels-ready", docs="multiprocessing.connection.wait")
def test_of_several_sentinels_those_of_ended_processes_are_ready(mp, stage):
    """To wait for several sentinels gives all those whose processes have ended, and no other.

    Three processes end by cue, one after the other: the second, the third, the first.
    """
    wait = submodule("connection").wait
    actors = [stage.enter(stay) for _ in range(3)]
    sentinels = [actor.process.sentinel for actor in actors]
    ended: set[int] = set()
    for place in (1, 2, 0):
        assert set(wait(sentinels, 0)) == ended
        actors[place].cue("leave")
        actors[place].wait_until_gone()
        assert wait([sentinels[place]], stage.patience) == [sentinels[place]]
        ended.add(sentinels[place])
        assert set(wait(sentinels, 0)) == ended
    for actor in actors:
        actor.returns()


@claim("join.close-refuses-running-process", docs="multiprocessing.Process.close")
def test_a_running_process_cannot_be_closed(mp, stage):
    """close of a process that runs raises ValueError, and the process runs on unharmed."""
    actor = stage.enter(stay)
    actor.expect("up")
    assert result_or_error(actor.process.close) == "ValueError"
    assert actor.process.is_alive()
    actor.cue("leave")
    actor.returns()
    assert result_or_error(actor.process.close) is None


HANDLING = ("is_alive", "join", "kill", "start", "terminate")
FACTS = ("exitcode", "ident", "pid", "sentinel")
SETTINGS = ("authkey", "daemon", "name")


def what_is_left(process):
    """What comes of each use of a process object; of a call, only whether it is refused."""
    handling = HANDLING + (("interrupt",) if reached("3.14") else ())
    return {name: result_or_error(getattr(process, name)) for name in handling} | {
        name: result_or_error(getattr, process, name) for name in FACTS + SETTINGS
    }


@claim(
    "join.closed-process-keeps-only-settings",
    docs="multiprocessing.Process.close",
    level=OBSERVED,
    changes={"3.14": "interrupt is refused as well"},
)
def test_of_a_closed_process_only_settings_can_be_asked(mp, stage):
    """Of a closed process, only name, daemon, authkey and repr are left: the rest is ValueError.

    That is so of one that has run, and of one that was closed instead of started. To close it
    once more does no harm.
    """
    run = stage.enter(stay, name="Ann", daemon=True)
    run.cue("leave")
    run.returns()
    never_run = stage.prepare(stay, name="Ann", daemon=True)
    for process in (run.process, never_run.process):
        settings = {"authkey": process.authkey, "daemon": True, "name": "Ann"}
        for _ in range(2):
            assert process.close() is None
            left = what_is_left(process)
            assert {name: left.pop(name) for name in SETTINGS} == settings
            assert left == dict.fromkeys(left, "ValueError")
            assert "closed" in repr(process)


@claim(
    "join.close-before-start-prevents-start", docs="multiprocessing.Process.close", level=OBSERVED
)
def test_a_process_that_was_closed_cannot_be_started(mp, stage):
    """A process may be closed before its start, which then raises ValueError and starts nothing.

    A process that is not closed is started beside it: the word would have come.
    """
    closed = stage.prepare(stay)
    assert result_or_error(closed.process.close) is None
    assert result_or_error(closed.process.start) == "ValueError"
    assert closed.process not in mp.active_children()
    other = stage.enter(stay)
    assert other.process in mp.active_children()
    other.cue("leave")
    other.returns()
