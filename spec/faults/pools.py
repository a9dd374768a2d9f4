"""What can go wrong with a pool."""

from spec.faults import fault, replace

POOL = "multiprocessing.pool"


@fault("pool.calls-have-one-number", POOL, "pool.each-call-gets-its-own-result", subtle=True)
def calls_have_one_number(pool):
    """All calls have the same number: a result goes to whoever asked last."""

    def init(original):
        def init_unnumbered(self, *args, **kwargs):
            original(self, *args, **kwargs)
            self._cache[0] = self._cache.pop(self._job)
            self._job = 0

        return init_unnumbered

    replace(pool.ApplyResult, "__init__", init)


@fault("pool.results-go-astray", POOL, "pool.each-call-gets-its-own-result")
def results_go_astray(pool):
    """The second of two results never comes."""

    def init(original):
        def init_half(self, *args, **kwargs):
            original(self, *args, **kwargs)
            if self._job % 2:
                del self._cache[self._job]

        return init_half

    replace(pool.ApplyResult, "__init__", init)


@fault(
    "pool.unordered-takes-one-at-a-time",
    POOL,
    "pool.chunks-go-to-one-worker",
    subtle=True,
)
def unordered_takes_one_at_a_time(pool):
    """imap_unordered forgets the chunksize: a million small items travel one by one."""

    def imap_unordered(original):
        return lambda self, func, iterable, chunksize=1: original(self, func, iterable)

    replace(pool.Pool, "imap_unordered", imap_unordered)
