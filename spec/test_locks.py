"""Lock: one at a time.

A lock is held by one process at a time; the others wait. It is held either for the length of a
``with`` block or from ``acquire`` to ``release``. Only the first is safe when something in
between raises.

A lock excludes those who hold that very lock, so it must be handed over as an argument. A lock
that each process makes for itself, or a lock for threads, excludes no other process.

That nobody else is inside cannot be seen from a line appended to a file: such a line is written
at once, with a lock or without. The proofs here write a record in two halves, with a cue in
between, or read a number and write it back.

Parity with threading ends where a call says how long to wait, and in what is raised.
"""

import threading
import time
import types

from spec.kit import BEAT, OBSERVED, TICK, claim, now, result_or_error, submodule

NEEDS = ("semaphores",)


def write_by_with(stage, lock, path):
    """Write a record inside a with block."""
    stage.say("asking")
    with lock:
        write_record(stage, path, "with")


def write_by_acquire(stage, lock, path):
    """Write a record between acquire and release."""
    stage.say("asking")
    lock.acquire()
    write_record(stage, path, "acquire")
    lock.release()


def write_unlocked(stage, path):
    """Write a record without asking anybody."""
    write_record(stage, path, "alone")


def write_record(stage, path, name):
    """Append a record in two halves, and wait for a cue in between."""
    with open(path, "a") as file:
        file.write(f"{name} begins\n")
        file.flush()
        stage.say("inside")
        stage.wait_for_cue("go on")
        file.write(f"{name} ends\n")


@claim("lock.with-and-acquire-both-exclude", docs="multiprocessing.Lock")
def test_with_and_acquire_both_keep_the_second_out(mp, stage, tmp_path):
    """A process inside "with lock" keeps out one that calls acquire, and the other way about.

    The first is known to be inside, and the second to ask. The second has a beat's time to show
    itself, and then the first is cued to finish its record. Without the lock, the control, both
    are inside at once and their records are torn.
    """
    for first, second in ((write_by_with, write_by_acquire), (write_by_acquire, write_by_with)):
        lock = mp.Lock()
        path = tmp_path / first.__name__
        inside = stage.enter(first, lock, str(path))
        inside.expect("inside")
        outside = stage.enter(second, lock, str(path))
        outside.expect("asking")
        assert outside.does_not_say("inside"), "a second process got in"
        inside.cue("go on")
        inside.returns()
        outside.expect("inside")
        outside.cue("go on")
        outside.returns()
        names = [line.split() for line in path.read_text().splitlines()]
        assert [word for _, word in names] == ["begins", "ends", "begins", "ends"]
        assert names[0][0] == names[1][0]

    path = tmp_path / "unlocked"
    both = []
    for _ in range(2):  # in turn: where to append is to seek and to write, one line may be lost
        both.append(stage.enter(write_unlocked, str(path)))
        both[-1].expect("inside")
    for each in both:
        each.cue("go on")
        each.returns()
    torn = [line.split()[1] for line in path.read_text().splitlines()]
    assert torn == ["begins", "begins", "ends", "ends"]


def count(stage, lock, path):
    """Add one to the number in a file for two beats; report how often."""
    stage.say("ready")
    stage.wait_for_cue("count")
    added, end = 0, now() + 2 * BEAT
    while now() < end:
        with lock, open(path, "r+") as file:
            number = int(file.read())
            file.seek(0)
            time.sleep(TICK / 20)  # leave the other time to come in between
            file.write(str(number + 1))
        added += 1
    return added


def count_once_unlocked(stage, path):
    """Read the number in a file, and write it back plus one when cued."""
    with open(path) as file:
        number = int(file.read())
    stage.say("read")
    stage.wait_for_cue("write")
    with open(path, "w") as file:
        file.write(str(number + 1))


@claim("lock.read-modify-write-is-exact", docs="multiprocessing.Lock")
def test_no_count_is_lost_under_a_lock(mp, stage, tmp_path):
    """Processes that read a number and write it back plus one, under a lock, lose no count.

    Two processes count for two beats, from the same moment on: the number is the sum of what
    they have counted. The control, without the lock and in an order forced by cues, loses a
    count.
    """
    path = tmp_path / "number"
    path.write_text("0")
    lock = mp.Lock()
    counters = [stage.enter(count, lock, str(path)) for _ in range(2)]
    for each in counters:
        each.expect("ready")
    for each in counters:
        each.cue("count")
    assert str(sum(each.returns() for each in counters)) == path.read_text()

    path.write_text("0")
    counters = [stage.enter(count_once_unlocked, str(path)) for _ in range(2)]
    for each in counters:
        each.expect("read")
    for each in counters:
        each.cue("write")
        each.returns()
    assert path.read_text() == "1"


