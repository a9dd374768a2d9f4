"""What can go wrong with arguments."""

import contextlib
import copy
import importlib
import io
import os
import pickle
import sys
import types
import weakref

from spec.faults import fault, replace
from spec.faults.processes import change_settings, in_child


@fault("process", "argument.snapshot-at-start")
def copied_at_construction(process):
    """A list is copied when the process is constructed: what is added until the start is lost."""

    def change(settings):
        settings["args"] = [copy_of_list(each) for each in settings["args"]]

    change_settings(process, change)


def copy_of_list(thing):
    """A copy if it is a list, else the thing itself."""
    return copy.copy(thing) if type(thing) is list else thing


def functions_in(process_object):
    """The target, and those arguments that are functions."""
    given = (process_object._target, *process_object._args)
    return [thing for thing in given if isinstance(thing, types.FunctionType)]


@fault("process", "argument.globals-reimported-unless-forked", only=("spawn", "forkserver"))
def globals_travel_along(process):
    """Texts that are global variables beside a function that is passed get passed with it."""

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
def modules_are_new_in_forks(process):
    """A forked child imports the modules of what it is passed anew, and loses their state."""

    def reload(self):
        for module in {function.__module__ for function in functions_in(self)} - {"__main__"}:
            importlib.reload(sys.modules[module])

    in_child(process, reload)


def before_fork(popen_fork, look):
    """Let ``look(process)`` see each process that is about to be forked."""

    def launch_after_look(original, self, process_object):
        look(process_object)
        original(self, process_object)

    replace(popen_fork.Popen, "_launch", launch_after_look)


@fault("popen_fork", "argument.fork-passes-without-pickling")
def fork_pickles_functions(popen_fork):
    """Functions are pickled under fork too: nested ones can no longer be passed."""
    before_fork(popen_fork, lambda process: pickle.dumps(functions_in(process)))


@fault("popen_fork", "argument.fork-passes-without-pickling")
def fork_refuses_files(popen_fork):
    """A file cannot be passed to a forked child, which has it open anyway."""

    def look(process):
        if any(isinstance(each, io.IOBase) for each in process._args):
            raise TypeError("cannot pass a file")

    before_fork(popen_fork, look)


@fault("popen_fork", "argument.fork-passes-without-pickling")
def fork_asks_for_reduce(popen_fork):
    """Objects are asked how to pickle them under fork too: some refuse."""

    def look(process):
        for each in process._args:
            if "__reduce__" in vars(type(each)):
                each.__reduce__()

    before_fork(popen_fork, look)


@fault("reduction.dump", "argument.unpicklable-raises-unless-forked")
def unpicklable_becomes_none(original, thing, file, protocol=None):
    """What cannot be pickled is left out of the process without a word."""
    buffer = io.BytesIO()
    try:
        original(thing, buffer, protocol)
    except (TypeError, AttributeError, pickle.PicklingError):
        thing._target = thing._config = None
        buffer = io.BytesIO(pickle.dumps(None))
    file.write(buffer.getbuffer())


@fault("process.BaseProcess.start", "argument.unpicklable-raises-unless-forked")
def start_hides_the_error(original, self):
    """start keeps to itself that it could not start."""
    with contextlib.suppress(TypeError, AttributeError, pickle.PicklingError):
        original(self)


@fault("process.BaseProcess.start", "argument.unpicklable-raises-unless-forked")
def start_has_one_error(original, self):
    """start calls every refusal a PicklingError, whatever pickle called it."""
    try:
        original(self)
    except (TypeError, AttributeError) as error:
        raise pickle.PicklingError(str(error)) from None


def after_refusal(process, work):
    """Let ``work(it)`` follow when a process could not be started."""

    def start_or_work(original, self):
        try:
            original(self)
        except (TypeError, AttributeError, pickle.PicklingError):
            work(self)
            raise

    replace(process.BaseProcess, "start", start_or_work)


@fault("process", "argument.unpicklable-raises-unless-forked")
def refused_process_has_a_number(process):
    """A process that could not be started looks as if it had been, and had failed."""

    def pretend(self):
        self._popen = types.SimpleNamespace(pid=2**30, poll=lambda: 1, wait=lambda timeout: 1)

    after_refusal(process, pretend)


@fault("process", "argument.unpicklable-raises-unless-forked")
def refused_process_is_a_child(process):
    """A process that could not be started is counted among the children for ever."""
    after_refusal(process, lambda self: process._children.add(self))


@fault("spawn", "argument.target-importable-unless-forked", only=("spawn", "forkserver"))
def given_text_travels_along(spawn):
    """A program given with -c is handed to its children: the claim has to be revised."""

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


@fault("popen_fork", "argument.target-importable-unless-forked", only=("fork",))
def fork_wants_a_main_file(popen_fork):
    """A forked child too has to find the file of the main module, of which it has a copy."""

    def look(process):
        with open(getattr(sys.modules["__main__"], "__file__", None) or "missing"):
            pass

    before_fork(popen_fork, look)


