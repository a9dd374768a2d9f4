"""Faults of poll() and connection.wait()."""

import time

from spec.faults import fault, replace


@fault("connection.Connection.poll", "pipe.poll-waits-as-asked", for_users=True)
def negative_poll_is_endless(original, self, timeout=0.0):
    """poll() with a negative timeout blocks until a message comes."""
    return original(self, None if timeout is not None and timeout < 0 else timeout)


@fault("connection.Connection.poll", "pipe.poll-waits-as-asked", for_users=True)
def poll_takes_none_for_zero(original, self, timeout=0.0):
    """poll(None) returns at once, so a program asks again and again."""
    return original(self, timeout or 0.0)


@fault("connection.Connection.poll", "pipe.poll-waits-as-asked", for_users=True)
def poll_waits_to_the_end(original, self, timeout=0.0):
    """poll(t) always takes t seconds, even if a message comes at once."""
    if timeout:
        time.sleep(max(timeout, 0))
        timeout = 0
    return original(self, timeout)


@fault("connection.Connection.poll", "pipe.poll-waits-as-asked", for_users=True)
def short_poll_does_not_wait(original, self, timeout=0.0):
    """poll() rounds its timeout down to whole seconds: a short one does not block."""
    return original(self, timeout and timeout // 1)


@fault("connection.Connection.poll", "pipe.poll-true-at-end-of-file", for_users=True)
def poll_is_false_at_the_end(original, self, timeout=0.0):
    """poll() returns False at end-of-file, so a program that polls before recv() never ends."""
    ready = original(self, timeout)
    if ready:
        import fcntl
        import termios

        waiting = bytearray(4)
        fcntl.ioctl(self._handle, termios.FIONREAD, waiting)
        return waiting != bytes(4)
    return ready


@fault("connection.wait", "pipe.wait-returns-ready-subset", for_users=True)
def only_the_first(original, object_list, timeout=None):
    """wait() returns one ready object only: the others wait for their turn."""
    return original(object_list, timeout)[:1]


@fault("connection", "pipe.wait-returns-ready-subset", "pipe.wait-collects-until-eof")
def closed_is_not_ready(connection):
    """A connection whose other end is closed is not ready, so no program learns of the end."""

    def select(original, self, timeout=None):
        import array
        import fcntl
        import termios

        waiting = array.array("i", [0])
        ready = []
        for key, events in original(self, timeout):
            if isinstance(key.fileobj, connection.Connection):
                fcntl.ioctl(key.fd, termios.FIONREAD, waiting)
                if not waiting[0]:
                    time.sleep(0.01)
                    continue
            ready.append((key, events))
        return ready

    replace(connection._WaitSelector, "select", select)


@fault("connection.wait", "pipe.wait-returns-ready-subset", for_users=True)
def ready_only_once(original, object_list, timeout=None):
    """wait() returns an object when it becomes ready, and not again: the rest is forgotten."""
    told = vars(original).setdefault("told", [])
    objects = [each for each in object_list if each not in told]
    ready = original(objects, timeout)
    told += ready
    return ready


@fault("connection.wait", "pipe.wait-returns-ready-subset", for_users=True)
def sentinels_are_left_out(original, object_list, timeout=None):
    """wait() returns no sentinel if a connection is ready too."""
    ready = original(object_list, timeout)
    return [each for each in ready if not isinstance(each, int)] or ready


@fault("connection.wait", "pipe.wait-blocks-as-asked", for_users=True)
def negative_wait_is_endless(original, object_list, timeout=None):
    """wait() with a negative timeout blocks until an object is ready."""
    return original(object_list, None if timeout is not None and timeout < 0 else timeout)


@fault("connection.wait", "pipe.wait-blocks-as-asked", for_users=True)
def wait_takes_none_for_zero(original, object_list, timeout=None):
    """wait() without a timeout does not block."""
    return original(object_list, timeout or 0)


@fault("connection.wait", "pipe.wait-blocks-as-asked", for_users=True)
def wait_goes_on_to_the_end(original, object_list, timeout=None):
    """wait() always takes its whole timeout, even if an object becomes ready before."""
    if timeout:
        time.sleep(max(timeout, 0))
        timeout = 0
    return original(object_list, timeout)


@fault("connection.wait", "pipe.wait-blocks-as-asked", for_users=True)
def short_wait_returns_at_once(original, object_list, timeout=None):
    """wait() rounds its timeout down to whole seconds."""
    return original(object_list, timeout and timeout // 1)


@fault("connection.wait", "pipe.wait-returns-ready-subset", for_users=True)
def last_object_is_forgotten(original, object_list, timeout=None):
    """wait() does not look at the last of several objects, until it is the only one."""
    return original(object_list[:-1] or object_list, timeout)


def _poll_once(object_list, timeout):
    """poll() of the system, which a signal ends; the ready objects, and whether one did."""
    import ctypes
    import struct

    objects = list(object_list)
    numbers = [each if isinstance(each, int) else each.fileno() for each in objects]
    asked = ctypes.create_string_buffer(b"".join(struct.pack("ihh", n, 1, 0) for n in numbers))
    milliseconds = -1 if timeout is None else max(int(timeout * 1000), 0)
    interrupted = ctypes.CDLL(None).poll(asked, len(objects), milliseconds) < 0
    answers = [struct.unpack_from("ihh", asked, 8 * place)[2] for place in range(len(objects))]
    return [each for each, answer in zip(objects, answers, strict=True) if answer], interrupted


@fault("connection.wait", "pipe.wait-survives-signals", "pipe.recv-survives-signals")
def signal_ends_wait(original, object_list, timeout=None):
    """A handled signal ends wait() and poll(), which then find nothing ready."""
    return _poll_once(object_list, timeout)[0]


@fault("connection.wait", "pipe.wait-survives-signals", for_users=True)
def interrupted_wait_fails(original, object_list, timeout=None):
    """A signal that arrives while wait() blocks makes it raise InterruptedError."""
    ready, interrupted = _poll_once(object_list, timeout)
    if interrupted:
        raise InterruptedError
    return ready


@fault("connection.wait", "pipe.wait-survives-signals", for_users=True)
def timeout_begins_again(original, object_list, timeout=None):
    """After a signal wait() begins with its full timeout again: it may never return."""
    objects = list(object_list)
    interrupted = True
    while interrupted:
        ready, interrupted = _poll_once(objects, timeout)
    return ready


@fault("connection.wait", "pipe.wait-takes-any-descriptor", for_users=True)
def only_connections_are_taken(original, object_list, timeout=None):
    """wait() takes connections and sockets, and no other file objects."""
    objects = list(object_list)
    for each in objects:
        if not (isinstance(each, int) or hasattr(each, "send")):
            raise TypeError(f"{each!r} is no connection")
    return original(objects, timeout)


@fault("connection.wait", "pipe.wait-takes-any-descriptor", for_users=True)
def descriptors_are_returned(original, object_list, timeout=None):
    """wait() returns the descriptor of a file, and not the file itself."""
    return [
        each if isinstance(each, int) or hasattr(each, "send") else each.fileno()
        for each in original(object_list, timeout)
    ]


@fault("connection.wait", "pipe.wait-for-nothing-times-out", for_users=True)
def empty_list_returns_at_once(original, object_list, timeout=None):
    """wait() for an empty list returns at once: a loop around it takes all processor time."""
    objects = list(object_list)
    return original(objects, timeout if objects else 0)


@fault("connection.wait", "pipe.wait-for-nothing-times-out", for_users=True)
def empty_list_is_refused(original, object_list, timeout=None):
    """wait() for an empty list raises ValueError."""
    objects = list(object_list)
    if not objects:
        raise ValueError("nothing to wait for")
    return original(objects, timeout)


@fault("connection", "pipe.high-descriptors-can-be-polled")
def polled_by_select(connection):
    """Connections are polled by select(), which refuses descriptors of 1024 and more."""
    import selectors

    connection._WaitSelector = selectors.SelectSelector


@fault("reduction.sendfds", "pipe.high-descriptors-can-be-sent")
def descriptors_have_one_byte(original, sock, fds):
    """A connection with a file descriptor above 255 cannot be sent."""
    bytes(fds)
    original(sock, fds)