def ask_when_cued(stage, lock):
    """Take the lock when cued, and keep it until cued again."""
    stage.wait_for_cue("ask")
    with lock:
        stage.say("inside")
        stage.wait_for_cue("leave")


@claim("lock.order-is-free", docs="multiprocessing.Lock")
def test_either_process_may_come_first(mp, stage, program):
    """Either of two processes may take the lock first, whichever was started first.

    Order is forced by cues, in both ways. The tutorial's sample prints its two lines in any
    order, so only which lines there are is looked at.
    """
    lock = mp.Lock()
    actors = [stage.enter(ask_when_cued, lock) for _ in range(2)]
    actors += [stage.enter(ask_when_cued, lock) for _ in range(2)]
    for place in (1, 0, 2, 3):
        actors[place].cue("ask")
        actors[place].expect("inside")
        actors[place].cue("leave")
        actors[place].returns()

    completed = program.run("sample_lock")
    assert completed.exitcode == 0, completed.errors
    assert sorted(completed.lines) == ["written between acquire and release", "written inside with"]


def hold_own_lock(stage):
    """Make a lock, and hold it until cued."""
    with stage.mp.Lock():
        stage.say("inside")
        stage.wait_for_cue("leave")


def hold(stage, lock):
    """Hold the lock that was handed over until cued."""
    stage.say("asking")
    with lock:
        stage.say("inside")
        stage.wait_for_cue("leave")


@claim("lock.per-process-lock-excludes-nobody", docs="multiprocessing#programming-guidelines")
def test_a_lock_of_its_own_keeps_nobody_out(mp, stage):
    """A lock excludes those it was handed to; one that each process makes itself excludes nobody.

    Both processes are inside locks of their own at the same time: one waits there for a cue
    until the other has come. With one lock, handed to both, the second is kept out.
    """
    own = [stage.enter(hold_own_lock) for _ in range(2)]
    for each in own:
        each.expect("inside")
    for each in own:
        each.cue("leave")
        each.returns()

    lock = mp.Lock()
    inside = stage.enter(hold, lock)
    inside.expect("inside")
    outside = stage.enter(hold, lock)
    outside.expect("asking")
    assert outside.does_not_say("inside"), "the lock that was handed over excludes nobody"
    inside.cue("leave")
    inside.returns()
    outside.expect("inside")
    outside.cue("leave")
    outside.returns()


def fail_inside_with(stage, lock, error):
    """Raise inside a with block; report whether the error came out of it."""
    try:
        with lock:
            raise {"error": ValueError, "exit": SystemExit}[error]
    except (ValueError, SystemExit):
        return True


def fail_before_release(stage, lock):
    """Raise between acquire and release, with nothing to see to the release."""
    try:
        lock.acquire()
        raise ValueError
        lock.release()
    except ValueError:
        return True


def try_for_a_beat(stage, lock):
    """Ask for the lock for one beat; report the answer."""
    admitted = lock.acquire(timeout=BEAT)
    if admitted:
        lock.release()
    return admitted


@claim("lock.with-releases-on-exception", docs="multiprocessing.Lock")
def test_with_releases_when_something_raises(mp, stage):
    """A with block releases its lock when something inside raises; acquire alone leaves it held.

    Both an error and the exit of the process are raised. The exception itself comes through.
    """
    lock = mp.Lock()
    for error in ("error", "exit"):
        assert stage.result_of(fail_inside_with, lock, error) is True
        assert stage.result_of(try_for_a_beat, lock), "the with block left the lock held"
    assert stage.result_of(fail_before_release, lock) is True
    assert not stage.result_of(try_for_a_beat, lock), "the lock was released by nobody"


def hand_over_a_lock_for_threads(stage):
    """Try to start a process with a lock for threads; report what came of it, and if it started.

    An actor does it: Windows has made the process before the lock is refused.
    """
    process = stage.mp.Process(target=hold, args=(stage, threading.Lock()))
    return result_or_error(process.start), process.pid is not None


@claim("lock.threading-lock-excludes-no-process", docs="threading.Lock", level=OBSERVED)
def test_a_lock_for_threads_keeps_no_process_out(mp, stage):
    """A threading.Lock excludes no process: it is copied by fork, and refused by the others.

    Forked processes are inside at the same time. Under spawn and forkserver start() raises
    what pickle raises for what it cannot pickle.
    """
    if mp.get_start_method() != "fork":
        error, started = stage.result_of(hand_over_a_lock_for_threads)
        assert error in ("TypeError", "PicklingError")  # which of them, is promised nowhere
        assert not started, "a threading.Lock was handed to another process"
        return

    lock = threading.Lock()
    both = [stage.enter(hold, lock) for _ in range(2)]
    for each in both:
        each.expect("inside")
    for each in both:
        each.cue("leave")
        each.returns()


