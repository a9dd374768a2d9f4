"""Actors of the tests of the house. Children import this module, so it imports next to nothing."""

import os
import signal
import sys
import time


def noop(*_):
    """Do nothing: an actor, or the target of a bare child."""


def loaded(_):
    """Tell which modules this child has loaded."""
    return sorted(sys.modules)


def write_loaded(path):
    """The target of a bare child: write down which modules it has loaded."""
    names = sorted(sys.modules)
    with open(path, "w", encoding="utf-8") as file:  # noqa: PTH123
        file.write("\n".join(names))


def exit_without_a_word(_, code):
    """End at once, as a crash does."""
    os._exit(code)


def stubborn(stage):
    """Ignore SIGTERM and wait for a cue that never comes."""
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    stage.say("stubborn")
    stage.wait_for_cue("never")


def waiter(stage):
    """Wait for a cue."""
    stage.say("here")
    stage.wait_for_cue("go")
    return "gone on"


def say_when_cued(stage):
    """Say when cued that this is here."""
    stage.wait_for_cue("go")
    stage.say("here")


def parent(stage):
    """Have a child that sleeps, and say which."""
    child = stage.mp.Process(target=time.sleep, args=(600,))
    child.start()
    stage.say("child", child.pid)
    stage.wait_for_cue("never")


def start(stage, ticket):
    """Start a nested actor and wait for its end."""
    stage.start(ticket).join(stage.patience)
    return os.getpid()


def start_and_crash(stage, ticket):
    """Start a nested actor and end at once."""
    stage.start(ticket)
    os._exit(1)


def raiser(stage):
    """Wait for a cue, then raise."""
    stage.wait_for_cue("raise")
    raise LookupError("a reason")


def timekeeper(stage):
    """Read the clock all along a short sleep."""
    with stage.span("sleeping"):
        time.sleep(0.01)
