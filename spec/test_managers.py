"""Manager: objects that all processes share.

A manager is a process that holds ordinary objects. What others hold are proxies, which pass on
to it whatever is asked of them, so all see the same list and the same dict. The proxies are of
use as long as the manager lives: until the end of its ``with`` block.
"""

from spec.kit import OBSERVED, claim

NEEDS = ("addresses",)


def note(items, table, number):
    """Write a number where it belongs in the list, and over the last one's in the dict."""
    items[number] = number
    table["a"] = number


def host(stage):
    """Have five processes write to a managed list and dict; report both."""
    with stage.mp.Manager() as manager:
        items = manager.list(range(5, 10))
        table = manager.dict()
        writers = [
            stage.mp.Process(target=note, args=(items, table, number)) for number in range(5)
        ]
        for writer in writers:
            writer.start()
        for writer in writers:
            writer.join(stage.patience)
        return list(items), dict(table), str(items)


@claim("manager.list-and-dict-are-shared", docs="multiprocessing#sharing-state-between-processes")
def test_five_processes_write_to_one_list_and_one_dict(mp, stage):
    """What processes write to a managed list and dict, all of them see.

    Each of five processes writes its own number into the list, and all of them write to the same
    key. Who writes last is not known; that it is one of them is. The manager is held by an actor,
    since to make one may take for ever.
    """
    items, table, text = stage.result_of(host)
    assert items == [0, 1, 2, 3, 4]
    assert text == "[0, 1, 2, 3, 4]"
    assert list(table) == ["a"]
    assert table["a"] in range(5)


def outlive(stage):
    """Keep proxies beyond the end of their manager; report what they are good for then."""
    with stage.mp.Manager() as manager:
        items = manager.list([1, 2])
        table = manager.dict(a=1)
        stage.say("inside", items[0], table["a"], str(items))
    return [error_of(lambda: items[0]), error_of(lambda: table["a"]), error_of(items.append, 3)], (
        str(items)
    )


def error_of(call, *args):
    """Whether the call raises OSError; its value if it raises nothing."""
    try:
        return call(*args)
    except OSError:
        return "OSError"


@claim(
    "manager.proxies-die-with-manager",
    docs="multiprocessing.managers.BaseManager.shutdown",
    level=OBSERVED,
)
def test_proxies_are_of_no_use_after_the_with_block(mp, stage):
    """After the manager's with block its proxies raise OSError, and str() of one says it failed.

    Which OSError it is depends on how far the connection had come.
    """
    actor = stage.enter(outlive)
    assert actor.expect("inside") == (1, 1, "[1, 2]")
    answers, text = actor.returns()
    assert answers == ["OSError", "OSError", "OSError"]
    assert "failed" in text
    assert "[1, 2]" not in text
