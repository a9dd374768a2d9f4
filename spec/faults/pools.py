"""Faults of pools."""

from spec.faults import fault


@fault("pool.ApplyResult.__init__", "pool.each-call-gets-its-own-result")
def calls_share_one_id(original, self, *args, **kwargs):
    """All calls have the same ID: the latest call gets the results of the others."""
    original(self, *args, **kwargs)
    self._cache[0] = self._cache.pop(self._job)
    self._job = 0


@fault("pool.ApplyResult.__init__", "pool.each-call-gets-its-own-result", crude=True)
def every_second_result_is_lost(original, self, *args, **kwargs):
    """Every second result never arrives: its get() blocks forever."""
    original(self, *args, **kwargs)
    if self._job % 2:
        del self._cache[self._job]


@fault("pool.Pool.imap_unordered", "pool.chunks-go-to-one-worker")
def imap_unordered_ignores_chunksize(original, self, func, iterable, chunksize=1):
    """imap_unordered() ignores chunksize: a million small items are a million messages."""
    return original(self, func, iterable)
