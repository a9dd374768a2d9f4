"""Stopping a process from outside.

A process can be ended by another: ``terminate`` asks it to end, ``kill`` does not ask. Threads
have nothing of the kind: they share their memory with the others, and one that was torn out of
its work would leave that memory in pieces.
"""

import threading

from spec.kit import claim


def endless(stage):
    """Wait for a cue that never comes."""
    stage.say("waiting")
    stage.wait_for_cue("never")


@claim("stop.threads-have-no-terminate", docs="multiprocessing.Process.terminate")
def test_a_process_can_be_stopped_from_outside_and_a_thread_cannot(mp, stage):
    """A Process has terminate and kill, which end it; a Thread has neither."""
    for stop in ("terminate", "kill"):
        actor = stage.enter(endless)
        actor.expect("waiting")
        getattr(actor.process, stop)()
        assert actor.ends() != 0
        assert not hasattr(threading.Thread, stop)