@fault("process", "argument.start-drops-parent-reference")
def start_keeps_arguments(process):
    """The parent keeps all that it handed over as long as it has the process."""

    kept: weakref.WeakKeyDictionary[object, object] = weakref.WeakKeyDictionary()

    def start_and_keep(original, self):
        given = [vars(self).get(name) for name in ("_target", "_args", "_kwargs")]
        original(self)
        kept[self] = given

    replace(process.BaseProcess, "start", start_and_keep)


def send_hollow(owner):
    """Let what is an ``owner`` be pickled, without what is in it, other than for a child."""
    from multiprocessing.context import get_spawning_popen

    def state(original, self):
        return None if get_spawning_popen() is None else original(self)

    replace(owner, "__getstate__", state)


@fault("synchronize", "argument.primitives-travel-by-inheritance-only")
def locks_can_be_sent(synchronize):
    """A lock can be sent through a pipe: what arrives excludes nobody."""
    send_hollow(synchronize.SemLock)


@fault("queues", "argument.primitives-travel-by-inheritance-only")
def queues_can_be_sent(queues):
    """A SimpleQueue can be sent through a pipe: what arrives is not connected."""
    send_hollow(queues.SimpleQueue)


@fault("queues", "argument.primitives-travel-by-inheritance-only")
def put_refuses_at_once(queues):
    """put raises what was the feeder's to report: callers that expect nothing fail."""
    from multiprocessing.reduction import ForkingPickler

    def put_what_can_be_pickled(original, self, thing, *args, **kwargs):
        ForkingPickler.dumps(thing)
        original(self, thing, *args, **kwargs)

    replace(queues.Queue, "put", put_what_can_be_pickled)


@fault("sharedctypes.assert_spawning", "argument.primitives-travel-by-inheritance-only")
def raw_memory_can_be_sent(original, thing):
    """Shared memory without a lock can be sent to anybody."""
    return


@fault(
    "process.AuthenticationString.__reduce__",
    "argument.authkey-inherited-not-sent",
    "argument.process-object-cannot-be-sent",
)
def keys_can_be_sent(original, self):
    """An authentication key can be pickled, so sooner or later it travels over a network."""
    from multiprocessing import process

    return (process.AuthenticationString, (bytes(self),))


@fault("process.BaseProcess.__reduce_ex__", "argument.process-object-cannot-be-sent")
def process_objects_can_be_sent(original, self, protocol):
    """A process can be sent to another: what arrives is its name."""
    from multiprocessing.context import get_spawning_popen

    if get_spawning_popen() is None:
        return str, (self._name,)
    return original(self, protocol)


@fault("resource_sharer.DupFd.detach", "argument.connections-can-be-sent")
def sent_connections_are_dead(original, self):
    """A connection that was sent leads nowhere when it arrives."""
    os.close(original(self))
    return os.open(os.devnull, os.O_RDWR)


@fault("connection.rebuild_connection", "argument.connections-can-be-sent")
def sent_connections_are_mute(original, handle, readable, writable):
    """From a connection that was sent one can only receive."""
    from multiprocessing.process import current_process

    inherited = getattr(current_process(), "_inheriting", False)
    return original(handle, readable, writable and inherited)


@fault("queues", "argument.connections-can-be-sent")
def queued_connections_stay_away(queues):
    """A connection that is put into a queue is dropped."""
    from multiprocessing.connection import Connection

    def put_others(original, self, thing, *args, **kwargs):
        if not isinstance(thing, Connection):
            original(self, thing, *args, **kwargs)

    replace(queues.Queue, "put", put_others)


@fault(
    "process",
    "argument.authkey-inherited-not-sent",
    "argument.authkey-replaceable-before-start",
    crude=True,
)
def children_have_keys_of_their_own(process):
    """Each process has an authentication key of its own: nobody is let in anywhere."""

    def new_key(self):
        self._config["authkey"] = process.AuthenticationString(os.urandom(32))

    in_child(process, new_key)


@fault(
    "process.BaseProcess.__init__",
    "argument.authkey-inherited-not-sent",
    "argument.authkey-replaceable-before-start",
)
def grandchildren_have_keys_of_their_own(original, self, *args, **kwargs):
    """What a child makes is not given its authentication key."""
    from multiprocessing import process

    original(self, *args, **kwargs)
    if len(self._identity) > 1:
        self._config["authkey"] = process.AuthenticationString(os.urandom(32))


@fault("process.BaseProcess.authkey.setter", "argument.authkey-replaceable-before-start")
def text_is_a_key(original, self, key):
    """A text is accepted as a key, in an encoding that the other side may not share."""
    original(self, key.encode() if isinstance(key, str) else key)


@fault("process.BaseProcess.authkey.setter", "argument.authkey-replaceable-before-start")
def replaced_key_is_ignored(original, self, key):
    """A child has its parent's key, whatever was set: it lets in whom it should not."""
    from multiprocessing import process

    process.AuthenticationString(key)


@fault("process.BaseProcess.authkey.setter", "argument.authkey-replaceable-before-start")
def key_is_replaced_for_the_parent_too(original, self, key):
    """To give one child another key changes the parent's: the other children are shut out."""
    from multiprocessing import process

    original(self, key)
    original(process.current_process(), key)