GLOBALS = types.SimpleNamespace()


def hold_global(stage):
    """Hold the lock that is a global here until cued."""
    hold(stage, GLOBALS.lock)


@claim(
    "lock.global-shared-under-fork",
    docs="multiprocessing#programming-guidelines",
    methods=("fork",),
)
def test_a_global_lock_is_shared_with_forked_processes(mp, stage):
    """Under fork a lock that is a global is shared with children to whom nobody has handed it.

    The lock is made after the chapter was imported, so a child can have it from its parent only.
    """
    GLOBALS.lock = mp.Lock()
    try:
        both = [stage.enter(hold_global) for _ in range(2)]
        for each in both:
            each.expect("asking")
        inside = stage.first_to_say(both, "inside")
        both.remove(inside)
        assert both[0].does_not_say("inside"), "a second process got in"
        inside.cue("leave")
        inside.returns()
        both[0].expect("inside")
        both[0].cue("leave")
        both[0].returns()
    finally:
        del GLOBALS.lock


def take_twice(stage, lock):
    """Take a lock, and ask for it again, without waiting and for a beat; report the answers."""
    return [lock.acquire(), lock.acquire(False), lock.acquire(True, BEAT)]


@claim("lock.not-recursive", docs="multiprocessing.Lock")
def test_the_owner_of_a_lock_cannot_take_it_again(mp, stage):
    """Who has taken a Lock and asks for it again has to wait as all others have.

    It is so with a thread and threading.Lock, too.
    """
    for by, lock in ((threading.Thread, threading.Lock()), (mp.Process, mp.Lock())):
        assert stage.result_of(take_twice, lock, by=by) == [True, False, False]


def take(stage, lock):
    """Take the lock, if it is free, and end without releasing it."""
    return lock.acquire(False)


def release(stage, lock):
    """Release a lock that somebody else has taken."""
    return result_or_error(lock.release)


@claim("lock.anyone-may-release", docs="multiprocessing.Lock.release")
def test_a_lock_may_be_released_by_another_than_who_took_it(mp, stage):
    """Any process or thread may release a Lock, whoever has taken it; then it is free.

    What one process has taken another releases, parent and child in both ways, and a thread
    releases what another thread of its process has taken, as in threading.
    """
    for lock, *others in (
        (threading.Lock(), threading.Thread),
        (mp.Lock(), mp.Process, threading.Thread),
    ):
        for by in others:
            assert lock.acquire(False)
            assert stage.result_of(release, lock, by=by) is None
        assert lock.acquire(False), "it is not free"
        assert not lock.acquire(False), "it is free twice"

    lock = mp.Lock()
    assert stage.result_of(take, lock) is True
    assert not lock.acquire(False), "the child has not taken it"
    assert result_or_error(lock.release) is None
    assert lock.acquire(False), "it is not free"


def release_too_often(stage, lock):
    """Release a lock that is free, take it and ask again, release it twice; report all answers."""
    return [
        result_or_error(lock.release),
        lock.acquire(False),
        lock.acquire(False),
        result_or_error(lock.release),
        result_or_error(lock.release),
    ]


@claim("lock.releasing-unlocked-fails", docs="multiprocessing.Lock.release")
def test_a_free_lock_cannot_be_released(mp, stage):
    """To release a Lock that is free raises ValueError, and leaves it free for one only.

    Here parity ends: threading raises RuntimeError. It is the same in the process that made the
    lock and in another.
    """
    lock = mp.Lock()
    observed = {
        "a process": stage.result_of(release_too_often, lock),
        "a thread": stage.result_of(release_too_often, lock, by=threading.Thread),
        "threading": stage.result_of(release_too_often, threading.Lock(), by=threading.Thread),
    }
    assert observed == {
        "a process": ["ValueError", True, False, None, "ValueError"],
        "a thread": ["ValueError", True, False, None, "ValueError"],
        "threading": ["RuntimeError", True, False, None, "RuntimeError"],
    }
    assert [lock.acquire(False), lock.acquire(False)] == [True, False]


def look_when_cued(stage, locks):
    """Whenever cued, look whether each lock is held, and tell."""
    for _ in range(3):
        stage.wait_for_cue("look")
        stage.say("seen", [lock.locked() for lock in locks])


