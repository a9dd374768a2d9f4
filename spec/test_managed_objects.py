"""Managed objects: namespaces, values, sets, queues and pools in a manager.

A manager makes more than lists and dicts. A ``Namespace`` is an object for attributes; a
``Value`` is a box for one object; ``Array``, ``Queue`` and ``Pool`` are what their names say. They
are slower than what the package offers under the same names. But their proxies can be sent
anywhere, to the tasks of a pool too, and they work where the system has no semaphores.

The manager's process holds ordinary objects, a ``queue.Queue`` or an ``array.array``. So they
behave as those do, and not as ``multiprocessing.Queue`` or ``Array``: an item is in a queue when
``put()`` returns, and a ``Value`` or ``Array`` has no lock.

In the proofs an actor has the manager, since starting one might take forever.
"""

import os
import queue

from spec.kit import OBSERVED, claim, result_or_error
from spec.kit.managing import lend_to

NEEDS = ("addresses",)


def use_namespace_in_child(stage, space):
    """Read, set and delete attributes of a namespace; report what was there."""
    seen = space.x, space.y
    space.x = "child's"
    space.new = [1]
    space._own = "child's"
    del space.y
    return seen, result_or_error(lambda: space.y), hasattr(space, "y")


def use_namespace(stage, ticket):
    """Set attributes of a namespace, have a child change them; report what is there then."""
    with stage.mp.Manager() as manager:
        space = manager.Namespace()
        space.x, space.y = 10, "hello"
        space._own = "creator's"
        before = str(space)
        stage.start((*ticket, space)).join(stage.patience)
        another = manager.list([space])[0]  # a second proxy of the same namespace
        del space.x
        return {
            "str() before": before,
            "str()": str(space),
            "x": (result_or_error(lambda: space.x), result_or_error(lambda: another.x)),
            "y": result_or_error(lambda: space.y),
            "new": (space.new, another.new),
            "_own": (space._own, result_or_error(lambda: another._own)),
        }


@claim("manager.namespace-shares-public-attributes", docs="multiprocessing.managers.Namespace")
def test_attributes_of_a_namespace_are_shared(mp, stage):
    """Attributes of a managed Namespace can be set and deleted, and all its proxies show the same.

    str() shows them. A child reads, sets and deletes some; a missing one raises AttributeError.
    """
    child = stage.nested(use_namespace_in_child)
    observed = stage.result_of(use_namespace, child.ticket)
    assert child.returns() == ((10, "hello"), "AttributeError", False)
    del observed["_own"]
    assert observed == {
        "str() before": "Namespace(x=10, y='hello')",
        "str()": "Namespace(new=[1])",
        "x": ("AttributeError", "AttributeError"),
        "y": "AttributeError",
        "new": ([1], [1]),
    }


@claim("manager.namespace-underscore-stays-local", docs="multiprocessing.managers.Namespace")
def test_an_attribute_with_an_underscore_belongs_to_the_proxy(mp, stage):
    """An attribute of a Namespace proxy that begins with "_" is the proxy's own and is not shared.

    A parent does not see the one that its child sets, and another proxy in the parent has no such
    attribute.
    """
    observed = stage.result_of(use_namespace, stage.nested(use_namespace_in_child).ticket)
    assert observed["_own"] == ("creator's", "AttributeError")
    assert "_own" not in observed["str()"]


def change_attribute_in_place(stage):
    """Change a list in a namespace in place, and by assignment."""
    with stage.mp.Manager() as manager:
        space = manager.Namespace(names=[])
        space.names.append("Ann")
        in_place = space.names
        space.names += ["Ann"]
        return in_place, space.names


@claim(
    "manager.namespace-in-place-change-lost",
    docs="multiprocessing.managers.SyncManager.Namespace",
)
def test_an_attribute_changed_in_place_is_a_copy(mp, stage):
    """Changing an attribute of a managed Namespace in place is lost; assigning it again is not.

    Each access brings a copy, as with elements of a managed list.
    """
    assert stage.result_of(change_attribute_in_place) == ([], ["Ann"])


def keep_in_value(stage):
    """Keep objects of several types in a managed value made for integers."""
    with stage.mp.Manager() as manager:
        box = manager.Value("i", 1)
        found = [(box.value, box.get())]
        for each in ("text", None, {"a": [1]}):
            box.value = each
            found.append((box.value, box.get()))
        box.set(2.5)
        names = [name for name in ("get_lock", "get_obj") if hasattr(box, name)]
        return [*found, box.value], str(box), names


@claim(
    "manager.value-holds-any-object",
    docs="multiprocessing.managers.SyncManager.Value",
    level=OBSERVED,
)
def test_a_managed_value_holds_any_object(mp, stage):
    """A managed Value holds any object, whatever its typecode; it has no get_lock() or get_obj().

    Unlike multiprocessing.Value, whose type is fixed.
    """
    found, text, names = stage.result_of(keep_in_value)
    values = [1, "text", None, {"a": [1]}]
    assert found == [*((value, value) for value in values), 2.5]
    assert text == "Value('i', 2.5)"
    assert names == []


