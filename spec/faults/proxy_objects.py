"""Faults of what a proxy is: shown, compared, copied."""

from spec.faults import fault


@fault("managers.BaseProxy.__str__", "manager.str-shows-referent")
def str_of_a_dict_shows_the_proxy(original, self):
    """str() of a managed dict shows the proxy."""
    return repr(self) if type(self).__name__ == "DictProxy" else original(self)


@fault("managers.BaseProxy.__repr__", "manager.repr-shows-proxy", crude=True)
def repr_shows_the_referent(original, self):
    """repr() of a proxy shows the referent."""
    return self._callmethod("__repr__")


@fault("managers.BaseProxy.__repr__", "manager.repr-shows-proxy")
def repr_hides_the_proxy(original, self):
    """repr() of a proxy does not say that it is one."""
    return original(self).replace("Proxy object", " object")


@fault("managers", "manager.proxies-compare-by-identity")
def compares_values(module):
    """A proxy is equal to each object that is equal to its referent."""
    module.BaseProxy.__eq__ = lambda self, other: self._getvalue() == other


@fault("managers", "manager.proxies-compare-by-identity")
def compares_referents(module):
    """Two proxies of the same referent are equal."""
    module.BaseProxy.__eq__ = lambda self, other: (
        isinstance(other, module.BaseProxy) and self._id == other._id
    )


@fault("managers.BaseProxy.__deepcopy__", "manager.derived-values-are-plain-copies")
def deepcopy_is_the_proxy(original, self, memo):
    """copy.deepcopy() of a proxy returns the proxy itself."""
    return self


@fault("managers.DictProxy.copy", "manager.derived-values-are-plain-copies")
def copy_is_the_proxy(original, self):
    """copy() of a managed dict returns the proxy itself."""
    return self


@fault("managers.BaseProxy._getvalue", "manager.getvalue-needs-picklable-referent")
def no_value_is_none(original, self):
    """_getvalue() returns None if the referent cannot be pickled."""
    from multiprocessing.managers import RemoteError

    try:
        return original(self)
    except RemoteError:
        return None


@fault("managers.SyncManager.dict", "manager.constructors-take-contents")
def dict_forgets_keywords(original, self, *args, **settings):
    """dict() of a manager ignores the keywords if it is given a mapping."""
    return original(self, *args, **({} if args else settings))


@fault("managers", "manager.list-proxy-truth-by-length")
def empty_list_is_true(module):
    """An empty managed list is true."""
    module.ListProxy.__bool__ = lambda self: True


@fault("managers", "manager.proxies-register-with-abcs")
def list_is_a_mapping(module):
    """isinstance() takes a list proxy for a MutableMapping."""
    import collections.abc

    collections.abc.MutableMapping.register(module.ListProxy)


@fault("managers", "manager.proxy-has-no-other-methods")
def dict_has_has_key(module):
    """A managed dict has a method has_key() that always fails (bpo-35918)."""
    module.DictProxy.has_key = lambda self, key: self._callmethod("has_key", (key,))
