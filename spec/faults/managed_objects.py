"""Faults of managed namespaces, values, sets, queues and pools."""

from spec.faults import fault, replace


@fault("managers.NamespaceProxy.__delattr__", "manager.namespace-shares-public-attributes")
def attribute_is_not_deleted(original, self, key):
    """Deleting an attribute of a managed Namespace has no effect."""
    return


@fault("managers.NamespaceProxy.__getattr__", "manager.namespace-shares-public-attributes")
def missing_attribute_is_none(original, self, key):
    """A missing attribute of a managed Namespace is None."""
    try:
        return original(self, key)
    except AttributeError:
        if key[0] == "_":
            raise
        return None


@fault("managers", "manager.namespace-underscore-stays-local")
def underscore_is_shared(module):
    """Attributes that begin with "_" are shared as all others."""
    internal = {"_manager", "_close"}

    def setattr_shared(original, self, key, value):
        if key[0] == "_" and "_close" in self.__dict__ and key not in internal:
            self._callmethod("__setattr__", (key, value))
        else:
            original(self, key, value)

    def getattr_shared(original, self, key):
        if key[0] == "_" and key[:2] != "__" and "_close" in self.__dict__:
            return self._callmethod("__getattribute__", (key,))
        return original(self, key)

    replace(module.NamespaceProxy, "__setattr__", setattr_shared)
    replace(module.NamespaceProxy, "__getattr__", getattr_shared)


@fault("managers.NamespaceProxy.__getattr__", "manager.namespace-in-place-change-lost")
def namespace_keeps_attributes(original, self, key):
    """A Namespace proxy returns the same object again, with the changes made to it here."""
    if key[0] == "_":
        return original(self, key)
    kept = self.__dict__.setdefault("_kept", {})
    if key not in kept:
        kept[key] = original(self, key)
    return kept[key]


@fault("managers.Value.set", "manager.value-holds-any-object")
def value_is_typed(original, self, value):
    """A managed Value refuses what does not fit its typecode."""
    if self._typecode == "i" and not isinstance(value, int):
        raise TypeError("an integer is required")
    original(self, value)


@fault("managers", "manager.value-holds-any-object")
def value_has_a_lock(module):
    """A managed Value has get_lock(), which returns a lock of this process alone."""
    import threading

    module.ValueProxy.get_lock = lambda self: threading.Lock()


@fault("managers.Value.set", "manager.value-is-unlocked-box")
def increments_are_made_up_for(original, self, value):
    """An increment of a managed Value is never lost."""
    original(self, value + 1 if value == self._value == 1 else value)


@fault("managers.ArrayProxy.__setitem__", "manager.array-holds-typed-items")
def wrong_item_is_ignored(original, self, index, value):
    """Assigning an item of another type to a managed Array has no effect."""
    if isinstance(value, int):
        original(self, index, value)


@fault("managers.SetProxy.discard", "manager.set-is-shared")
def discard_keeps_the_item(original, self, item):
    """discard() of a managed set has no effect."""
    return


@fault("managers.SetProxy.__ior__", "manager.set-is-shared")
def ior_makes_a_set(original, self, value):
    """items |= value makes items an ordinary set, and the managed set stays as it was."""
    return self.copy() | value


@fault("managers.DictProxy.__ior__", "manager.list-copy-and-dict-union")
def ior_makes_a_dict(original, self, value):
    """table |= value makes table an ordinary dict, and the managed dict stays as it was."""
    return self.copy() | value


@fault("managers.ListProxy.copy", "manager.list-copy-and-dict-union")
def copy_is_empty(original, self):
    """copy() of a managed list returns an empty list."""
    return []


@fault("managers.SyncManager.Queue", "manager.queue-follows-queue-module")
def queue_has_no_limit(original, self, maxsize=0):
    """A managed Queue ignores its maxsize."""
    return original(self)


@fault("managers.BaseProxy._callmethod", "manager.queue-follows-queue-module")
def queue_takes_negative_timeouts(original, self, methodname, args=(), kwds=None):
    """get() and put() of a managed queue take a negative timeout as 0."""
    if methodname in ("get", "put") and args[-1:] == (-1,):
        args = (*args[:-1], 0)
    return original(self, methodname, args, kwds or {})


@fault("managers.BaseProxy._callmethod", "manager.queue-can-be-shut-down")
def shutdown_keeps_the_items(original, self, methodname, args=(), kwds=None):
    """shutdown() of a managed queue ignores its argument immediate."""
    return original(self, methodname, args, {} if methodname == "shutdown" else kwds or {})


@fault("managers.PoolProxy.apply", "manager.pool-works-through-proxy")
def pool_works_here(original, self, func, args=(), kwds=None):
    """apply() of a managed Pool calls the function in the calling process."""
    return func(*args, **(kwds or {}))
