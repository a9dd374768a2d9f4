"""Proxy objects: how a proxy is shown, compared and copied.

A proxy is not a list or dict: it has their methods, but it is an object of its own class. It is
equal only to itself, whatever its referent contains: compare ``items[:]`` or ``table.copy()``.
``str()`` and ``print()`` show the referent, and ``repr()`` the proxy.

A slice, ``copy()`` of a dict and ``copy.deepcopy()`` return plain copies. An empty
managed list is false, as an empty list is, and ``isinstance()`` with the abstract classes of
``collections.abc`` tells what a proxy can do.

In the proofs an actor has the manager, since starting one might take forever.
"""

import collections.abc
import copy
import operator
from queue import Queue

from spec.kit import OBSERVED, claim, reached, result_or_error

NEEDS = ("addresses",)


def show_proxies(stage):
    """Report str(), formatted string and repr() of several proxies, and repr() without manager."""
    with stage.mp.Manager() as manager:
        proxies = {
            "list": manager.list(["a", 1]),
            "dict": manager.dict(k=None),
            "Namespace": manager.Namespace(),
            "Value": manager.Value("i", 3),
            "Array": manager.Array("i", [1, 2]),
        }
        shown = {
            "str()": {kind: str(proxy) for kind, proxy in proxies.items()},
            "format()": {kind: f"{proxy}" for kind, proxy in proxies.items()},
            "repr()": {kind: repr(proxy) for kind, proxy in proxies.items()},
            "in a list": str([proxies["list"]]),
            "in a managed list": str(manager.list([proxies["list"]])),
        }
    return shown | {"repr() later": {kind: repr(proxy) for kind, proxy in proxies.items()}}


@claim("manager.str-shows-referent", docs="multiprocessing.managers.BaseProxy.__str__")
def test_str_of_a_proxy_is_the_repr_of_its_referent(mp, stage):
    """str(proxy) returns the repr() of the referent: str(manager.list([1])) is "[1]".

    The same string comes from print() and from an f-string.
    """
    shown = stage.result_of(show_proxies)
    expected = {
        "list": "['a', 1]",
        "dict": "{'k': None}",
        "Namespace": "Namespace()",
        "Value": "Value('i', 3)",
        "Array": "array('i', [1, 2])",
    }
    assert shown["str()"] == expected
    assert shown["format()"] == expected


@claim("manager.repr-shows-proxy", docs="multiprocessing.managers.BaseProxy.__repr__")
def test_repr_of_a_proxy_shows_the_proxy(mp, stage):
    """repr(proxy) describes the proxy, not the referent: "<ListProxy object, typeid 'list' ...>".

    So a container that holds proxies shows them as such, be it ordinary or managed. repr() does
    not ask the manager: it is the same after the manager has ended.
    """
    shown = stage.result_of(show_proxies)
    for kind, text in shown["repr()"].items():
        assert text.startswith(f"<{kind.title()}Proxy object, typeid {kind!r} at 0x"), text
    assert shown["in a list"] == f"[{shown['repr()']['list']}]"
    assert shown["in a managed list"].startswith("[<ListProxy object, typeid 'list' at 0x")
    assert shown["repr() later"] == shown["repr()"]


def compare_proxies(stage):
    """Compare proxies with equal objects, with each other and with themselves."""
    with stage.mp.Manager() as manager:
        items, table = manager.list([1, 2]), manager.dict(a=1)
        outer = manager.list([items])
        same = items
        return {
            "list == [1, 2]": items == [1, 2],
            "[1, 2] == list": operator.eq([1, 2], items),
            "list != [1, 2]": items != [1, 2],
            "dict == {'a': 1}": table == {"a": 1},
            "two proxies of one list": outer[0] == items,
            "two equal lists": manager.list([1, 2]) == items,
            "the same proxy": same == items,
            "list(list) == [1, 2]": list(items) == [1, 2],
            "list[:] == [1, 2]": items[:] == [1, 2],
            "dict.copy() == {'a': 1}": table.copy() == {"a": 1},
        }