@claim("lock.locked-tells-if-held", docs="multiprocessing.Lock.locked", since="3.14")
def test_locked_tells_whether_somebody_holds_the_lock(mp, stage):
    """locked tells of a Lock and an RLock whether it is held, whoever holds it and whoever asks.

    One process takes and releases them; it and another one look before, meanwhile and after.
    """
    locks = [mp.Lock(), mp.RLock()]
    looking = stage.enter(look_when_cued, locks)

    def seen():
        looking.cue("look")
        return [lock.locked() for lock in locks], looking.expect("seen")

    assert seen() == ([False, False], [False, False])
    for lock in locks:
        assert lock.acquire(False)
    assert seen() == ([True, True], [True, True])
    for lock in locks:
        lock.release()
    assert seen() == ([False, False], [False, False])
    looking.returns()


@claim("lock.factory-not-class", docs="multiprocessing.Lock")
def test_lock_makes_locks_and_is_no_class(mp):
    """Lock and RLock are functions that make locks, not classes; isinstance refuses them.

    The classes are those of the sub-module synchronize. As with threading's, the name after
    "with lock as" is bound to True, not to the lock.
    """
    for make, name in ((mp.Lock, "Lock"), (mp.RLock, "RLock")):
        lock = make()
        assert result_or_error(isinstance, lock, make) == "TypeError"
        assert type(lock) is getattr(submodule("synchronize"), name)
        with lock as bound:
            assert bound is True


def ask_for_a_beat(stage, lock):
    """Ask for the lock for one beat; report the answer and how long it took."""
    with stage.span("asking") as asking:
        admitted = lock.acquire(timeout=BEAT)
    return admitted, asking.seconds


def wait_for(stage, lock, timeout):
    """Ask for the lock and wait so long; report the answer."""
    stage.say("asking")
    admitted = lock.acquire(True, timeout)
    stage.say("answered")
    return admitted


@claim("lock.timeout-returns-false", docs="multiprocessing.Lock.acquire")
def test_acquire_gives_up_when_its_time_out_has_passed(mp, stage):
    """acquire(timeout=...) returns False when the time has passed; True if free before that.

    One who waits for long gets the lock when it is released, far from the end of the time.
    """
    locks = [mp.Lock(), mp.RLock()]
    for lock in locks:
        assert lock.acquire(False)
    asking = [stage.enter(ask_for_a_beat, lock) for lock in locks]
    for each in asking:
        admitted, waited = each.returns()
        assert admitted is False
        assert waited >= BEAT - TICK, "it did not wait"

    waiting = [stage.enter(wait_for, lock, 10 * stage.patience) for lock in locks]
    for each in waiting:
        each.expect("asking")
    assert stage.none_says(waiting, "answered"), "who waits for long was answered at once"
    for lock in locks:
        lock.release()
    assert [each.returns() for each in waiting] == [True, True]


@claim("lock.none-timeout-is-forever", docs="multiprocessing.Lock.acquire")
def test_a_time_out_of_none_means_for_ever(mp, stage):
    """With a time-out of None, acquire waits until the lock is free; threading says -1 for that.

    Here parity ends: None is a TypeError there. Both wait for a beat at least, and get the lock
    when it is released.
    """
    for by, lock, forever in (
        (threading.Thread, threading.Lock(), -1),
        (mp.Process, mp.Lock(), None),
    ):
        assert lock.acquire(False)
        waiting = stage.enter(wait_for, lock, forever, by=by)
        waiting.expect("asking")
        assert waiting.does_not_say("answered"), "it was answered while the lock was held"
        lock.release()
        assert waiting.returns() is True
    assert result_or_error(threading.Lock().acquire, True, None) == "TypeError"


def ask_each(stage, locks, calls, times=1):
    """Make each call on each of the held locks, ``times`` times; report the common answers."""
    with stage.span("asking"):
        for _ in range(times):
            answers = {call: [answer(stage, call, lock) for lock in locks] for call in calls}
    return {call: each[0] if len(set(each)) == 1 else each for call, each in answers.items()}


def answer(stage, call, lock):
    """What the call returns or raises; "long" is ten times as long as any claim waits."""
    return result_or_error(CALLS[call], lock, 10 * stage.patience)


CALLS = {
    "acquire(False)": lambda lock, long: lock.acquire(False),
    "acquire(block=False)": lambda lock, long: lock.acquire(block=False),
    "acquire(blocking=False)": lambda lock, long: lock.acquire(blocking=False),
    "acquire(True, 0)": lambda lock, long: lock.acquire(True, 0),
    "acquire(True, -1)": lambda lock, long: lock.acquire(True, -1),
    "acquire(True, -long)": lambda lock, long: lock.acquire(True, -long),
    "acquire(False, long)": lambda lock, long: lock.acquire(False, long),
}


