"""Faults of the proxies of managed containers."""

import pickle

from spec.faults import fault


@fault("managers.DictProxy.__setitem__", "manager.list-and-dict-are-shared", crude=True)
def dict_is_not_written(original, self, key, value):
    """Assigning to a key of a managed dict has no effect."""
    return


@fault("managers.ListProxy.__setitem__", "manager.list-and-dict-are-shared")
def last_item_is_not_written(original, self, index, value):
    """Assigning to the last item of a managed list has no effect."""
    if index != len(self) - 1:
        original(self, index, value)


@fault("managers.BaseProxy.__reduce__", "manager.sent-proxy-keeps-referent")
def sent_list_is_a_copy(original, self):
    """A list proxy that is sent in a message arrives as a copy of the list."""
    from multiprocessing.context import get_spawning_popen

    if type(self).__name__ == "ListProxy" and get_spawning_popen() is None:
        return list, (self._getvalue(),)
    return original(self)


@fault("managers.ListProxy.pop", "manager.proxy-is-used-like-its-referent")
def pops_the_last_item(original, self, index=-1):
    """pop() of a managed list removes the last item, whatever its argument is."""
    return original(self)


@fault("managers.DictProxy.setdefault", "manager.proxy-is-used-like-its-referent")
def setdefault_overwrites(original, self, key, default=None):
    """setdefault() of a managed dict replaces the value of a key that it has."""
    self[key] = default
    return default


@fault("managers.ListProxy.__iadd__", "manager.list-operators-work-in-place")
def iadd_makes_a_list(original, self, value):
    """items += value makes items an ordinary list, and the managed list stays as it was."""
    return self[:] + value


@fault("managers.ListProxy.__imul__", "manager.list-operators-work-in-place")
def imul_adds_once_more(original, self, value):
    """items *= n repeats the items n + 1 times."""
    return original(self, value + 1)


@fault("managers.DictProxy.__getitem__", "manager.plain-element-mutation-is-lost")
def dict_keeps_elements(original, self, key):
    """A dict proxy returns the same object for a key again, with the changes made to it here."""
    kept = self.__dict__.setdefault("kept", {})
    if key not in kept:
        kept[key] = original(self, key)
    return kept[key]


@fault("managers.ListProxy.__setitem__", "manager.plain-element-mutation-is-lost")
def dict_is_not_assigned(original, self, index, value):
    """Assigning a dict to an item of a managed list has no effect."""
    if not isinstance(value, dict):
        original(self, index, value)


@fault("managers.RebuildProxy", "manager.nested-proxies-propagate")
def auto_proxy_does_not_nest(original, func, token, serializer, kwds):
    """Putting the proxy of a queue into a managed dict raises an exception (bpo-30256)."""
    from multiprocessing.process import current_process

    if func.__name__ == "AutoProxy" and hasattr(current_process(), "_manager_server"):
        raise TypeError("AutoProxy() got an unexpected keyword argument 'manager_owned'")
    return original(func, token, serializer, kwds)


@fault("managers.RebuildProxy", "manager.nested-proxies-propagate")
def container_keeps_nothing_alive(original, func, token, serializer, kwds):
    """An object of which only a managed container holds a proxy is lost."""
    from multiprocessing.process import current_process

    proxy = original(func, token, serializer, kwds)
    server = getattr(current_process(), "_manager_server", None)
    if server is not None:
        server.id_to_local_proxy_obj.pop(token.id, None)
    return proxy


@fault("managers.DictProxy.__iter__", "manager.dict-iterates-in-creator")
def dict_cannot_be_iterated(original, self):
    """Iterating over a managed dict asks for the keys 0, 1, ... (bpo-34610)."""
    number = 0
    while True:
        yield self[number]
        number += 1


@fault("managers.DictProxy.__iter__", "manager.dict-iteration-fails-in-child")
def dict_iterates_everywhere(original, self):
    """Iterating over a managed dict yields its keys in each process."""
    return iter(self.keys())


@fault("managers", "manager.dict-iteration-fails-in-child")
def list_iterates_in_creator_only(module):
    """Iterating over a managed list raises AttributeError in a child."""
    module.ListProxy.__iter__ = lambda self: self._manager._registry and iter(self[:])


@fault("managers.convert_to_error", "manager.exceptions-keep-their-type")
def missing_key_is_remote_error(original, kind, result):
    """A missing key of a managed dict raises RemoteError."""
    if isinstance(result, KeyError):
        return original("#TRACEBACK", repr(result))
    return original(kind, result)


@fault("managers.convert_to_error", "manager.exceptions-keep-their-type")
def errors_lose_their_arguments(original, kind, result):
    """An exception of the referent comes back without its arguments, such as the missing key."""
    return type(result)() if kind == "#ERROR" else original(kind, result)


@fault("managers.BaseProxy._callmethod", "manager.unpicklable-argument-fails-locally")
def unpicklable_argument_is_dropped(original, self, methodname, args=(), kwds=None):
    """A call with an argument that cannot be pickled is silently ignored."""
    try:
        pickle.dumps((args, kwds))
    except (pickle.PicklingError, AttributeError, TypeError):
        return None
    return original(self, methodname, args, kwds or {})
