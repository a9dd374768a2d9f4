"""Exit codes, sentinels and close(): how a process ended, and how a program learns of it.

``exitcode`` is None until a process has ended. After that it is 0 or the argument of
``sys.exit()`` for a process that ended by itself, 1 for an uncaught exception, and ``-N`` for a
process that signal N ended. A thread has no such attribute.

``sentinel`` is for waiting for several processes at once: it is given to
``multiprocessing.connection.wait()``. ``close()`` frees what is kept for a process that has ended;
only its settings, such as its name, can be read after that.

It surprises people that the return value of the target does not matter, that ``sys.exit()`` with
a string means 1, and that on POSIX ``sys.exit(256)`` looks like success. An exit code of 1 may
also mean that a process could not even begin, so every process here says a word first.
"""

import faulthandler
import functools
import gc
import importlib
import os
import select
import signal
import sys
import threading
import weakref

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


def return_before_last_thread(stage):
    """Return while a thread still runs, until it is cued: the process has not ended."""

    def outlive_main_thread():
        threading.main_thread().join()
        stage.say("main thread is over")
        stage.wait_for_cue("leave")

    threading.Thread(target=outlive_main_thread).start()


@claim("join.exitcode-none-until-end", docs="multiprocessing.Process.exitcode")
def test_there_is_no_exit_code_before_the_end(mp, stage):
    """exitcode is None before start() and until the process has ended; then it is an integer.

    It is read as soon as the process is started, and again when the main thread of the process
    is over while another thread still runs: the process has not ended even then. Nothing joins
    the process: exitcode is read until it is no longer None.
    """
    actor = stage.prepare(return_before_last_thread)
    codes = {"before start()": actor.process.exitcode}
    actor.process.start()
    codes["after start()"] = actor.process.exitcode
    actor.expect("main thread is over")
    codes["while a thread runs"] = actor.process.exitcode
    actor.cue("leave")
    actor.wait_until_gone()
    stage.wait_until(lambda: actor.process.exitcode is not None, "exitcode becoming an integer")
    codes["after the end"] = actor.process.exitcode
    assert codes == {
        "before start()": None,
        "after start()": None,
        "while a thread runs": None,
        "after the end": 0,
    }


def say_up(stage):
    """Say that this has begun."""
    stage.say("up")


@process_class
class EndsInOneWay:
    """A process that says a word and then ends in the way that it is given."""

    def __init__(self, stage, way, value, errors):
        super().__init__()
        self.stage = stage
        self.way = way
        self.value = value
        self.errors = errors

    def run(self):
        perform(self.stage, say_up)
        sys.stderr = open(self.errors, "w")  # noqa: SIM115 - it stays open to the end
        if self.way == "exit":
            sys.exit(self.value)
        if self.way == "raise":
            raise self.value
        return self.value


def ended(exitcode, last_error=""):
    """How a process ended: its exit code, and its last line on standard error."""
    return {"exitcode": exitcode, "stderr": last_error}


def ends_of(stage, folder, ways):
    """How a process ends in each of the ways.

    The processes run side by side: all are started before the first is waited for.
    """
    actors = {
        way: stage.enter_subclass(EndsInOneWay, *way, str(folder / str(number)))
        for number, way in enumerate(ways)
    }
    ends = {}
    for number, (way, actor) in enumerate(actors.items()):
        actor.expect("up")
        exitcode = actor.exit_code()
        ends[way] = ended(exitcode, (folder / str(number)).read_text().strip().rpartition("\n")[2])
    return ends


OWN_EXITS = {
    ("return", None): ended(0),
    ("return", 3): ended(0),
    ("exit", None): ended(0),
    ("exit", 0): ended(0),
    ("exit", 3): ended(3),
    ("exit", 127): ended(127),
    ("exit", ""): ended(1),
    ("exit", "3 is too many"): ended(1, "3 is too many"),
}


