"""Faults of objects that have to be kept alive."""

from spec.faults import fault


@fault(
    "synchronize.SemLock._cleanup",
    "resource.unjoined-semaphores-lost-unless-forked",
    only=("spawn", "forkserver"),
    crude=True,
)
def semaphore_names_are_kept(original, name):
    """The names of semaphores are never removed, and accumulate in the system."""


@fault("util", "resource.unjoined-pipe-survives")
def pipes_close_at_exit(util):
    """A program that ends shuts down its pipes, though its children still use them."""
    import atexit
    import gc
    import os
    import socket

    def shut_down():
        from multiprocessing.connection import Connection

        for found in gc.get_objects():
            if isinstance(found, Connection) and not found.closed:
                with socket.socket(fileno=os.dup(found.fileno())) as end:
                    end.shutdown(socket.SHUT_RDWR)

    atexit.register(shut_down)
