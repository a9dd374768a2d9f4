"""Faults of custom managers, and of servers that other programs use."""

import os

from spec.faults import fault, replace


@fault("managers.Server.create", "manager.custom-type-runs-in-server")
def objects_of_a_type_are_one(original, self, c, typeid, /, *args, **kwargs):
    """All objects of a registered class are the same one: counters count together."""
    found = getattr(self, "found", None)
    if found is None:
        found = self.found = {}
    if typeid not in found or typeid != "Counter":
        found[typeid] = original(self, c, typeid, *args, **kwargs)
    else:
        self.incref(c, found[typeid][0])
    return found[typeid]


@fault("managers.BaseProxy._callmethod", "manager.custom-type-runs-in-server")
def methods_run_on_a_copy(original, self, name, args=(), kwargs=None):
    """A method of a registered class runs on a copy of the object, in the calling process."""
    if name == "tell_process":
        return getattr(original(self, "#GETVALUE"), name)(*args, **(kwargs or {}))
    return original(self, name, args, kwargs or {})


@fault("managers.public_methods", "manager.public-methods-exposed-by-default")
def underscore_methods_are_exposed(original, obj):
    """A proxy has the methods of its object whose names begin with an underscore too."""
    return [name for name in dir(obj) if not name.startswith("__") and callable(getattr(obj, name))]


@fault("managers.public_methods", "manager.public-methods-exposed-by-default")
def attributes_are_methods(original, obj):
    """A proxy has a method for each attribute of its object, which fails when it is called."""
    return [*original(obj), *vars(obj)] if hasattr(obj, "__dict__") else original(obj)


@fault("managers.BaseManager.register", "manager.public-methods-exposed-by-default")
def exposed_adds_to_the_public(original, cls, typeid, callable=None, *args, **kwargs):
    """The methods that exposed names are added to the public ones: none can be left out."""
    exposed = kwargs.get("exposed")
    if exposed and isinstance(callable, type):
        public = [name for name in dir(callable) if not name.startswith("_")]
        kwargs["exposed"] = (*exposed, *public)
    original(cls, typeid, callable, *args, **kwargs)


@fault("managers.BaseManager.register", "manager.factory-method-is-optional")
def methods_are_always_made(original, cls, *args, create_method=True, **kwargs):
    """register() adds a method to the class though create_method is False."""
    original(cls, *args, **kwargs)


@fault("managers.BaseManager.register", "manager.methods-may-return-proxies")
def proxies_are_replaced_by_copies(original, cls, *args, method_to_typeid=None, **kwargs):
    """A method that should return a proxy returns a copy: changes to it are lost."""
    original(cls, *args, **kwargs)


@fault("managers.Server.create", "manager.methods-may-return-proxies")
def returned_proxies_have_copies(original, self, c, typeid, /, *args, **kwargs):
    """The proxy that a method returns belongs to a copy: changes through it are lost."""
    import copy

    if typeid == "Content":
        args = copy.deepcopy(args)
        self.copies = args
    return original(self, c, typeid, *args, **kwargs)


@fault("managers.BaseManager.register", "manager.own-proxy-type-used")
def proxy_type_lists_names_only(original, cls, typeid, callable=None, proxytype=None, **kwargs):
    """Of a proxy type only the list of its methods is used: its own methods are missing."""
    if proxytype is not None and proxytype.__module__ != "multiprocessing.managers":
        kwargs["exposed"] = proxytype._exposed_
        kwargs["method_to_typeid"] = getattr(proxytype, "_method_to_typeid_", None)
        proxytype = None
    original(cls, typeid, callable, proxytype, **kwargs)


@fault("managers.BaseManager.register", "manager.proxytype-sets-defaults")
def types_expose_everything(original, cls, typeid, callable=None, proxytype=None, *args, **kwargs):
    """The methods that a proxy type lists are not a limit: all public ones can be called."""
    if proxytype is not None and isinstance(callable, type):
        public = [name for name in dir(callable) if not name.startswith("_")]
        kwargs.setdefault("exposed", (*getattr(proxytype, "_exposed_", ()), *public))
    original(cls, typeid, callable, proxytype, *args, **kwargs)


@fault("managers.BaseManager.register", "manager.proxytype-sets-defaults")
def types_return_copies(original, cls, typeid, callable=None, proxytype=None, *args, **kwargs):
    """The methods for which a proxy type lists a typeid return copies."""
    if proxytype is not None and proxytype.__module__ != "multiprocessing.managers":
        proxytype._method_to_typeid_ = None
    original(cls, typeid, callable, proxytype, *args, **kwargs)