@claim("join.exit-argument-sets-exitcode", docs="multiprocessing.Process.exitcode")
def test_the_argument_of_exit_is_the_exit_code(mp, stage, tmp_path):
    """exitcode is 0 if run() returns, N after sys.exit(N) for 0 <= N < 256, 1 for sys.exit("no").

    The return value of run() does not matter, None counts as 0, and the string is written to
    standard error.
    """
    assert ends_of(stage, tmp_path, OWN_EXITS) == OWN_EXITS


LONG_EXITS = {
    ("exit", 255): ended(255),
    ("exit", 256): ended(0),
    ("exit", 300): ended(44),
    ("exit", -1): ended(255),
}


@claim(
    "join.exit-status-has-eight-bits",
    docs="sys.exit",
    level=OBSERVED,
    needs=("eight-bit-status",),
)
def test_an_exit_code_has_eight_bits(mp, stage, tmp_path):
    """On POSIX, exitcode keeps only 8 bits of sys.exit(N): 256 gives 0, and -1 gives 255.

    So 256 looks like success, and -1 is not taken for signal 1.
    """
    assert ends_of(stage, tmp_path, LONG_EXITS) == LONG_EXITS


UNCAUGHT = {
    ("raise", ValueError): ended(1, "ValueError"),
    ("raise", KeyboardInterrupt): ended(1, "KeyboardInterrupt"),
    ("raise", GeneratorExit): ended(1, "GeneratorExit"),
}


@claim("join.uncaught-exception-exits-one", docs="multiprocessing.Process.exitcode")
def test_an_uncaught_exception_gives_exit_code_1(mp, stage, tmp_path):
    """An uncaught exception other than SystemExit sets exitcode to 1, even KeyboardInterrupt.

    One that derives from Exception is raised, and two that do not; each is written to standard
    error.
    """
    assert ends_of(stage, tmp_path, UNCAUGHT) == UNCAUGHT


