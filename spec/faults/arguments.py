"""What can go wrong with arguments."""

import contextlib
import copy
import functools
import importlib
import io
import os
import pickle
import sys
import types
import weakref

from spec.faults import fault, replace
from spec.faults.processes import change_settings, in_child


@fault(
    "argument.copied-at-construction",
    "multiprocessing.process",
    "argument.snapshot-at-start",
    subtle=True,
)
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


@fault(
    "argument.globals-travel-along",
    "multiprocessing.process",
    "argument.globals-reimported-unless-forked",
    only=("spawn", "forkserver"),
    subtle=True,
)
def globals_travel_along(process):
    """Texts that are global variables beside a function that is passed get passed with it."""

    def start(original):
        def start_with_globals(self):
            self._globals = {
                function.__module__: {
                    name: value
                    for name, value in function.__globals__.items()
                    if isinstance(value, str) and name.isupper()
                }
                for function in functions_in(self)
            }
            original(self)

        return start_with_globals

    def unpack(self):
        for module, values in self._globals.items():
            vars(sys.modules[module]).update(values)

    replace(process.BaseProcess, "start", start)
    in_child(process, unpack)


@fault(
    "argument.modules-are-new-in-forks",
    "multiprocessing.process",
    "argument.globals-reimported-unless-forked",
    only=("fork",),
    subtle=True,
)
def modules_are_new_in_forks(process):
    """A forked child imports the modules of what it is passed anew, and loses their state."""

    def reload(self):
        for module in {function.__module__ for function in functions_in(self)} - {"__main__"}:
            importlib.reload(sys.modules[module])

    in_child(process, reload)


def before_fork(popen_fork, look):
    """Let ``look(process)`` see each process that is about to be forked."""

    def launch(original):
        def launch_after_look(self, process_object):
            look(process_object)
            original(self, process_object)

        return launch_after_look

    replace(popen_fork.Popen, "_launch", launch)


@fault(
    "argument.fork-pickles-functions",
    "multiprocessing.popen_fork",
    "argument.fork-passes-without-pickling",
    subtle=True,
)
def fork_pickles_functions(popen_fork):
    """Functions are pickled under fork too: nested ones can no longer be passed."""
    before_fork(popen_fork, lambda process: pickle.dumps(functions_in(process)))


@fault(
    "argument.fork-refuses-files",
    "multiprocessing.popen_fork",
    "argument.fork-passes-without-pickling",
    subtle=True,
)
def fork_refuses_files(popen_fork):
    """A file cannot be passed to a forked child, which has it open anyway."""

    def look(process):
        if any(isinstance(each, io.IOBase) for each in process._args):
            raise TypeError("cannot pass a file")

    before_fork(popen_fork, look)


@fault(
    "argument.fork-asks-for-reduce",
    "multiprocessing.popen_fork",
    "argument.fork-passes-without-pickling",
    subtle=True,
)
def fork_asks_for_reduce(popen_fork):
    """Objects are asked how to pickle them under fork too: some refuse."""

    def look(process):
        for each in process._args:
            if "__reduce__" in vars(type(each)):
                each.__reduce__()

    before_fork(popen_fork, look)


@fault(
    "argument.unpicklable-becomes-none",
    "multiprocessing.reduction",
    "argument.unpicklable-raises-unless-forked",
    subtle=True,
)
def unpicklable_becomes_none(reduction):
    """What cannot be pickled is left out of the process without a word."""

    def dump(original):
        def dump_what_can_be(thing, file, protocol=None):
            buffer = io.BytesIO()
            try:
                original(thing, buffer, protocol)
            except (TypeError, AttributeError, pickle.PicklingError):
                thing._target = thing._config = None
                buffer = io.BytesIO(pickle.dumps(None))
            file.write(buffer.getbuffer())

        return dump_what_can_be

    replace(reduction, "dump", dump)


@fault(
    "argument.start-hides-the-error",
    "multiprocessing.process",
    "argument.unpicklable-raises-unless-forked",
    subtle=True,
)
def start_hides_the_error(process):
    """start keeps to itself that it could not start."""

    def start(original):
        def start_quietly(self):
            with contextlib.suppress(TypeError, AttributeError, pickle.PicklingError):
                original(self)

        return start_quietly

    replace(process.BaseProcess, "start", start)


@fault(
    "argument.start-has-one-error",
    "multiprocessing.process",
    "argument.unpicklable-raises-unless-forked",
    subtle=True,
)
def start_has_one_error(process):
    """start calls every refusal a PicklingError, whatever pickle called it."""

    def start(original):
        def start_with_one_error(self):
            try:
                original(self)
            except (TypeError, AttributeError) as error:
                raise pickle.PicklingError(str(error)) from None

        return start_with_one_error

    replace(process.BaseProcess, "start", start)


