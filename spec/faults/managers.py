"""What can go wrong with managers and their proxies."""

from spec.faults import fault, replace

MANAGERS = "multiprocessing.managers"
SHARED = "manager.list-and-dict-are-shared"
ENDED = "manager.proxies-die-with-manager"


@fault("manager.list-is-not-written", MANAGERS, SHARED)
def list_is_not_written(managers):
    """What is assigned to an item of a managed list is lost."""
    replace(managers.ListProxy, "__setitem__", lambda original: lambda self, index, value: None)


@fault("manager.dict-is-not-written", MANAGERS, SHARED)
def dict_is_not_written(managers):
    """What is assigned to a key of a managed dict is lost."""
    replace(managers.DictProxy, "__setitem__", lambda original: lambda self, key, value: None)


@fault("manager.last-item-is-not-written", MANAGERS, SHARED, subtle=True)
def last_item_is_not_written(managers):
    """What is assigned to the last item of a managed list is lost."""

    def make(original):
        def setitem(self, index, value):
            if index != len(self) - 1:
                original(self, index, value)

        return setitem

    replace(managers.ListProxy, "__setitem__", make)


@fault("manager.outlives-its-block", MANAGERS, ENDED)
def outlives_its_block(managers):
    """The end of the with block does not end the manager: its process stays."""
    replace(managers.BaseManager, "__exit__", lambda original: lambda self, *args: None)


@fault("manager.str-hides-the-failure", MANAGERS, ENDED, subtle=True)
def str_hides_the_failure(managers):
    """str() of a proxy without a manager looks like that of any other."""

    def make(original):
        return lambda self: original(self).replace("failed", "ok")

    replace(managers.BaseProxy, "__str__", make)


@fault("manager.dead-dict-is-empty", MANAGERS, ENDED, subtle=True)
def dead_dict_is_empty(managers):
    """A managed dict without its manager gives None for every key, as if it knew."""

    def make(original):
        def getitem(self, key):
            try:
                return original(self, key)
            except OSError:
                return None

        return getitem

    replace(managers.DictProxy, "__getitem__", make)
