"""Manager: objects that processes share through a server.

A manager is a process that holds ordinary objects, such as lists and dicts. The other processes
have proxies, which pass each call on to the manager, so all of them work with the same object.
Use it for objects of any type that do not fit into shared memory; it is slower, since each access
is a message there and back.

Some points surprise people. A proxy works only as long as its manager: until ``shutdown()``, or
the end of its ``with`` block. And single calls are complete, but two calls one after the other
are not protected from other processes in between.

In the proofs an actor has the manager, since starting one might take forever.
"""

from spec.kit import OBSERVED, claim

NEEDS = ("addresses",)


def write_number(items, table, number):
    """Write a number to its place in the list, and to the same key of the dict as all others."""
    items[number] = number
    table["a"] = number


def have_five_write(stage):
    """Have five processes write to a managed list and dict; report both."""
    with stage.mp.Manager() as manager:
        items = manager.list(range(5, 10))
        table = manager.dict()
        writers = [
            stage.mp.Process(target=write_number, args=(items, table, number))
            for number in range(5)
        ]
        for writer in writers:
            writer.start()
        for writer in writers:
            writer.join(stage.patience)
        return {"list": list(items), "dict": dict(table), "str(list)": str(items)}


@claim("manager.list-and-dict-are-shared", docs="multiprocessing#sharing-state-between-processes")
def test_five_processes_write_to_one_list_and_one_dict(mp, stage):
    """Processes that have proxies of a managed list or dict all write to the same object.

    Each of five processes writes its own number into the list, and all of them write to one key
    of the dict. It is not known which of them writes last, but its number is there.
    """
    observed = stage.result_of(have_five_write)
    assert observed["list"] == [0, 1, 2, 3, 4]
    assert observed["str(list)"] == "[0, 1, 2, 3, 4]"
    assert list(observed["dict"]) == ["a"]
    assert observed["dict"]["a"] in range(5)


def value_or_os_error(call, *args):
    """The value of a call, or "OSError" if it raises that or a subclass of it."""
    try:
        return call(*args)
    except OSError:
        return "OSError"


def use_proxies_after_manager(stage):
    """Report what proxies are good for while their manager lives, and after that."""
    with stage.mp.Manager() as manager:
        items = manager.list([1, 2])
        table = manager.dict(a=1)
        stage.say("inside", {"list": items[0], "dict": table["a"], "str(list)": str(items)})
    return {
        "list": value_or_os_error(lambda: items[0]),
        "dict": value_or_os_error(lambda: table["a"]),
        "append()": value_or_os_error(items.append, 3),
        "str(list)": str(items),
    }


@claim(
    "manager.proxies-die-with-manager",
    docs="multiprocessing.managers.BaseManager.shutdown",
    level=OBSERVED,
)
def test_proxies_do_not_work_after_the_with_block(mp, stage):
    """After a manager's with block its proxies raise OSError, and str(proxy) says "failed".

    Which subclass of OSError it is depends on how far the connection has come.
    """
    actor = stage.enter(use_proxies_after_manager)
    assert actor.expect("inside") == {"list": 1, "dict": 1, "str(list)": "[1, 2]"}
    afterwards = actor.returns()
    text = afterwards.pop("str(list)")
    assert afterwards == {"list": "OSError", "dict": "OSError", "append()": "OSError"}
    assert "failed" in text
    assert "[1, 2]" not in text