@claim("manager.proxies-compare-by-identity", docs="multiprocessing.managers.BaseProxy")
def test_a_proxy_is_equal_to_itself_alone(mp, stage):
    """A proxy is equal only to itself, not to an equal object: compare a copy of the referent.

    Not even two proxies of the same list are equal.
    """
    assert stage.result_of(compare_proxies) == {
        "list == [1, 2]": False,
        "[1, 2] == list": False,
        "list != [1, 2]": True,
        "dict == {'a': 1}": False,
        "two proxies of one list": False,
        "two equal lists": False,
        "the same proxy": True,
        "list(list) == [1, 2]": True,
        "list[:] == [1, 2]": True,
        "dict.copy() == {'a': 1}": True,
    }


def derive_values(stage):
    """Derive values from managed objects, change each; report their types, and what is managed."""
    with stage.mp.Manager() as manager:
        items, table = manager.list([1, 2]), manager.dict(a=1)
        derived = {
            "_getvalue()": items._getvalue(),
            "copy.deepcopy()": copy.deepcopy(items),
            "[:]": items[:],
            "+": items.__add__([3]),
            "* 2": items * 2,
            "dict _getvalue()": table._getvalue(),
            "dict copy()": table.copy(),
            "dict keys()": table.keys(),
        }
        for value in derived.values():
            if type(value) in (list, dict):
                value.clear()
        types = {way: type(value).__name__ for way, value in derived.items()}
        copied = copy.copy(items)
        copied.append("by copy.copy()")
        return types, type(copied).__name__, items[:], table.copy()


@claim(
    "manager.derived-values-are-plain-copies", docs="multiprocessing.managers.BaseProxy._getvalue"
)
def test_what_is_derived_from_a_proxy_is_a_copy(mp, stage):
    """_getvalue(), copy.deepcopy(), slicing, + and * of a list proxy return plain copies.

    They are lists or dicts of this process, and changing them leaves the referent as it was.
    copy.copy() is different: it makes another proxy of the same referent.
    """
    types, copied, items, table = stage.result_of(derive_values)
    assert types == {
        "_getvalue()": "list",
        "copy.deepcopy()": "list",
        "[:]": "list",
        "+": "list",
        "* 2": "list",
        "dict _getvalue()": "dict",
        "dict copy()": "dict",
        "dict keys()": "list",
    }
    assert (copied, items) == ("ListProxy", [1, 2, "by copy.copy()"])
    assert table == {"a": 1}


def get_values(stage):
    """Ask for the values of referents that pickle takes, or does not take."""
    with stage.mp.Manager() as manager:
        return {
            "list": result_or_error(manager.list([1])._getvalue),
            "Lock": result_or_error(manager.Lock()._getvalue),
            "list again": result_or_error(manager.list([2])._getvalue),
        }


@claim(
    "manager.getvalue-needs-picklable-referent",
    docs="multiprocessing.managers.BaseProxy._getvalue",
    level=OBSERVED,
)
def test_a_referent_that_cannot_be_pickled_has_no_value(mp, stage):
    """_getvalue() raises RemoteError if the referent cannot be pickled, as a managed Lock.

    The documentation promises an exception, but not which one. The manager works on.
    """
    assert stage.result_of(get_values) == {"list": [1], "Lock": "RemoteError", "list again": [2]}


def copy_of_managed(manager, kind, *args, **settings):
    """Make a managed container and return a copy of it."""
    return getattr(manager, kind)(*args, **settings)._getvalue()


def make_with_contents(stage, kinds):
    """Make managed containers with all kinds of arguments; report a copy of each."""
    contents = {
        "none": ((), {}),
        "a list": (([("a", 1), ("b", 2)],), {}),
        "a tuple": (((("a", 1),),), {}),
        "a dict": (({"a": 1},), {}),
        "keywords": ((), {"a": 1}),
        "a dict and keywords": (({"a": 1},), {"b": 2}),
        "a number": ((3,), {}),
    }
    builtins = {"list": list, "dict": dict, "set": set}
    with stage.mp.Manager() as manager:
        return {
            (kind, given): (
                result_or_error(copy_of_managed, manager, kind, *args, **settings),
                result_or_error(builtins[kind], *args, **settings),
            )
            for kind in kinds
            for given, (args, settings) in contents.items()
        }


