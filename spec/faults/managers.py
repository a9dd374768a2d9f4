"""What can go wrong with managers and their proxies."""

from spec.faults import fault

MANAGERS = "multiprocessing.managers"
SHARED = "manager.list-and-dict-are-shared"
ENDED = "manager.proxies-die-with-manager"


@fault("managers.ListProxy.__setitem__", SHARED, crude=True)
def list_is_not_written(original, self, index, value):
    """What is assigned to an item of a managed list is lost."""
    return


@fault("managers.DictProxy.__setitem__", SHARED, crude=True)
def dict_is_not_written(original, self, key, value):
    """What is assigned to a key of a managed dict is lost."""
    return


@fault("managers.ListProxy.__setitem__", SHARED)
def last_item_is_not_written(original, self, index, value):
    """What is assigned to the last item of a managed list is lost."""
    if index != len(self) - 1:
        original(self, index, value)


@fault("managers.BaseManager.__exit__", ENDED, crude=True)
def outlives_its_block(original, self, *args):
    """The end of the with block does not end the manager: its process stays."""
    return


@fault("managers.BaseProxy.__str__", ENDED)
def str_hides_the_failure(original, self):
    """str() of a proxy without a manager looks like that of any other."""
    return original(self).replace("failed", "ok")


@fault("managers.DictProxy.__getitem__", ENDED)
def dead_dict_is_empty(original, self, key):
    """A managed dict without its manager gives None for every key, as if it knew."""
    try:
        return original(self, key)
    except OSError:
        return None
