"""Faults of managers and their proxies."""

from spec.faults import fault


@fault("managers.ListProxy.__setitem__", "manager.list-and-dict-are-shared", crude=True)
def list_is_not_written(original, self, index, value):
    """Assigning to an item of a managed list has no effect."""
    return


@fault("managers.DictProxy.__setitem__", "manager.list-and-dict-are-shared", crude=True)
def dict_is_not_written(original, self, key, value):
    """Assigning to a key of a managed dict has no effect."""
    return


@fault("managers.ListProxy.__setitem__", "manager.list-and-dict-are-shared")
def last_item_is_not_written(original, self, index, value):
    """Assigning to the last item of a managed list has no effect."""
    if index != len(self) - 1:
        original(self, index, value)


@fault("managers.BaseManager.__exit__", "manager.proxies-die-with-manager", crude=True)
def outlives_its_block(original, self, *args):
    """The end of the with block does not end the manager: its process stays."""
    return


@fault("managers.BaseProxy.__str__", "manager.proxies-die-with-manager")
def str_hides_the_failure(original, self):
    """str() of a proxy does not show that its manager has ended."""
    return original(self).replace("failed", "ok")


@fault("managers.DictProxy.__getitem__", "manager.proxies-die-with-manager")
def dict_without_manager_returns_none(original, self, key):
    """A managed dict returns None for each key once its manager has ended."""
    try:
        return original(self, key)
    except OSError:
        return None
