"""Lock: one at a time.

A lock is held by one process at a time; the others wait. It is held either for the length of a
``with`` block or from ``acquire`` to ``release``. Only the first is safe when something in
between raises.

A lock excludes those who hold that very lock, so it must be handed over as an argument. A lock
that each process makes for itself, or a lock for threads, excludes no other process.

That nobody else is inside cannot be seen from a line appended to a file: such a line is written
at once, with a lock or without. The proofs here write a record in two halves, with a cue in
between, or read a number and write it back.
"""

import pickle
import threading
import time

from spec.kit import BEAT, TICK, claim


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
        assert outside.holds_back("inside"), "a second process got in"
        inside.cue("go on")
        inside.returns()
        outside.expect("inside")
        outside.cue("go on")
        outside.returns()
        names = [line.split() for line in path.read_text().splitlines()]
        assert [word for _, word in names] == ["begins", "ends", "begins", "ends"]
        assert names[0][0] == names[1][0]

    path = tmp_path / "unlocked"
    both = [stage.enter(write_unlocked, str(path)) for _ in range(2)]
    for each in both:
        each.expect("inside")
    for each in both:
        each.cue("go on")
        each.returns()
    torn = [line.split()[1] for line in path.read_text().splitlines()]
    assert torn == ["begins", "begins", "ends", "ends"]


def count(stage, lock, path, times):
    """Add one to the number in a file, again and again."""
    stage.wait_for_cue("count")
    for _ in range(times):
        with lock, open(path, "r+") as file:
            number = int(file.read())
            file.seek(0)
            time.sleep(TICK / 20)  # leave the other time to come in between
            file.write(str(number + 1))


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

    Two processes count to fifty each, from the same moment on. The control, without the lock
    and in an order forced by cues, loses a count.
    """
    path = tmp_path / "number"
    path.write_text("0")
    lock = mp.Lock()
    counters = [stage.enter(count, lock, str(path), 50) for _ in range(2)]
    for each in counters:
        each.cue("count")
    for each in counters:
        each.returns()
    assert path.read_text() == "100"

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

    outcome = program.run("sample_lock")
    assert outcome.exitcode == 0, outcome.errors
    assert sorted(outcome.lines) == ["written between acquire and release", "written inside with"]


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
    assert outside.holds_back("inside"), "the lock that was handed over excludes nobody"
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
        assert stage.play(fail_inside_with, lock, error) is True
        assert stage.play(try_for_a_beat, lock), "the with block left the lock held"
    assert stage.play(fail_before_release, lock) is True
    assert not stage.play(try_for_a_beat, lock), "the lock was released by nobody"


@claim("lock.threading-lock-excludes-no-process", docs="multiprocessing#programming-guidelines")
def test_a_lock_for_threads_keeps_no_process_out(mp, stage):
    """A threading.Lock excludes no process: it is copied by fork, and refused by the others.

    Forked processes are inside at the same time. Under spawn and forkserver start() raises
    what pickle raises for what it cannot pickle.
    """
    lock = threading.Lock()
    if mp.get_start_method() != "fork":
        refused = stage.cast(hold, lock).process
        try:
            refused.start()
        except (TypeError, pickle.PicklingError):  # which of them, is promised nowhere
            assert refused.pid is None
            return
        raise AssertionError("a threading.Lock was handed to another process")

    both = [stage.enter(hold, lock) for _ in range(2)]
    for each in both:
        each.expect("inside")
    for each in both:
        each.cue("leave")
        each.returns()
