"""Proxies: lists and dicts that all processes change.

``Manager().list()`` makes a list in the manager's process and returns a proxy, which stands for
that list in this process. It can be passed to other processes, as an argument or as a message:
all its proxies stand for one list, the *referent*, and each call is carried out there. Use it for
data that several processes have to change, and that do not fit into shared memory.

A call returns a copy, and here lies the trap: ``table["names"].append("Ann")``
appends to a copy, which is then forgotten. Either assign the changed copy, or put a further proxy
into the container. ``+=`` on an item is a call that reads and a call that writes, and another
process may write in between.

In a child, iterating over a managed dict fails; ``keys()`` works.

In the proofs an actor has the manager, since starting one might take forever.
"""

import pickle
import threading

from spec.kit import OBSERVED, claim, result_or_error

NEEDS = ("addresses",)

LEFT_OUT = {
    "manager.slower-than-shared-memory": "how much slower is a matter of the machine and its load",
}


def write_own_number(items, table, number):
    """Write a number to its place in the list, and to the same key of the dict as all others."""
    items[number] = number
    table["a"] = number


def have_five_processes_write(stage):
    """Have five processes write to a managed list and dict; report both."""
    with stage.mp.Manager() as manager:
        items = manager.list(range(5, 10))
        table = manager.dict()
        writers = [
            stage.mp.Process(target=write_own_number, args=(items, table, number))
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
    observed = stage.result_of(have_five_processes_write)
    assert observed["list"] == [0, 1, 2, 3, 4]
    assert observed["str(list)"] == "[0, 1, 2, 3, 4]"
    assert list(observed["dict"]) == ["a"]
    assert observed["dict"]["a"] in range(5)


def append_and_return_proxy(stage, items, connection):
    """Append by the proxy given as an argument, and by one received; send that one back."""
    items.append("by the argument")
    received = connection.recv()
    received.append("by the message")
    connection.send(received)
    connection.recv()  # the proxy is kept until the other process has its own


def send_proxy_to_and_fro(stage, ticket):
    """Give a child the proxy of a list, twice; append by the one that it sends back."""
    with stage.mp.Manager() as manager:
        items = manager.list()
        here, there = stage.mp.Pipe()
        child = stage.start((*ticket, items, there))
        here.send(items)
        returned = here.recv()
        here.send("received")
        child.join(stage.patience)
        returned.append("by the proxy sent back")
        return list(items)


@claim("manager.sent-proxy-keeps-referent", docs="multiprocessing#proxy-objects")
def test_a_proxy_stands_for_the_same_object_wherever_it_is_sent(mp, stage):
    """A proxy passed as an argument or sent through a Pipe stands for the same referent.

    A child appends by a proxy that it got as an argument and by one that it received, and sends
    that back to its parent, which appends too.
    """
    child = stage.nested(append_and_return_proxy)
    assert stage.result_of(send_proxy_to_and_fro, child.ticket) == [
        "by the argument",
        "by the message",
        "by the proxy sent back",
    ]
    child.returns()


def use_list_methods(items):
    """Call the methods of a list, on a list or a proxy; the outcome of each, and what is left."""

    def delete(place):
        del items[place]

    return {
        "append()": items.append(3),
        "extend()": items.extend([1, 2]),
        "insert()": items.insert(0, 5),
        "len()": len(items),
        "in": [3 in items, 9 in items],
        "index()": items.index(1),
        "count()": items.count(3),
        "[-1]": items[-1],
        "[1:3]": items[1:3],
        "[0] =": items.__setitem__(0, 7),
        "[1:2] =": items.__setitem__(slice(1, 2), [8, 9]),
        "del": delete(0),
        "pop()": items.pop(),
        "pop(0)": items.pop(0),
        "remove()": items.remove(9),
        "reversed()": list(reversed(items)),
        "sort()": items.sort(reverse=True),
        "reverse()": items.reverse(),
        "+": items.__add__([4]),
        "*": [items * 2, 2 * items],
        "left": list(items),
    }


def use_dict_methods(table):
    """Call the methods of a dict, on a dict or a proxy; the outcome of each, and what is left."""

    def delete(key):
        del table[key]

    return {
        "[] =": table.__setitem__("b", 2),
        "[]": table["b"],
        "in": ["b" in table, "c" in table],
        "get()": [table.get("b"), table.get("c"), table.get("c", 0)],
        "len()": len(table),
        "setdefault()": [table.setdefault("b", 5), table.setdefault("d", 4)],
        "update()": table.update({"e": 5}, f=6),
        "keys()": list(table.keys()),
        "values()": list(table.values()),
        "items()": list(table.items()),
        "copy()": table.copy(),
        "pop()": [table.pop("b"), table.pop("c", None)],
        "popitem()": list(table.popitem()),
        "del": delete("d"),
        "left": dict(table.items()),
        "clear()": table.clear(),
        "empty": table.copy(),
    }


def use_proxies_like_originals(stage):
    """Use managed lists and dicts, and ordinary ones; report what came of both."""
    with stage.mp.Manager() as manager:
        return {
            "list": (use_list_methods(manager.list([3, 4])), use_list_methods([3, 4])),
            "dict": (use_dict_methods(manager.dict(a=1)), use_dict_methods({"a": 1})),
        }


@claim("manager.proxy-is-used-like-its-referent", docs="multiprocessing#proxy-objects")
def test_methods_of_a_proxy_do_what_those_of_the_referent_do(mp, stage):
    """The methods and operators of a list or dict proxy act and return as those of a list or dict.

    The same calls are made on a proxy and on an ordinary object, and their results compared one
    by one.
    """
    for kind, (managed, ordinary) in stage.result_of(use_proxies_like_originals).items():
        assert managed == ordinary, kind


def change_by_operators(stage):
    """Change managed lists by += and *=; report what the names stand for, and the referents."""
    with stage.mp.Manager() as manager:
        added = multiplied = None
        added_before = added = manager.list([1])
        multiplied_before = multiplied = manager.list([1, 2])
        added += [2]
        multiplied *= 2
        return {
            "+= keeps the proxy": added is added_before,
            "*= keeps the proxy": multiplied is multiplied_before,
            "+=": added_before[:],
            "*=": multiplied_before[:],
        }


@claim("manager.list-operators-work-in-place", docs="multiprocessing.managers.SyncManager.list")
def test_augmented_assignment_changes_the_managed_list(mp, stage):
    """+= and *= of a list proxy change the managed list in place, and the name keeps the proxy."""
    assert stage.result_of(change_by_operators) == {
        "+= keeps the proxy": True,
        "*= keeps the proxy": True,
        "+=": [1, 2],
        "*=": [1, 2, 1, 2],
    }


def change_elements(stage):
    """Change plain elements of managed containers in place, then assign them; report both."""
    with stage.mp.Manager() as manager:
        items, table = manager.list([{}, {}]), manager.dict(names=[])
        items[0]["a"] = 1
        table["names"].append("Ann")
        for _, each in zip(range(1), items, strict=False):
            each["b"] = 2
        in_place = items[:], table.copy(), items[0], table["names"]
        for kept, place in ((items, 1), (table, "names")):
            element = kept[place]
            element.update(a=1) if place == 1 else element.append("Ann")
            kept[place] = element
        table["names"] += ["Bob"]
        return {"in place": in_place, "assigned": (items[:], table.copy())}


@claim("manager.plain-element-mutation-is-lost", docs="multiprocessing#proxy-objects")
def test_an_element_that_is_changed_in_place_is_a_copy(mp, stage):
    """Changing an element of a managed list or dict in place is lost; assigning it again is not.

    The element is the copy that came with the access: table["names"].append() changes nothing
    that is shared. With += the changed copy is assigned.
    """
    assert stage.result_of(change_elements) == {
        "in place": ([{}, {}], {"names": []}, {}, []),
        "assigned": ([{}, {"a": 1}], {"names": ["Ann", "Bob"]}),
    }


def change_through_outer(stage, outer, table):
    """Change the managed objects inside two managed containers."""
    outer[0].append("child")
    outer[1]["by"] = "child"
    table["names"].append("child")
    table["queue"].put("child")
    table["space"].name = "child"


def put_proxies_in_containers(stage, ticket):
    """Put proxies into managed containers, have a child use them; report through all proxies."""
    with stage.mp.Manager() as manager:
        items, inner, names = manager.list(), manager.dict(), manager.list()
        queue, space = manager.Queue(), manager.Namespace()
        outer = manager.list([items])
        outer.append(inner)
        table = manager.dict(names=names, queue=queue, space=space)
        stage.start((*ticket, outer, table)).join(stage.patience)
        observed = {
            "list": (items[:], outer[0][:]),
            "dict": (inner.copy(), outer[1].copy()),
            "list in a dict": (names[:], table["names"][:]),
            "queue": (queue.get(), table["queue"].empty()),
            "namespace": (space.name, table["space"].name),
        }
        del items  # the list is held by the outer list alone
        outer[0].append("parent")
        return observed | {"alone": outer[0][:]}


@claim("manager.nested-proxies-propagate", docs="multiprocessing.managers.SyncManager")
def test_what_is_done_to_a_nested_managed_object_is_seen(mp, stage):
    """A managed list or dict may contain proxies; changes to the objects in it are shared.

    A child changes a list, a dict, a queue and a namespace through the containers that hold
    their proxies; its parent sees that by its own proxies and through the containers. An object
    lives on while only a container holds a proxy of it.
    """
    child = stage.nested(change_through_outer)
    assert stage.result_of(put_proxies_in_containers, child.ticket) == {
        "list": (["child"], ["child"]),
        "dict": ({"by": "child"}, {"by": "child"}),
        "list in a dict": (["child"], ["child"]),
        "queue": ("child", True),
        "namespace": ("child", "child"),
        "alone": ["child", "parent"],
    }
    child.returns()


ITERATED = {
    "list": [5, 6, 7],
    "dict": ["a", "b"],
    "keys()": ["a", "b"],
    "values()": [1, 2],
    "items()": [("a", 1), ("b", 2)],
}


def iterate(items, table):
    """Iterate over a managed list and a managed dict in all ways; the result of each."""
    return {
        "list": result_or_error(list, items),
        "dict": result_or_error(list, table),
        "keys()": list(table.keys()),
        "values()": list(table.values()),
        "items()": list(table.items()),
    }


def iterate_in_child(stage, items, table, outer):
    """Iterate over proxies that this process was given, and over one that a container holds."""
    return iterate(items, table), result_or_error(list, outer[0])


def iterate_in_both(stage, ticket):
    """Iterate over proxies in the process that made them, and have a child do so."""
    with stage.mp.Manager() as manager:
        items, table = manager.list([5, 6, 7]), manager.dict(a=1, b=2)
        outer = manager.list([table])
        stage.start((*ticket, items, table, outer)).join(stage.patience)
        return iterate(items, table), result_or_error(list, outer[0])


@claim("manager.dict-iterates-in-creator", docs="multiprocessing.managers.SyncManager.dict")
def test_a_dict_proxy_can_be_iterated_where_it_was_made(mp, stage):
    """In the process that created a managed dict, iterating over it yields its keys."""
    creators, _ = stage.result_of(iterate_in_both, stage.nested(iterate_in_child).ticket)
    assert creators == ITERATED


@claim(
    "manager.dict-iteration-fails-in-child",
    docs="multiprocessing#proxy-objects",
    level=OBSERVED,
    contradicts="multiprocessing#proxy-objects",
)
def test_a_dict_proxy_cannot_be_iterated_where_it_was_sent(mp, stage):
    """In a child, iterating over a managed dict raises AttributeError; keys() and items() work.

    A managed list can be iterated over everywhere. The same error comes in the process that made
    the dict, from a proxy that it takes out of a managed container.
    """
    child = stage.nested(iterate_in_child)
    _, taken_out = stage.result_of(iterate_in_both, child.ticket)
    received, taken_out_by_child = child.returns()
    assert received == ITERATED | {"dict": "AttributeError"}
    assert (taken_out, taken_out_by_child) == ("AttributeError", "AttributeError")


def error_of(call, *args):
    """The type, the arguments and the text of the exception that a call raises."""
    try:
        return call(*args)
    except Exception as error:
        return type(error).__name__, error.args, str(error)


def raise_by_methods(items, table, methods):
    """Make calls that fail, on managed or ordinary objects; the error of each."""
    call_list, call_dict = methods
    return {
        "[9]": error_of(lambda: items[9]),
        "[9] =": error_of(items.__setitem__, 9, 0),
        "['a']": error_of(lambda: items["a"]),
        "remove()": error_of(items.remove, 9),
        "append()": error_of(items.append),
        "['missing']": error_of(lambda: table["missing"]),
        "[[]]": error_of(lambda: table[[]]),
        "pop()": error_of(table.pop, ("a", 1)),
        "_callmethod('__getitem__')": error_of(call_list, "__getitem__", (9,)),
        "_callmethod('pop')": error_of(call_dict, "pop", ("missing",)),
        "_callmethod('pop', default)": call_dict("pop", ("missing", 0)),
        "_callmethod('sort')": call_list("sort", (), {"reverse": True}),
        "left": items[:],
    }


def raise_from_proxies(stage):
    """Report the errors of managed and of ordinary objects."""
    with stage.mp.Manager() as manager:
        items, table = manager.list([1, 2]), manager.dict()
        managed = raise_by_methods(items, table, (items._callmethod, table._callmethod))
    items, table = [1, 2], {}

    def call(referent):
        return lambda name, args, named={}: getattr(referent, name)(*args, **named)

    return managed, raise_by_methods(items, table, (call(items), call(table)))


@claim("manager.exceptions-keep-their-type", docs="multiprocessing.managers.BaseProxy._callmethod")
def test_an_exception_comes_back_as_the_referent_raised_it(mp, stage):
    """An exception raised by a method of the referent is raised by the proxy: same type, same args.

    IndexError, KeyError, ValueError and TypeError are compared with those of an ordinary list and
    dict, for calls by methods and by _callmethod(). The proxy works on.
    """
    managed, ordinary = stage.result_of(raise_from_proxies)
    assert managed == ordinary
    assert managed["[9]"][0] == "IndexError"
    assert managed["['missing']"] == ("KeyError", ("missing",), "'missing'")
    assert managed["left"] == [2, 1]


def pass_unpicklable(stage):
    """Pass objects that cannot be pickled to proxies' methods; report the results."""
    refused = {"function": lambda: None, "lock": threading.Lock()}
    with stage.mp.Manager() as manager:
        items = manager.list()
        errors = {
            kind: {
                "dumps()": result_or_error(pickle.dumps, each),
                "append()": result_or_error(items.append, each),
                "[0:0] =": result_or_error(items.__setitem__, slice(0, 0), [each]),
                "list()": result_or_error(manager.list, [each]),
            }
            for kind, each in refused.items()
        }
        items.append("plain")
        return errors, items[:]


@claim(
    "manager.unpicklable-argument-fails-locally",
    docs="multiprocessing#programming-guidelines",
    level=OBSERVED,
)
def test_an_argument_that_cannot_be_pickled_is_refused(mp, stage):
    """A proxy's method raises pickle's error for an argument that cannot be pickled.

    Nothing has been sent, so the referent is as it was, and the proxy works on. Whether the error
    is PicklingError, AttributeError or TypeError depends on the object, and on the version of
    Python.
    """
    errors, left = stage.result_of(pass_unpicklable)
    for kind, observed in errors.items():
        error = observed["dumps()"]
        assert error in ("PicklingError", "AttributeError", "TypeError"), f"{kind}: {error}"
        assert observed == dict.fromkeys(observed, error), kind
    assert left == ["plain"]
