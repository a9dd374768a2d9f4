"""Faults of arguments."""

import contextlib
import importlib
import io
import os
import pickle
import sys
import types
import weakref

from spec.faults import fault, replace
from spec.faults.processes import in_child, settings_of

# The arguments of each Process, in the process that has started it.
KEPT: weakref.WeakKeyDictionary[object, object] = weakref.WeakKeyDictionary()


@fault("process.BaseProcess.__init__", "argument.snapshot-at-start")
def lists_are_copied_at_creation(original, self, *args, **kwargs):
    """A list is copied when the Process is created: later items do not reach the child."""
    settings = settings_of(*args, **kwargs)
    settings["args"] = [each.copy() if type(each) is list else each for each in settings["args"]]
    original(self, **settings)


@fault("process.BaseProcess.__init__", "argument.snapshot-at-start")
def keywords_are_copied_at_creation(original, self, *args, **kwargs):
    """A list in kwargs is copied when the Process is created: later items do not arrive."""
    original(self, *args, **kwargs)
    for name, value in self._kwargs.items():
        if type(value) is list:
            self._kwargs[name] = value.copy()


def functions_in(process):
    """The target, and those arguments that are functions."""
    given = (process._target, *process._args)
    return [thing for thing in given if isinstance(thing, types.FunctionType)]


@fault("process", "argument.globals-reimported-unless-forked", only=("spawn", "forkserver"))
def globals_travel_along(process):
    """Global strings travel with the functions of their module: children see changed values."""

    def start_with_globals(original, self):
        self._globals = {
            function.__module__: {
                name: value
                for name, value in function.__globals__.items()
                if isinstance(value, str) and name.isupper()
            }
            for function in functions_in(self)
        }
        original(self)

    def unpack(self):
        for module, values in self._globals.items():
            vars(sys.modules[module]).update(values)

    replace(process.BaseProcess, "start", start_with_globals)
    in_child(process, unpack)


@fault("process", "argument.globals-reimported-unless-forked", only=("fork",))
def forks_import_again(process):
    """A forked child imports the modules of its functions again, and loses their state."""

    def reload(self):
        for module in {function.__module__ for function in functions_in(self)} - {"__main__"}:
            importlib.reload(sys.modules[module])

    in_child(process, reload)


@fault("popen_fork.Popen._launch", "argument.fork-passes-without-pickling")
def fork_pickles_functions(original, self, process):
    """Functions are pickled under fork too: nested functions can no longer be passed."""
    try:
        pickle.dumps(functions_in(process))
    except (AttributeError, pickle.PicklingError) as error:
        raise pickle.PicklingError(str(error)) from None
    original(self, process)


@fault("popen_fork.Popen._launch", "argument.fork-passes-without-pickling")
def fork_refuses_files(original, self, process):
    """A file cannot be passed to a forked child, although it is open there."""
    if any(isinstance(each, io.IOBase) for each in process._args):
        raise TypeError("cannot pass a file")
    original(self, process)


@fault("popen_fork.Popen._launch", "argument.fork-passes-without-pickling")
def fork_calls_reduce(original, self, process):
    """__reduce__() is called under fork too: objects that refuse it can no longer be passed."""
    for each in process._args:
        if "__reduce__" in vars(type(each)):
            try:
                each.__reduce__()
            except TypeError:
                raise TypeError(f"cannot pass a {type(each).__name__}") from None
    original(self, process)


@fault("reduction.dump", "argument.unpicklable-raises-unless-forked")
def unpicklable_becomes_none(original, thing, file, protocol=None):
    """An object that cannot be pickled is silently left out: the child does nothing."""
    buffer = io.BytesIO()
    try:
        original(thing, buffer, protocol)
    except (TypeError, AttributeError, pickle.PicklingError):
        thing._target = thing._config = None
        buffer = io.BytesIO(pickle.dumps(None))
    file.write(buffer.getbuffer())


@fault("process.BaseProcess.start", "argument.unpicklable-raises-unless-forked")
def start_hides_the_error(original, self):
    """start() hides its error: the process is silently not started."""
    with contextlib.suppress(TypeError, AttributeError, pickle.PicklingError):
        original(self)