def hold_each(*locks):
    """Hold each of the locks here; returns them."""
    for lock in locks:
        assert lock.acquire(False)
    return list(locks)


@claim("lock.non-blocking-acquire-never-waits", docs="multiprocessing.Lock.acquire")
def test_a_held_lock_refuses_a_non_blocking_acquire_at_once(mp, stage):
    """acquire(block=False) on a held Lock or RLock returns False at once.

    "At once" has a witness: at some beat, fifty calls on each take less than the beat.
    """
    locks = hold_each(mp.Lock(), mp.RLock())

    def answers_fifty_times(beat):
        asking = stage.enter(ask_each, locks, ["acquire(False)"], 50)
        assert asking.returns() == {"acquire(False)": False}
        return asking.spans["asking"].seconds < beat

    assert stage.at_some_beat(answers_fifty_times), "it returns False, but not at once"


@claim("lock.negative-timeout-is-zero", docs="multiprocessing.Lock.acquire")
def test_a_negative_timeout_counts_as_zero(mp, stage):
    """A negative timeout counts as 0: acquire() on a held lock returns False without waiting.

    Unlike threading, where -1 waits forever and other negative values raise ValueError. A wait
    of the absolute value would exceed every patience.
    """
    calls = ["acquire(True, 0)", "acquire(True, -1)", "acquire(True, -long)"]
    locks = hold_each(mp.Lock(), mp.RLock())
    assert stage.result_of(ask_each, locks, calls) == dict.fromkeys(calls, False)

    locks = hold_each(threading.Lock(), threading.RLock())
    calls.remove("acquire(True, -1)")  # it would wait forever
    assert stage.result_of(ask_each, locks, calls, by=threading.Thread) == {
        "acquire(True, 0)": False,
        "acquire(True, -long)": "ValueError",
    }


@claim("lock.non-blocking-ignores-timeout", docs="multiprocessing.Lock.acquire")
def test_a_non_blocking_acquire_ignores_its_timeout(mp, stage):
    """acquire(False, timeout) ignores its timeout; in threading it raises ValueError."""
    calls = ["acquire(False, long)"]
    locks = hold_each(mp.Lock(), mp.RLock())
    assert stage.result_of(ask_each, locks, calls) == {"acquire(False, long)": False}

    locks = hold_each(threading.Lock(), threading.RLock())
    observed = stage.result_of(ask_each, locks, calls, by=threading.Thread)
    assert observed == {"acquire(False, long)": "ValueError"}


@claim("lock.parameter-named-block", docs="multiprocessing.Lock.acquire")
def test_the_first_parameter_of_acquire_is_block(mp, stage):
    """The first parameter of acquire() is named block; in threading it is named blocking."""
    calls = ["acquire(block=False)", "acquire(blocking=False)"]
    locks = hold_each(mp.Lock(), mp.RLock())
    assert stage.result_of(ask_each, locks, calls) == {
        "acquire(block=False)": False,
        "acquire(blocking=False)": "TypeError",
    }

    locks = hold_each(threading.Lock(), threading.RLock())
    assert stage.result_of(ask_each, locks, calls, by=threading.Thread) == {
        "acquire(block=False)": "TypeError",
        "acquire(blocking=False)": False,
    }


@claim("semaphore.acquire-follows-lock-rules", docs="multiprocessing.Semaphore")
def test_semaphores_answer_acquire_as_locks_do(mp, stage):
    """Semaphore.acquire() and BoundedSemaphore.acquire() treat block and timeout as Lock does.

    All are held by the test. In threading, semaphores take a negative timeout as 0, which its
    locks do not.
    """
    locks = hold_each(mp.Lock())
    semaphores = hold_each(mp.Semaphore(), mp.BoundedSemaphore())
    answers = stage.result_of(ask_each, semaphores, list(CALLS))
    assert answers == stage.result_of(ask_each, locks, list(CALLS))
    assert answers == dict.fromkeys(CALLS, False) | {"acquire(blocking=False)": "TypeError"}

    semaphores = hold_each(threading.Semaphore(), threading.BoundedSemaphore())
    calls = ["acquire(True, -1)", "acquire(True, -long)"]
    observed = stage.result_of(ask_each, semaphores, calls, by=threading.Thread)
    assert observed == dict.fromkeys(calls, False)
