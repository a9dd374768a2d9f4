"""Arguments: what crosses the boundary between two processes.

Nothing is shared by itself. What is passed as ``args`` reaches the child as a copy: made by the
fork of the whole memory, or by pickling.
"""

import threading

from spec.kit import claim


def receive(stage, gift):
    """Report the gift as it came, then change it and report it again."""
    stage.say("came", dict(gift), list(gift["inner"]))
    gift["new"] = True
    gift["inner"].append("changed")
    return gift


@claim("argument.arrives-as-copy", docs="multiprocessing#exchanging-objects-between-processes")
def test_an_argument_arrives_as_an_equal_copy(mp, stage):
    """An argument arrives as an equal copy: to change it, at any depth, leaves the original alone.

    A thread, the control, is given the object itself.
    """
    gift = {"inner": ["given"]}
    actor = stage.enter(receive, gift)
    assert actor.expect("came") == ({"inner": ["given"]}, ["given"])
    assert actor.returns() == {"inner": ["given", "changed"], "new": True}
    assert gift == {"inner": ["given"]}, "the original has changed"

    stage.enter(receive, gift, by=threading.Thread).returns()
    assert gift == {"inner": ["given", "changed"], "new": True}