@fault("process.BaseProcess.start", "argument.unpicklable-raises-unless-forked")
def start_has_one_error(original, self):
    """start() raises PicklingError in all cases, even if pickle raises another error."""
    try:
        original(self)
    except (TypeError, AttributeError) as error:
        raise pickle.PicklingError(str(error)) from None


@fault("process.BaseProcess.start", "argument.unpicklable-raises-unless-forked")
def refused_process_has_a_pid(original, self):
    """A process whose start() has failed has a PID and an exit code, like one that has run."""
    try:
        original(self)
    except (TypeError, AttributeError, pickle.PicklingError):
        self._popen = types.SimpleNamespace(pid=2**30, poll=lambda: 1, wait=lambda timeout: 1)
        raise


@fault("process.BaseProcess.start", "argument.unpicklable-raises-unless-forked")
def refused_process_is_listed(original, self):
    """A process whose start() has failed is listed by active_children()."""
    from multiprocessing import process

    try:
        original(self)
    except (TypeError, AttributeError, pickle.PicklingError):
        process._children.add(self)
        raise


@fault("spawn", "argument.target-importable-unless-forked", only=("spawn", "forkserver"))
def children_run_text_of_c(spawn):
    """Children execute the program given with -c: the claim is out of date."""

    def get_with_text(original, name):
        data = original(name)
        words = sys.orig_argv
        if "-c" in words and "main_text" not in data:
            data["main_text"] = words[words.index("-c") + 1]
        return data

    def prepare_with_text(original, data):
        original(data)
        if text := data.get("main_text"):
            main = types.ModuleType("__mp_main__")
            sys.modules["__main__"] = sys.modules["__mp_main__"] = main
            exec(text, vars(main))

    replace(spawn, "get_preparation_data", get_with_text)
    replace(spawn, "prepare", prepare_with_text)


@fault("popen_fork.Popen._launch", "argument.target-importable-unless-forked", only=("fork",))
def fork_needs_main_file(original, self, process):
    """A program without a file cannot fork a child, although the child has a copy of it."""
    with open(getattr(sys.modules["__main__"], "__file__", None) or "missing"):
        pass
    original(self, process)


@fault("process.BaseProcess.start", "argument.start-drops-parent-reference")
def start_keeps_arguments(original, self):
    """The parent keeps target and args as long as the Process: their memory is not freed."""
    given = [vars(self).get(name) for name in ("_target", "_args", "_kwargs")]
    original(self)
    KEPT[self] = given


@fault("process.BaseProcess.start", "argument.start-drops-parent-reference")
def start_keeps_keywords(original, self):
    """The parent keeps kwargs as long as the Process: their memory is not freed."""
    given = vars(self).get("_kwargs")
    original(self)
    KEPT[self] = given


def send_without_state(owner):
    """Let an instance of ``owner`` be pickled without its state, except for a child."""
    from multiprocessing.context import get_spawning_popen

    def state(original, self):
        return None if get_spawning_popen() is None else original(self)

    replace(owner, "__getstate__", state)


@fault("synchronize", "argument.primitives-travel-by-inheritance-only")
def locks_can_be_sent(synchronize):
    """A lock can be sent through a pipe: the lock that arrives excludes no process."""
    send_without_state(synchronize.SemLock)


@fault("queues", "argument.primitives-travel-by-inheritance-only")
def queues_can_be_sent(queues):
    """A SimpleQueue can be sent through a pipe: the queue that arrives is not connected."""
    send_without_state(queues.SimpleQueue)


@fault("queues.Queue.put", "argument.primitives-travel-by-inheritance-only")
def put_raises_pickles_error(original, self, thing, *args, **kwargs):
    """Queue.put() raises pickle's error: callers that expect no error fail."""
    from multiprocessing.reduction import ForkingPickler

    ForkingPickler.dumps(thing)
    original(self, thing, *args, **kwargs)


@fault("sharedctypes.assert_spawning", "argument.primitives-travel-by-inheritance-only")
def raw_memory_can_be_sent(original, thing):
    """RawValue and RawArray can be sent to any process, where they cannot be used."""