@fault("managers.convert_to_error", "manager.server-trouble-is-remote-error")
def remote_traceback_is_lost(original, kind, result):
    """A failure in the server arrives without its traceback: its cause is unknown."""
    if kind == "#TRACEBACK":
        result = result.splitlines()[-1]
    return original(kind, result)


@fault("managers.convert_to_error", "manager.server-trouble-is-remote-error")
def unpicklable_results_are_value_errors(original, kind, result):
    """A result that cannot be pickled raises ValueError, as if the method had raised it."""
    if kind == "#UNSERIALIZABLE":
        return ValueError(result)
    return original(kind, result)


@fault("managers.Server.create", "manager.modules-and-generators-shared")
def generators_are_listed(original, self, c, typeid, /, *args, **kwargs):
    """A generator is exhausted at once, and so an endless one blocks: its items are a list."""
    entry = self.registry[typeid]
    if typeid == "squares":
        self.registry[typeid] = (lambda number: list(entry[0](number)), *entry[1:])
    try:
        return original(self, c, typeid, *args, **kwargs)
    finally:
        self.registry[typeid] = entry


@fault("managers.Server.create", "manager.modules-and-generators-shared")
def modules_are_refused(original, self, c, typeid, /, *args, **kwargs):
    """A callable that returns a module cannot be registered: the object is not made."""
    made = self.registry[typeid][0]
    if made is not None and type(result := made(*args, **kwargs)) is type(os):
        raise TypeError(f"cannot share {result}")
    return original(self, c, typeid, *args, **kwargs)


@fault("managers.AutoProxy", "manager.custom-proxies-can-be-nested")
def auto_proxies_cannot_be_nested(
    original, token, serializer, manager=None, authkey=None, exposed=None, incref=True, **kwargs
):
    """A proxy in a shared object raises TypeError: manager_owned is unexpected (bpo-30256)."""
    if kwargs:
        raise TypeError("AutoProxy() got an unexpected keyword argument 'manager_owned'")
    return original(token, serializer, manager, authkey, exposed, incref)


@fault("managers.BaseManager.register", "manager.registration-stays-in-class")
def registered_for_all_managers(original, cls, typeid, *args, **kwargs):
    """A type that a program registers with its manager class is known to its base class too."""
    original(cls, typeid, *args, **kwargs)
    base = cls.__mro__[1]
    if hasattr(base, "register") and hasattr(cls, str(typeid)):
        setattr(base, typeid, getattr(cls, typeid))


@fault("managers.BaseManager.register", "manager.registration-stays-in-class")
def any_typeid_is_taken(original, cls, typeid, *args, **kwargs):
    """A typeid that is not a string is accepted: the class gets a method of another name."""
    original(cls, str(typeid), *args, **kwargs)


@fault("managers.Server.create", "manager.remote-clients-share-queue")
def each_client_has_its_own(original, self, c, typeid, /, *args, **kwargs):
    """Each client of a server gets a queue of its own: no other client gets its items."""
    import queue

    ident, exposed = original(self, c, typeid, *args, **kwargs)
    obj, *rest = self.id_to_obj[ident]
    if isinstance(obj, queue.Queue):
        copied: queue.Queue[str] = queue.Queue()
        copied.queue.extend(obj.queue)
        self.copies = [*getattr(self, "copies", []), obj]
        self.id_to_obj[ident] = (copied, *rest)
    return ident, exposed


@fault("managers.BaseManager.get_server", "manager.remote-clients-share-queue")
def served_objects_are_unknown(original, self):
    """A server that is run by get_server() does not know what was registered."""
    registry, type(self)._registry = type(self)._registry, {}
    try:
        return original(self)
    finally:
        type(self)._registry = registry


@fault("managers.BaseManager.connect", "manager.connect-needs-server-and-key")
def connect_does_not_connect(original, self):
    """connect() succeeds without a server: only the first call of a method fails."""
    self._state.value = 1


@fault("connection.answer_challenge", "manager.connect-needs-server-and-key")
def wrong_key_is_os_error(original, connection, authkey, *args):
    """A wrong key raises an OSError, which a program takes for a network that fails."""
    try:
        original(connection, authkey, *args)
    except Exception as error:
        raise OSError(str(error)) from None


@fault("managers", "manager.proxies-use-their-clients-address")
def returned_proxies_use_the_servers_address(managers):
    """A proxy that a remote method returns uses the server's address of itself (bpo-17261)."""

    def set_once(original, self, name, value):
        if name != "address" or not hasattr(self, name):
            original(self, name, value)

    replace(managers.Token, "__setattr__", set_once)
