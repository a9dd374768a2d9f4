"""What can go wrong with a pool."""

from spec.faults import fault

POOL = "multiprocessing.pool"


@fault("pool.ApplyResult.__init__", "pool.each-call-gets-its-own-result")
def calls_have_one_number(original, self, *args, **kwargs):
    """All calls have the same number: a result goes to whoever asked last."""
    original(self, *args, **kwargs)
    self._cache[0] = self._cache.pop(self._job)
    self._job = 0


@fault("pool.ApplyResult.__init__", "pool.each-call-gets-its-own-result", crude=True)
def results_go_astray(original, self, *args, **kwargs):
    """The second of two results never comes."""
    original(self, *args, **kwargs)
    if self._job % 2:
        del self._cache[self._job]


@fault("pool.Pool.imap_unordered", "pool.chunks-go-to-one-worker")
def unordered_takes_one_at_a_time(original, self, func, iterable, chunksize=1):
    """imap_unordered forgets the chunksize: a million small items travel one by one."""
    return original(self, func, iterable)