def fail_in_threads(stage):
    """Let one thread raise an exception and another call sys.exit(3); wait for both."""
    sys.stderr = open(os.devnull, "w")  # noqa: SIM115 - it stays open to the end

    def fail():
        raise ValueError

    threads = [threading.Thread(target=fail), threading.Thread(target=sys.exit, args=(3,))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return "both have ended"


@claim("join.threads-cannot-set-exitcode", docs="multiprocessing.Process.exitcode", level=OBSERVED)
def test_threads_of_a_process_do_not_change_its_exit_code(mp, stage):
    """An exception or sys.exit(3) in another thread of a child does not change its exit code.

    Both threads have ended before the main thread of the child returns.
    """
    actor = stage.enter(fail_in_threads)
    assert actor.returns() == "both have ended"
    assert actor.process.exitcode == 0


def say_up_and_wait(stage):
    """Say that this has begun, and wait for the cue to leave."""
    stage.say("up")
    stage.wait_for_cue("leave")


def largest_core():
    """How many bytes of a core file may be written, so that it can only be in this directory.

    None where the system puts it elsewhere. Where it gives it to a program, a limit of one byte
    keeps that program from being started (core(5)).
    """
    try:
        with open("/proc/sys/kernel/core_pattern") as file:
            pattern = file.read()
    except OSError:
        return 0
    if pattern.startswith("|"):
        return 1
    return 0 if "/" in pattern else 4096


def permit_core_and_wait(stage, folder):
    """Permit a small core file in the folder, say that this has begun, and wait for the cue."""
    resource = importlib.import_module("resource")
    hard = resource.getrlimit(resource.RLIMIT_CORE)[1]
    wanted = largest_core()
    soft = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
    resource.setrlimit(resource.RLIMIT_CORE, (soft, hard))
    os.chdir(folder)
    faulthandler.disable()
    stage.say("up")
    stage.wait_for_cue("leave")


SIGNALS = ("SIGKILL", "SIGTERM", "SIGUSR1", "SIGSEGV")


@claim(
    "join.signal-gives-negative-exitcode",
    docs="multiprocessing.Process.exitcode",
    needs=("signals",),
)
def test_a_process_ended_by_a_signal_has_its_negative_number(mp, stage, tmp_path):
    """exitcode is -N if signal N ended the process.

    The signals are sent with os.kill(), not by the package. After SIGSEGV the kernel writes a
    core file, if it may, and then notes that beside the number of the signal; it may only where
    that file would be in the folder of this play. A fork server
    learns first how its children end, and has to pass it on. If the server has died, the exit
    code is lost: see the claim start-method.exitcode-lost-with-server.
    """
    actors = {name: stage.enter(permit_core_and_wait, str(tmp_path)) for name in SIGNALS}
    for name, actor in actors.items():
        actor.expect("up")
        os.kill(actor.pid, getattr(signal, name))
    expected = {name: -getattr(signal, name) for name in SIGNALS}
    assert {name: actor.exit_code() for name, actor in actors.items()} == expected


def exit_with_seven(stage, way, path):
    """Exit with 7, by os._exit() or sys.exit(), out of a block with a finally clause."""
    try:
        if way == "os._exit":
            os._exit(7)
        sys.exit(7)
    finally:
        with open(path, "w") as file:
            file.write("cleaned up")


@claim("join.hard-exit-skips-cleanup", docs="os._exit")
def test_a_hard_exit_skips_cleanup(mp, stage, tmp_path):
    """os._exit(7) sets exitcode to 7 and skips even finally clauses, unlike sys.exit(7).

    Two processes leave the same block, one each way; a file tells whether the finally clause ran.
    """
    expected = {
        "os._exit": {"exitcode": 7, "finally ran": False},
        "sys.exit": {"exitcode": 7, "finally ran": True},
    }
    actors = {way: stage.enter(exit_with_seven, way, str(tmp_path / way)) for way in expected}
    assert {
        way: {"exitcode": actor.exit_code(), "finally ran": (tmp_path / way).exists()}
        for way, actor in actors.items()
    } == expected


def wait_for_sentinel(stage, sentinel):
    """Wait for the sentinel for much longer than the patience; return whether it was found."""
    stage.say("waiting")
    found = submodule("connection").wait([sentinel], 3 * stage.patience) == [sentinel]
    stage.say("found")
    return found


@claim("join.sentinel-ready-at-end", docs="multiprocessing.Process.sentinel")
def test_a_sentinel_is_ready_when_the_process_has_ended(mp, stage):
    """connection.wait() finds a sentinel ready once its process has ended, and not before.

    It is tried as soon as the process is started, and for a beat when the main thread of the
    process is over while another thread still runs. A thread waits while the process ends. The
    sentinel stays ready after the join. A forked grandchild can delay it: see the claim
    join.timeout-held-up-by-grandchild.
    """
    wait = submodule("connection").wait
    actor = stage.prepare(return_before_last_thread)
    actor.process.start()
    sentinel = actor.process.sentinel
    assert wait([sentinel], 0) == [], "it was ready at the start"
    actor.expect("main thread is over")
    waiting = stage.enter(wait_for_sentinel, sentinel, by=threading.Thread)
    waiting.expect("waiting")
    assert wait([sentinel], BEAT) == [], "it was ready before the process had ended"
    actor.cue("leave")
    actor.wait_until_gone()
    assert waiting.returns() is True
    assert wait([sentinel], stage.patience) == [sentinel], "it was not ready at the end"
    actor.returns()
    assert wait([sentinel], stage.patience) == [sentinel], "it is no longer ready after join()"


def wait_for_sentinel_without_timeout(stage, sentinel):
    """Wait for the sentinel without a timeout; return whether it was found."""
    stage.say("waiting")
    found = submodule("connection").wait([sentinel]) == [sentinel]
    stage.say("found")
    return found


@claim("join.sentinel-wait-never-gives-up", docs="multiprocessing.connection.wait", slow=True)
def test_waiting_for_a_sentinel_does_not_give_up(mp, stage):
    """connection.wait() on a sentinel still blocks after seconds, and returns at the end.

    One thread waits without a timeout, and another for longer than the patience. The process runs
    until it is cued, which happens only after more than two seconds.
    """
    actor = stage.enter(say_up_and_wait)
    actor.expect("up")
    waiting = [
        stage.enter(wait, actor.process.sentinel, by=threading.Thread)
        for wait in (wait_for_sentinel, wait_for_sentinel_without_timeout)
    ]
    for each in waiting:
        each.expect("waiting")
    assert stage.none_says(waiting, "found", beats=25), "wait() has given up"
    actor.cue("leave")
    assert [each.returns() for each in waiting] == [True, True]


@claim(
    "join.sentinel-works-with-select",
    docs="multiprocessing.Process.sentinel",
    needs=("descriptors",),
)
def test_select_finds_a_sentinel_ready(mp, stage):
    """On POSIX, select() finds a sentinel readable once its process has ended, and not before.

    The sentinel is an int. It is tried as soon as the process is started, and again when the
    process waits for its cue.
    """
    actor = stage.prepare(say_up_and_wait)
    actor.process.start()
    sentinel = actor.process.sentinel
    assert type(sentinel) is int
    assert select.select([sentinel], [], [], 0) == ([], [], []), "it was ready at the start"
    actor.expect("up")
    assert select.select([sentinel], [], [], 0) == ([], [], []), "it was ready before the end"
    actor.cue("leave")
    actor.wait_until_gone()
    ready, _, _ = select.select([sentinel], [], [], stage.patience)
    assert ready == [sentinel], "it was not ready at the end"


@claim("join.no-sentinel-before-start", docs="multiprocessing.Process.sentinel", level=OBSERVED)
def test_a_process_has_no_sentinel_before_its_start(mp, stage):
    """Reading sentinel before start() raises ValueError."""
    process = mp.Process()
    assert result_or_error(lambda: process.sentinel) == "ValueError"


@claim("join.only-finished-sentinels-ready", docs="multiprocessing.connection.wait")
def test_of_several_sentinels_those_of_ended_processes_are_ready(mp, stage):
    """Of several sentinels, connection.wait() returns those of all ended processes, and no other.

    Three processes end by cue, one after the other: the second, the third, the first.
    """
    wait = submodule("connection").wait
    actors = [stage.enter(say_up_and_wait) for _ in range(3)]
    sentinels = [actor.process.sentinel for actor in actors]
    finished: set[int] = set()
    for place in (1, 2, 0):
        assert set(wait(sentinels, 0)) == finished
        actors[place].cue("leave")
        actors[place].wait_until_gone()
        assert wait([sentinels[place]], stage.patience) == [sentinels[place]]
        finished.add(sentinels[place])
        assert set(wait(sentinels, 0)) == finished
    for actor in actors:
        actor.returns()


@claim("join.close-refuses-running-process", docs="multiprocessing.Process.close")
def test_a_running_process_cannot_be_closed(mp, stage):
    """close() on a running process raises ValueError, and the process continues to run.

    The process runs until it is cued. After its end close() succeeds, though nothing has joined
    the process.
    """
    actor = stage.enter(say_up_and_wait)
    actor.expect("up")
    assert result_or_error(actor.process.close) == "ValueError"
    assert actor.process.is_alive()
    actor.cue("leave")
    actor.wait_until_gone()
    stage.wait_until(lambda: result_or_error(actor.process.close) is None, "close() succeeding")


def wait_forever():
    """Wait for what never comes, until this process is killed."""
    threading.Event().wait()


def open_descriptors():
    """The file descriptors below 4096 that are open in this process."""
    return {each for each in range(4096) if result_or_error(os.fstat, each) != "OSError"}


@claim(
    "join.close-releases-descriptors",
    docs="multiprocessing.Process.close",
    needs=("descriptors",),
)
def test_close_releases_the_file_descriptors(mp, stage):
    """close() releases the file descriptors of a Process at once, even while the object is kept.

    On POSIX the sentinel is one of those that start() has opened. Another child is started
    before, since the first start opens what all children use. One process ends by itself, and one
    is killed.
    """
    stage.result_of(say_up)
    for way, target in (("ended", None), ("killed", wait_forever)):
        process = mp.Process(target=target)
        before = open_descriptors()
        process.start()
        opened = open_descriptors() - before
        if way == "killed":
            process.kill()
        process.join(stage.patience)
        assert process.sentinel in opened, f"the sentinel is not among {opened}"
        process.close()
        kept = opened & open_descriptors()
        assert not kept, f"{way}: {len(kept)} of {len(opened)} are still open after close()"


@claim(
    "join.dropped-process-is-released",
    docs="multiprocessing.Process.close",
    level=OBSERVED,
    needs=("descriptors",),
)
def test_a_process_that_is_dropped_after_its_end_is_released(mp, stage):
    """Dropping the last reference to an ended Process releases its file descriptors.

    So close() is not needed for that. One process is joined, and of the others is_alive() or
    active_children() tells that they have ended. The objects are gone after a garbage collection.
    """
    stage.result_of(say_up)
    for how, has_ended in (
        ("join()", lambda process: process.join(stage.patience) is None),
        ("is_alive()", lambda process: not process.is_alive()),
        ("active_children()", lambda process: process not in mp.active_children()),
    ):
        process = mp.Process()
        before = open_descriptors()
        process.start()
        opened = open_descriptors() - before
        assert process.sentinel in opened, f"the sentinel is not among {opened}"
        stage.wait_until(functools.partial(has_ended, process), "the end of the process")
        dropped = weakref.ref(process)
        del process
        gc.collect()
        kept = opened & open_descriptors()
        assert dropped() is None, f"the Process is kept after {how}"
        assert not kept, f"{len(kept)} of {len(opened)} are still open after {how}"


METHODS = ("is_alive", "join", "kill", "start", "terminate")
FACTS = ("exitcode", "ident", "pid", "sentinel")
SETTINGS = ("authkey", "daemon", "name")


def outcome_of_each_use(process):
    """The outcome of each use of a process object: the value or None, or the exception's name."""
    methods = METHODS + (("interrupt",) if reached("3.14") else ())
    return {name: result_or_error(getattr(process, name)) for name in methods} | {
        name: result_or_error(getattr, process, name) for name in FACTS + SETTINGS
    }


@claim(
    "join.closed-process-keeps-only-settings",
    docs="multiprocessing.Process.close",
    level=OBSERVED,
    changes={"3.14": "interrupt is refused as well"},
)
def test_a_closed_process_keeps_only_its_settings(mp, stage):
    """After close(), start(), join(), pid, exitcode etc. raise ValueError; name and daemon work.

    So do authkey and repr(), and closing again has no effect. This holds for a process
    that has run, and for one that was closed before its start.
    """
    has_run = stage.enter(say_up_and_wait, name="Ann", daemon=True)
    has_run.returns(cue="leave")
    never_run = stage.prepare(say_up_and_wait, name="Ann", daemon=True)
    for process in (has_run.process, never_run.process):
        settings = {"authkey": process.authkey, "daemon": True, "name": "Ann"}
        for _ in range(2):
            assert process.close() is None
            outcomes = outcome_of_each_use(process)
            assert {name: outcomes.pop(name) for name in SETTINGS} == settings
            assert outcomes == dict.fromkeys(outcomes, "ValueError")
            assert "closed" in repr(process)


@claim(
    "join.close-before-start-prevents-start", docs="multiprocessing.Process.close", level=OBSERVED
)
def test_a_process_that_was_closed_cannot_be_started(mp, stage):
    """close() is allowed before start(); start() then raises ValueError and starts no process.

    The closed process is not among the active children; a process that is started afterwards is.
    """
    closed = stage.prepare(say_up_and_wait)
    assert result_or_error(closed.process.close) is None
    assert result_or_error(closed.process.start) == "ValueError"
    assert closed.process not in mp.active_children()
    other = stage.enter(say_up_and_wait)
    assert other.process in mp.active_children()
    other.returns(cue="leave")
