"""Actors for the project's own tests. Children import this module, so it imports little."""

import os
import signal
import sys
import time


def noop(*_):
    """Do nothing: an actor, or the target of a child without the kit."""


def loaded(_):
    """Return the names of the modules that this child has loaded."""
    return sorted(sys.modules)


def write_loaded(path):
    """Write the names of the modules that this child has loaded: a target without the kit."""
    names = sorted(sys.modules)
    with open(path, "w", encoding="utf-8") as file:  # noqa: PTH123
        file.write("\n".join(names))


def exit_without_a_word(_, code):
    """Exit at once, as in a crash."""
    os._exit(code)


def stubborn(stage):
    """Ignore SIGTERM and wait for a cue that never comes."""
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    stage.say("stubborn")
    stage.wait_for_cue("never")


def waiter(stage):
    """Wait for the cue "go"."""
    stage.say("here")
    stage.wait_for_cue("go")
    return "gone on"


def hang(stage):
    """Say a word, and sleep for too long."""
    stage.say("asleep")
    time.sleep(2)


def say_when_cued(stage):
    """Say "here" when cued."""
    stage.wait_for_cue("go")
    stage.say("here")


def parent(stage):
    """Start a child that sleeps, and report its PID."""
    child = stage.mp.Process(target=time.sleep, args=(600,))
    child.start()
    stage.say("child", child.pid)
    stage.wait_for_cue("never")


def start(stage, ticket):
    """Start a nested actor and wait for its end."""
    stage.start(ticket).join(stage.patience)
    return os.getpid()


def start_and_crash(stage, ticket):
    """Start a nested actor and exit at once."""
    stage.start(ticket)
    os._exit(1)


def raiser(stage):
    """Wait for a cue, then raise."""
    stage.wait_for_cue("raise")
    raise LookupError("a reason")


def timekeeper(stage):
    """Report the span of a short sleep."""
    with stage.span("sleeping"):
        time.sleep(0.01)