@claim(
    "manager.constructors-take-contents",
    docs="multiprocessing.managers.SyncManager.dict",
    changes={"3.14": "there is Manager().set() too"},
)
def test_constructors_take_what_the_builtins_take(mp, stage):
    """list() and dict() of a manager take the contents that the built-in list() and dict() take.

    The manager refuses whatever the built-in function refuses, such as keywords for a list: it
    raises RemoteError.
    """
    kinds = ["list", "dict", "set"] if reached("3.14") else ["list", "dict"]
    made = stage.result_of(make_with_contents, kinds)
    for (kind, given), (managed, builtin) in made.items():
        expected = "RemoteError" if builtin in ("TypeError", "ValueError") else builtin
        assert managed == expected, f"{kind} with {given}"
    assert made["list", "a list"] == ([("a", 1), ("b", 2)],) * 2
    assert made["dict", "a dict and keywords"] == ({"a": 1, "b": 2},) * 2


TYPES = ("Sequence", "Mapping", "Set")


def tell_truth_and_types(stage, kinds):
    """Report what empty and filled proxies are when tested, and of which types they are."""
    asked = (list, dict, set, *(getattr(collections.abc, f"Mutable{x}") for x in TYPES))
    told = {}
    with stage.mp.Manager() as manager:
        for kind in kinds:
            empty = getattr(manager, kind)()
            filled = getattr(manager, kind)([(0, 0)])
            told[kind] = bool(empty), bool(filled), [isinstance(filled, each) for each in asked]
    return told


@claim(
    "manager.list-proxy-truth-by-length",
    docs="multiprocessing#proxy-objects",
)
def test_an_empty_managed_container_is_false(mp, stage):
    """A list or dict proxy is true if its referent has items, else false.

    It is not an instance of list or dict.
    """
    told = stage.result_of(tell_truth_and_types, ["list", "dict"])
    for kind, (empty, filled, types) in told.items():
        assert (empty, filled, types[:3]) == (False, True, [False] * 3), kind


@claim(
    "manager.proxies-register-with-abcs",
    docs="collections.abc.MutableSequence",
    level=OBSERVED,
    since="3.14",
)
def test_proxies_are_instances_of_abstract_classes(mp, stage):
    """isinstance() takes a list proxy for a MutableSequence, and a dict proxy for a MutableMapping.

    A set proxy counts as a MutableMapping too, and not as a MutableSet.
    """
    told = stage.result_of(tell_truth_and_types, ["list", "dict", "set"])
    observed = {
        kind: dict(zip(TYPES, types[3:], strict=True)) for kind, (*_, types) in told.items()
    }
    mapping = {"Sequence": False, "Mapping": True, "Set": False}
    assert observed == {
        "list": {"Sequence": True, "Mapping": False, "Set": False},
        "dict": mapping,
        "set": mapping,
    }


def list_methods(stage):
    """The public methods of proxies that their referents do not have."""
    with stage.mp.Manager() as manager:
        proxies = {"list": manager.list(), "dict": manager.dict(), "Queue": manager.Queue()}
        return {
            kind: [name for name in dir(proxy) if name[0] != "_" and not hasattr(referent, name)]
            for (kind, proxy), referent in zip(proxies.items(), ([], {}, Queue()), strict=True)
        }


@claim("manager.proxy-has-no-other-methods", docs="multiprocessing#proxy-objects")
def test_a_proxy_has_only_methods_of_its_referent(mp, stage):
    """Each public method of a list, dict or queue proxy is a method of its referent's class."""
    assert stage.result_of(list_methods) == {"list": [], "dict": [], "Queue": []}