def one_when_cued(stage):
    """Say "read", and return 1 at the cue "write"."""
    stage.say("read")
    stage.wait_for_cue("write")
    return 1


def add_one_when_cued(stage, box):
    """Add 1 to a value: read it, wait for the cue "write", and write."""
    box.value += one_when_cued(stage)


@claim(
    "manager.value-is-unlocked-box",
    docs="multiprocessing.managers.SyncManager.Value",
    level=OBSERVED,
)
def test_increments_of_a_managed_value_can_be_lost(mp, stage):
    """A managed Value has no lock: two processes that do value += 1 at once can lose one increment.

    Both have read the value before the first of them writes: it is 1 in the end.
    """
    lender, both = lend_to(
        stage, "Value", ("i", 0), add_one_when_cued, add_one_when_cued, last="get"
    )
    for each in both:
        each.expect("read")
    for each in both:
        each.returns(cue="write")
    assert lender.returns() == 1


def change_array(stage, numbers):
    """Change an item of a managed array."""
    numbers[0] = 7


def use_array(stage, ticket):
    """Use a managed array of integers, and have a child use it; report its items and errors."""
    with stage.mp.Manager() as manager:
        numbers = manager.Array("i", range(3))
        stage.start((*ticket, numbers)).join(stage.patience)
        return {
            "items": list(numbers),
            "len()": len(numbers),
            "[1:]": list(numbers[1:]),
            "= 'a'": result_or_error(numbers.__setitem__, 1, "a"),
            "= 2 ** 80": result_or_error(numbers.__setitem__, 1, 2**80),
            "[3]": result_or_error(numbers.__getitem__, 3),
            "left": list(numbers),
            "get_lock": hasattr(numbers, "get_lock"),
        }


@claim("manager.array-holds-typed-items", docs="multiprocessing.managers.SyncManager.Array")
def test_a_managed_array_takes_items_of_its_type(mp, stage):
    """A managed Array shares items of its typecode and refuses other items, as array.array does.

    Unlike multiprocessing.Array it has no get_lock().
    """
    child = stage.nested(change_array)
    assert stage.result_of(use_array, child.ticket) == {
        "items": [7, 1, 2],
        "len()": 3,
        "[1:]": [1, 2],
        "= 'a'": "TypeError",
        "= 2 ** 80": "OverflowError",
        "[3]": "IndexError",
        "left": [7, 1, 2],
        "get_lock": False,
    }
    child.returns()


def use_set_in_child(stage, items):
    """Add to a managed set and remove from it; report what it holds when iterated."""
    items.add("child's")
    items.discard(1)
    return sorted(items, key=str)


def use_set(stage, ticket):
    """Use a managed set, and have a child use it; report what came of it."""
    with stage.mp.Manager() as manager:
        items = before = manager.set([1, 2, 2])
        start = items.copy()
        stage.start((*ticket, items)).join(stage.patience)
        items |= {3}
        items -= {2}
        return {
            "at the start": start,
            "at the end": items.copy(),
            "in": ["child's" in items, 1 in items],
            "len()": len(items),
            "& | - ^": [items & {3, 4}, items | {4}, {3, 4} - items, items ^ {3}],
            "<=": items <= {3, 4, "child's"},
            "is the same proxy": items is before,
            "remove()": result_or_error(items.remove, 9),
        }


@claim("manager.set-is-shared", docs="multiprocessing.managers.SyncManager.set", since="3.14")
def test_a_managed_set_is_shared(mp, stage):
    """Manager().set() is a shared set: it takes contents, and all processes see each change.

    A child adds and removes; |= and -= change the managed set in place.
    """
    child = stage.nested(use_set_in_child)
    assert stage.result_of(use_set, child.ticket) == {
        "at the start": {1, 2},
        "at the end": {"child's", 3},
        "in": [True, False],
        "len()": 2,
        "& | - ^": [{3}, {"child's", 3, 4}, {4}, {"child's"}],
        "<=": True,
        "is the same proxy": True,
        "remove()": "KeyError",
    }
    assert child.returns() == [2, "child's"]


def use_newer_methods(stage):
    """Use the methods of managed lists and dicts that came with Python 3.14."""
    with stage.mp.Manager() as manager:
        items, table = manager.list([1, 2]), manager.dict(a=1)
        before = table
        copied = items.copy()
        items.clear()
        union = table | {"b": 2}, {"b": 2} | table
        table |= {"b": 3}
        return {
            "list copy()": copied,
            "list clear()": items[:],
            "dict |": union,
            "dict |=": (table is before, table.copy()),
            "dict reversed()": list(reversed(table)),
            "dict fromkeys()": table.fromkeys("xy", 0),
        }