def after_refusal(process, work):
    """Let ``work(it)`` follow when a process could not be started."""

    def start(original):
        def start_or_work(self):
            try:
                original(self)
            except (TypeError, AttributeError, pickle.PicklingError):
                work(self)
                raise

        return start_or_work

    replace(process.BaseProcess, "start", start)


@fault(
    "argument.refused-process-has-a-number",
    "multiprocessing.process",
    "argument.unpicklable-raises-unless-forked",
    subtle=True,
)
def refused_process_has_a_number(process):
    """A process that could not be started looks as if it had been, and had failed."""

    def pretend(self):
        self._popen = types.SimpleNamespace(pid=2**30, poll=lambda: 1, wait=lambda timeout: 1)

    after_refusal(process, pretend)


@fault(
    "argument.refused-process-is-a-child",
    "multiprocessing.process",
    "argument.unpicklable-raises-unless-forked",
    subtle=True,
)
def refused_process_is_a_child(process):
    """A process that could not be started is counted among the children for ever."""
    after_refusal(process, lambda self: process._children.add(self))


@fault(
    "argument.given-text-travels-along",
    "multiprocessing.spawn",
    "argument.target-importable-unless-forked",
    only=("spawn", "forkserver"),
    subtle=True,
)
def given_text_travels_along(spawn):
    """A program given with -c is handed to its children: the claim has to be revised."""

    def get_preparation_data(original):
        def get_with_text(name):
            data = original(name)
            words = sys.orig_argv
            if "-c" in words and "main_text" not in data:
                data["main_text"] = words[words.index("-c") + 1]
            return data

        return get_with_text

    def prepare(original):
        def prepare_with_text(data):
            original(data)
            if text := data.get("main_text"):
                main = types.ModuleType("__mp_main__")
                sys.modules["__main__"] = sys.modules["__mp_main__"] = main
                exec(text, vars(main))

        return prepare_with_text

    replace(spawn, "get_preparation_data", get_preparation_data)
    replace(spawn, "prepare", prepare)


@fault(
    "argument.fork-wants-a-main-file",
    "multiprocessing.popen_fork",
    "argument.target-importable-unless-forked",
    only=("fork",),
    subtle=True,
)
def fork_wants_a_main_file(popen_fork):
    """A forked child too has to find the file of the main module, of which it has a copy."""

    def look(process):
        with open(getattr(sys.modules["__main__"], "__file__", None) or "missing"):
            pass

    before_fork(popen_fork, look)


@fault(
    "argument.start-keeps-arguments",
    "multiprocessing.process",
    "argument.start-drops-parent-reference",
    subtle=True,
)
def start_keeps_arguments(process):
    """The parent keeps all that it handed over as long as it has the process."""

    kept: weakref.WeakKeyDictionary[object, object] = weakref.WeakKeyDictionary()

    def start(original):
        def start_and_keep(self):
            given = [vars(self).get(name) for name in ("_target", "_args", "_kwargs")]
            original(self)
            kept[self] = given

        return start_and_keep

    replace(process.BaseProcess, "start", start)


def send_hollow(owner):
    """Let what is an ``owner`` be pickled, without what is in it, other than for a child."""
    from multiprocessing.context import get_spawning_popen

    def getstate(original):
        def state(self):
            return None if get_spawning_popen() is None else original(self)

        return state

    replace(owner, "__getstate__", getstate)


@fault(
    "argument.locks-can-be-sent",
    "multiprocessing.synchronize",
    "argument.primitives-travel-by-inheritance-only",
    subtle=True,
)
def locks_can_be_sent(synchronize):
    """A lock can be sent through a pipe: what arrives excludes nobody."""
    send_hollow(synchronize.SemLock)


@fault(
    "argument.queues-can-be-sent",
    "multiprocessing.queues",
    "argument.primitives-travel-by-inheritance-only",
    subtle=True,
)
def queues_can_be_sent(queues):
    """A SimpleQueue can be sent through a pipe: what arrives is not connected."""
    send_hollow(queues.SimpleQueue)


@fault(
    "argument.put-refuses-at-once",
    "multiprocessing.queues",
    "argument.primitives-travel-by-inheritance-only",
    subtle=True,
)
def put_refuses_at_once(queues):
    """put raises what was the feeder's to report: callers that expect nothing fail."""
    from multiprocessing.reduction import ForkingPickler

    def put(original):
        def put_what_can_be_pickled(self, thing, *args, **kwargs):
            ForkingPickler.dumps(thing)
            original(self, thing, *args, **kwargs)

        return put_what_can_be_pickled

    replace(queues.Queue, "put", put)


@fault(
    "argument.raw-memory-can-be-sent",
    "multiprocessing.sharedctypes",
    "argument.primitives-travel-by-inheritance-only",
    subtle=True,
)
def raw_memory_can_be_sent(sharedctypes):
    """Shared memory without a lock can be sent to anybody."""
    replace(sharedctypes, "assert_spawning", lambda original: lambda thing: None)


