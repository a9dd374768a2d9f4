"""What can go wrong with what has to be kept alive."""

from spec.faults import fault


@fault(
    "synchronize.SemLock._cleanup",
    "resource.unjoined-semaphores-lost-unless-forked",
    only=("spawn", "forkserver"),
    crude=True,
)
def semaphore_names_live_on(original, name):
    """Semaphores are never removed: unjoined programs work, and the names fill the system."""


@fault("util", "resource.unjoined-pipe-survives")
def pipes_close_at_exit(util):
    """A program that ends shuts down its pipes, though its children still talk through them."""
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