@claim(
    "manager.list-copy-and-dict-union",
    docs="multiprocessing.managers.SyncManager.list",
    since="3.14",
)
def test_lists_copy_and_dicts_unite(mp, stage):
    """List proxies have copy() and clear(), dict proxies fromkeys(), reversed(), | and |=.

    copy(), fromkeys() and | return plain copies, and |= changes the managed dict in place.
    """
    assert stage.result_of(use_newer_methods) == {
        "list copy()": [1, 2],
        "list clear()": [],
        "dict |": ({"a": 1, "b": 2}, {"b": 2, "a": 1}),
        "dict |=": (True, {"a": 1, "b": 3}),
        "dict reversed()": ["b", "a"],
        "dict fromkeys()": {"x": 0, "y": 0},
    }


def use_queue_of_two(made):
    """Use a queue for two items; the results, and the methods that it does not have."""
    return {
        "empty()": made.empty(),
        "put()": [made.put("a"), made.put("b", False)],
        "full()": made.full(),
        "qsize()": made.qsize(),
        "put(timeout=0)": result_or_error(made.put, "c", True, 0),
        "put_nowait()": result_or_error(made.put_nowait, "c"),
        "put(timeout=-1)": result_or_error(made.put, "c", True, -1),
        "get()": [made.get(), made.get(timeout=1)],
        "get(False)": result_or_error(made.get, False),
        "get_nowait()": result_or_error(made.get_nowait),
        "get(timeout=-1)": result_or_error(made.get, True, -1),
        "task_done()": [made.task_done(), made.task_done()],
        "task_done() too often": result_or_error(made.task_done),
        "join()": made.join(),
        "missing": [name for name in ("close", "join_thread") if not hasattr(made, name)],
    }


def use_managed_queues(stage):
    """Use managed queues and a queue.Queue; report the results of each."""
    with stage.mp.Manager() as manager:
        makers = manager.Queue, manager.JoinableQueue, queue.Queue
        return [use_queue_of_two(make(2)) for make in makers]


@claim("manager.queue-follows-queue-module", docs="multiprocessing.managers.SyncManager.Queue")
def test_a_managed_queue_behaves_as_a_queue(mp, stage):
    """A managed Queue or JoinableQueue behaves as a queue.Queue; it has no close().

    Unlike multiprocessing.Queue it has task_done() and join(), raises ValueError for a negative
    timeout, and a put() has arrived when it returns: there is no thread that sends it.
    """
    plain, joinable, original = stage.result_of(use_managed_queues)
    assert plain == joinable == original
    assert plain["qsize()"] == 2
    assert plain["put(timeout=-1)"] == plain["get(timeout=-1)"] == "ValueError"
    assert (plain["put_nowait()"], plain["get_nowait()"]) == ("Full", "Empty")
    assert plain["missing"] == ["close", "join_thread"]


def get_from_shut_queue(stage, made):
    """Get an item, try to get a second one, and to put one; report the results."""
    return [
        made.get(),
        result_or_error(made.get),
        result_or_error(made.put, 1),
    ]


def shut_managed_queue(stage, ticket):
    """Shut down a managed queue with an item, and then have a child use it."""
    with stage.mp.Manager() as manager:
        made = manager.Queue()
        made.put("last")
        made.shutdown()
        stage.start((*ticket, made)).join(stage.patience)
        other = manager.Queue()
        other.put("lost")
        other.shutdown(immediate=True)
        return result_or_error(other.get)


@claim(
    "manager.queue-can-be-shut-down",
    docs="multiprocessing.managers.SyncManager.Queue",
    since="3.13",
)
def test_a_managed_queue_can_be_shut_down(mp, stage):
    """After shutdown() of a managed Queue, put() raises ShutDown, and get() once it is empty.

    Another process sees it too. With immediate=True the items are dropped.
    """
    child = stage.nested(get_from_shut_queue)
    assert stage.result_of(shut_managed_queue, child.ticket) == "ShutDown"
    assert child.returns() == ["last", "ShutDown", "ShutDown"]


def use_managed_pool(stage):
    """Have a managed pool do tasks; report the results, and where they were done."""
    with stage.mp.Manager() as manager:
        here = {os.getpid(), *(process.pid for process in stage.mp.active_children())}
        with manager.Pool(2) as pool:
            return {
                "apply()": pool.apply(abs, (-3,)),
                "map()": pool.map(abs, [-1, -2]),
                "starmap()": pool.starmap(pow, [(2, 3)]),
                "imap()": list(pool.imap(abs, [-4, -5])),
                "apply_async()": pool.apply_async(abs, (-6,)).get(stage.patience),
                "error": result_or_error(pool.apply, abs, ("a",)),
                "elsewhere": pool.apply(os.getpid) not in here,
            }


@claim(
    "manager.pool-works-through-proxy",
    docs="multiprocessing.managers.SyncManager",
    level=OBSERVED,
    needs=("semaphores",),
)
def test_a_managed_pool_does_tasks(mp, stage):
    """Manager().Pool() returns the proxy of a Pool, whose workers do tasks as those of any Pool.

    Results and errors come back, and the tasks are done neither here nor in the manager's process.
    """
    assert stage.result_of(use_managed_pool) == {
        "apply()": 3,
        "map()": [1, 2],
        "starmap()": [8],
        "imap()": [4, 5],
        "apply_async()": 6,
        "error": "TypeError",
        "elsewhere": True,
    }