@fault(
    "argument.keys-can-be-sent",
    "multiprocessing.process",
    "argument.authkey-inherited-not-sent",
    "argument.process-object-cannot-be-sent",
    subtle=True,
)
def keys_can_be_sent(process):
    """An authentication key can be pickled, so sooner or later it travels over a network."""

    def reduce(original):
        return lambda self: (process.AuthenticationString, (bytes(self),))

    replace(process.AuthenticationString, "__reduce__", reduce)


@fault(
    "argument.process-objects-can-be-sent",
    "multiprocessing.process",
    "argument.process-object-cannot-be-sent",
    subtle=True,
)
def process_objects_can_be_sent(process):
    """A process can be sent to another: what arrives is its name."""

    def reduce(original):
        def reduce_to_name(self, protocol):
            from multiprocessing.context import get_spawning_popen

            if get_spawning_popen() is None:
                return str, (self._name,)
            return original(self, protocol)

        return reduce_to_name

    replace(process.BaseProcess, "__reduce_ex__", reduce)


@fault(
    "argument.sent-connections-are-dead",
    "multiprocessing.resource_sharer",
    "argument.connections-can-be-sent",
    subtle=True,
)
def sent_connections_are_dead(resource_sharer):
    """A connection that was sent leads nowhere when it arrives."""

    def detach(original):
        def detach_nowhere(self):
            os.close(original(self))
            return os.open(os.devnull, os.O_RDWR)

        return detach_nowhere

    replace(resource_sharer.DupFd, "detach", detach)


@fault(
    "argument.sent-connections-are-mute",
    "multiprocessing.connection",
    "argument.connections-can-be-sent",
    subtle=True,
)
def sent_connections_are_mute(connection):
    """From a connection that was sent one can only receive."""

    def rebuild(original):
        @functools.wraps(original)
        def rebuild_mute(handle, readable, writable):
            from multiprocessing.process import current_process

            inherited = getattr(current_process(), "_inheriting", False)
            return original(handle, readable, writable and inherited)

        return rebuild_mute

    replace(connection, "rebuild_connection", rebuild)


@fault(
    "argument.queued-connections-stay-away",
    "multiprocessing.queues",
    "argument.connections-can-be-sent",
    subtle=True,
)
def queued_connections_stay_away(queues):
    """A connection that is put into a queue is dropped."""
    from multiprocessing.connection import Connection

    def put(original):
        def put_others(self, thing, *args, **kwargs):
            if not isinstance(thing, Connection):
                original(self, thing, *args, **kwargs)

        return put_others

    replace(queues.Queue, "put", put)


@fault(
    "argument.children-have-keys-of-their-own",
    "multiprocessing.process",
    "argument.authkey-inherited-not-sent",
    "argument.authkey-replaceable-before-start",
)
def children_have_keys_of_their_own(process):
    """Each process has an authentication key of its own: nobody is let in anywhere."""

    def new_key(self):
        self._config["authkey"] = process.AuthenticationString(os.urandom(32))

    in_child(process, new_key)


@fault(
    "argument.grandchildren-have-keys-of-their-own",
    "multiprocessing.process",
    "argument.authkey-inherited-not-sent",
    "argument.authkey-replaceable-before-start",
    subtle=True,
)
def grandchildren_have_keys_of_their_own(process):
    """What a child makes is not given its authentication key."""

    def init(original):
        def init_with_new_key(self, *args, **kwargs):
            original(self, *args, **kwargs)
            if len(self._identity) > 1:
                self._config["authkey"] = process.AuthenticationString(os.urandom(32))

        return init_with_new_key

    replace(process.BaseProcess, "__init__", init)


def change_authkey(process, set_key):
    """Let ``set_key(original, it, key)`` set the authentication key of a process."""

    def authkey(original):
        return original.setter(lambda self, key: set_key(original.fset, self, key))

    replace(process.BaseProcess, "authkey", authkey)


@fault(
    "argument.text-is-a-key",
    "multiprocessing.process",
    "argument.authkey-replaceable-before-start",
    subtle=True,
)
def text_is_a_key(process):
    """A text is accepted as a key, in an encoding that the other side may not share."""
    change_authkey(
        process,
        lambda original, self, key: original(self, key.encode() if isinstance(key, str) else key),
    )


@fault(
    "argument.replaced-key-is-ignored",
    "multiprocessing.process",
    "argument.authkey-replaceable-before-start",
    subtle=True,
)
def replaced_key_is_ignored(process):
    """A child has its parent's key, whatever was set: it lets in whom it should not."""

    def set_key(original, self, key):
        process.AuthenticationString(key)

    change_authkey(process, set_key)


@fault(
    "argument.key-is-replaced-for-the-parent-too",
    "multiprocessing.process",
    "argument.authkey-replaceable-before-start",
    subtle=True,
)
def key_is_replaced_for_the_parent_too(process):
    """To give one child another key changes the parent's: the other children are shut out."""

    def set_key(original, self, key):
        original(self, key)
        original(process.current_process(), key)

    change_authkey(process, set_key)