@fault(
    "process.AuthenticationString.__reduce__",
    "argument.authkey-inherited-not-sent",
    "argument.process-object-cannot-be-sent",
)
def keys_can_be_sent(original, self):
    """An authentication key can be pickled, so it can be sent over a network by accident."""
    from multiprocessing import process

    return (process.AuthenticationString, (bytes(self),))


@fault("process.BaseProcess.__reduce_ex__", "argument.process-object-cannot-be-sent")
def process_objects_can_be_sent(original, self, protocol):
    """A Process can be sent through a pipe: only its name arrives."""
    from multiprocessing.context import get_spawning_popen

    if get_spawning_popen() is None:
        return str, (self._name,)
    return original(self, protocol)


@fault("resource_sharer.DupFd.detach", "argument.connections-can-be-sent")
def sent_connections_are_dead(original, self):
    """A connection that was sent is connected to nothing when it arrives."""
    os.close(original(self))
    return os.open(os.devnull, os.O_RDWR)


@fault("connection", "argument.connections-can-be-sent")
def sent_connections_are_mute(connection):
    """A connection that was sent can receive, but send() raises OSError."""
    from multiprocessing import context, reduction

    def reduce_to_reader(sent):
        rebuild, (handle, readable, writable) = connection.reduce_connection(sent)
        inherited = context.get_spawning_popen() is not None
        return rebuild, (handle, readable, writable and inherited)

    reduction.register(connection.Connection, reduce_to_reader)


@fault("queues.Queue.put", "argument.connections-can-be-sent")
def queued_connections_are_lost(original, self, thing, *args, **kwargs):
    """A connection that is put into a queue is silently lost."""
    from multiprocessing.connection import Connection

    if not isinstance(thing, Connection):
        original(self, thing, *args, **kwargs)


@fault(
    "process",
    "argument.authkey-inherited-not-sent",
    "argument.authkey-replaceable-before-start",
    crude=True,
)
def children_have_keys_of_their_own(process):
    """Each child has an authentication key of its own: processes cannot connect to each other."""

    def new_key(self):
        self._config["authkey"] = process.AuthenticationString(os.urandom(32))

    in_child(process, new_key)


@fault(
    "process.BaseProcess.__init__",
    "argument.authkey-inherited-not-sent",
    "argument.authkey-replaceable-before-start",
)
def grandchildren_have_keys_of_their_own(original, self, *args, **kwargs):
    """A grandchild does not inherit the authentication key, and cannot connect."""
    from multiprocessing import process

    original(self, *args, **kwargs)
    if len(self._identity) > 1:
        self._config["authkey"] = process.AuthenticationString(os.urandom(32))


@fault("process.BaseProcess.authkey.setter", "argument.authkey-must-be-bytes")
def string_is_a_key(original, self, key):
    """A string is accepted as a key, in an encoding that the other side may not use."""
    original(self, key.encode() if isinstance(key, str) else key)


@fault("process.BaseProcess.authkey.setter", "argument.authkey-replaceable-before-start")
def replaced_key_is_ignored(original, self, key):
    """A child has its parent's key, though another was set: it accepts the wrong clients."""
    from multiprocessing import process

    process.AuthenticationString(key)


@fault("process.BaseProcess.authkey.setter", "argument.authkey-replaceable-before-start")
def parent_gets_the_new_key_too(original, self, key):
    """A new key for one child becomes the parent's: its other children cannot connect."""
    from multiprocessing import process

    original(self, key)
    original(process.current_process(), key)


@fault("process.BaseProcess.authkey.setter", "argument.authkey-must-be-bytes")
def refused_key_is_lost(original, self, key):
    """After a str was refused as a key, the old key is gone: the next connection fails."""
    try:
        original(self, key)
    except TypeError:
        original(self, b"")
        raise


@fault("process.BaseProcess.start", "argument.authkey-taken-at-construction")
def key_is_taken_at_start(original, self):
    """A child gets the authentication key that its creator has at start(): not its own."""
    from multiprocessing import process

    self._config["authkey"] = process.current_process().authkey
    original(self)
