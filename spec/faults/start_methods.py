"""What can go wrong with start methods and contexts."""

import os
import stat

from spec.faults import fault, replace

UNLESS_FORKED = ("spawn", "forkserver")


@fault(
    "context",
    "start-method.platform-default",
    "start-method.none-fixes-default",
    "start-method.allow-none-fixes-nothing",
    "start-method.fixed-when-first-needed",
    crude=True,
)
def a_default_of_its_own(context):
    """The default is spawn where the platform's is another: programs that fork fail to pickle."""
    context._default_context._default_context = context._concrete_contexts["spawn"]


@fault("context", "start-method.default-listed-first")
def chosen_listed_first(context):
    """The list of start methods begins with the chosen one: the default cannot be told from it."""

    def chosen_first(original, self):
        chosen = self.get_start_method(allow_none=True)
        return sorted(original(self), key=lambda name: name != chosen)

    # Under the default method itself the list is the right one: there one name comes twice.
    def default_again(original, self):
        names = original(self)
        if self.get_start_method(allow_none=True) == names[0]:
            names = [*names, names[0]]
        return names

    replace(context.DefaultContext, "get_all_start_methods", default_again)
    replace(context.DefaultContext, "get_all_start_methods", chosen_first)


@fault("context.DefaultContext.set_start_method", "start-method.set-only-once", crude=True)
def set_again(original, self, method, force=False):
    """set_start_method works any number of times: who comes last undoes what others rely on."""
    return original(self, method, True)


@fault("context.DefaultContext.set_start_method", "start-method.set-only-once")
def same_name_accepted(original, self, method, force=False):
    """To set the same start method twice is no error: it is found out when one of them changes."""
    if method is None or method != self.get_start_method(allow_none=True):
        original(self, method, force)


@fault(
    "context.DefaultContext.set_start_method", "start-method.force-replaces-or-unsets", crude=True
)
def force_is_no_use(original, self, method, force=False):
    """force=True does nothing: what was once set stays in force, and the call fails."""
    return original(self, method)


@fault("context.DefaultContext.set_start_method", "start-method.force-replaces-or-unsets")
def forced_none_is_the_default(original, self, method, force=False):
    """set_start_method(None, force=True) sets the default, so that nothing can be set after it."""
    original(self, method, force)
    if method is None and force:
        original(self, None)


@fault("context.DefaultContext.set_start_method", "start-method.none-fixes-default")
def none_leaves_it_open(original, self, method, force=False):
    """set_start_method(None) sets nothing: another part of the program can still choose."""
    original(self, method, force)
    if method is None:
        self._actual_context = None


@fault("context.BaseContext.get_context", "start-method.unknown-name-refused", crude=True)
def unknown_is_the_default(original, self, method=None):
    """A misspelt start method is taken for the default: nobody learns that it was misspelt."""
    from multiprocessing import context

    try:
        return original(self, method)
    except ValueError:
        return context._default_context._default_context


@fault("context.BaseContext.get_context", "start-method.unknown-name-refused")
def capitals_will_do(original, self, method=None):
    """SPAWN is taken for spawn here, and refused elsewhere: programs are no longer portable."""
    return original(self, method and method.lower())


@fault("context.DefaultContext.set_start_method", "start-method.unknown-name-refused")
def refusal_unsets(original, self, method, force=False):
    """A name that is refused, given by force, unsets what was set: the default is in force then."""
    if force:
        self._actual_context = None
    original(self, method, force)


@fault(
    "context.DefaultContext.get_start_method",
    "start-method.allow-none-fixes-nothing",
    "start-method.force-replaces-or-unsets",
    "start-method.fixed-when-first-needed",
    crude=True,
)
def asking_sets(original, self, allow_none=False):
    """To ask for the start method sets it, even with allow_none: a library that looks decides."""
    return original(self)


@fault("context.DefaultContext.get_start_method", "start-method.allow-none-fixes-nothing")
def told_and_not_set(original, self, allow_none=False):
    """get_start_method tells the default without setting it: it may be another at the start."""
    before = self._actual_context
    told = original(self, allow_none)
    self._actual_context = before
    return told


@fault("context.BaseContext.Pipe", "start-method.fixed-when-first-needed")
def pipe_sets(original, self, duplex=True):
    """To make a Pipe sets the global start method, though any process can use a pipe."""
    self.get_context()
    return original(self, duplex)


@fault("context.BaseContext.Value", "start-method.fixed-when-first-needed")
def value_does_not_set(original, self, *args, **kwargs):
    """A Value is made for the default while another method can still be set: it is of no use."""
    from multiprocessing import context

    before = vars(self).get("_actual_context")
    made = original(self, *args, **kwargs)
    if self is context._default_context:
        self._actual_context = before
    return made


@fault("process", "start-method.explicit-start-fixes-nothing")
def explicit_start_sets(process):
    """A library that starts a process from a context of its own decides for the whole program."""
    from multiprocessing import context

    def set_and_start(original, self):
        if self._start_method and context._default_context._actual_context is None:
            context._default_context._actual_context = context._concrete_contexts[
                self._start_method
            ]
        original(self)

    replace(process.BaseProcess, "start", set_and_start)


@fault("context.BaseContext.get_context", "start-method.contexts-coexist", crude=True)
def last_context_wins(original, self, method=None):
    """All contexts start processes by the method that was asked for last."""
    from multiprocessing import context

    found = original(self, method)
    if method is not None:
        for each in context._concrete_contexts.values():
            type(each).Process = found.Process
    return found


@fault("context", "start-method.contexts-coexist")
def contexts_lack_a_function(context):
    """freeze_support is the package's, and no context's: who hands contexts about misses it."""
    context.DefaultContext.freeze_support = context.BaseContext.freeze_support
    del context.BaseContext.freeze_support


@fault("context.BaseContext.get_context", "start-method.one-context-per-name", crude=True)
def new_context_each_time(original, self, method=None):
    """get_context makes a new object each time: what is set on one is not there on the next."""
    found = original(self, method)
    return found if method is None else type(found)()


@fault("context.BaseContext.set_start_method", "start-method.one-context-per-name")
def context_agrees_to_its_own(original, self, method, force=False):
    """A context's set_start_method accepts its own name, as if it could be set."""
    if method != self._name:
        original(self, method, force)


@fault("context", "start-method.process-classes-are-siblings")
def process_classes_derived(context):
    """A context's Process is derived from the package's: isinstance holds here, and not elsewhere.

    The class of the package tells in a child what to do after a fork, so the contexts' keep theirs.
    """
    for each in context._concrete_contexts.values():
        cls = type(each).Process
        cls._after_fork = staticmethod(cls._after_fork)
        cls.__bases__ = (context.Process,)


@fault(
    "synchronize.SemLock.__getstate__",
    "start-method.fork-lock-refused-by-spawn",
    only=UNLESS_FORKED,
    crude=True,
)
def fork_locks_let_through(original, self):
    """A lock of the fork context is handed to any process: start() works, and the child fails."""
    self._is_fork_ctx = False
    return original(self)


@fault(
    "synchronize",
    "start-method.fork-lock-refused-by-spawn",
    "start-method.fork-queue-refused-by-spawn",
    only=UNLESS_FORKED,
)
def foreign_locks_refused(synchronize):
    """A lock goes to processes of its own context only, though spawn's would do for forkserver."""

    def init_and_note(original, self, *args, ctx):
        original(self, *args, ctx=ctx)
        self._made_for = ctx.get_start_method()

    def refuse_foreign(original, self):
        popen = synchronize.context.get_spawning_popen()
        if popen and vars(self).get("_made_for", popen.method) != popen.method:
            raise RuntimeError("a lock of another context")
        return original(self)

    replace(synchronize.SemLock, "__init__", init_and_note)
    replace(synchronize.SemLock, "__getstate__", refuse_foreign)


@fault("queues.Queue.__getstate__", "start-method.fork-queue-refused-by-spawn", only=UNLESS_FORKED)
def fork_queues_let_through(original, self):
    """A queue does not look at its own locks: made by fork, it breaks in the child that gets it."""
    for lock in (self._rlock, self._wlock, self._sem):
        lock._is_fork_ctx = False
    return original(self)


@fault("util", "start-method.only-fork-inherits-descriptors", only=UNLESS_FORKED)
def inheritable_files_leak(util):
    """A fresh interpreter gets all that is inheritable: a pipe seems open that should be closed."""

    def is_inheritable(descriptor):
        try:
            return os.get_inheritable(descriptor)
        except OSError:
            return False

    def spawn_leaking(original, path, args, passed):
        leaking = {number for number in range(3, 256) if is_inheritable(number)}
        return original(path, args, leaking.union(map(int, passed)))

    replace(util, "spawnv_passfds", spawn_leaking)


@fault("process", "start-method.only-fork-inherits-descriptors", only=("fork",))
def private_files_closed(process):
    """A forked child finds its parent's files closed, but for the inheritable ones."""

    def is_private_file(descriptor):
        try:
            regular = stat.S_ISREG(os.fstat(descriptor).st_mode)
            return regular and not os.get_inheritable(descriptor)
        except OSError:
            return False

    def close_and_bootstrap(original, self, *args, **kwargs):
        for descriptor in filter(is_private_file, range(3, 256)):
            os.close(descriptor)
        return original(self, *args, **kwargs)

    replace(process.BaseProcess, "_bootstrap", close_and_bootstrap)


@fault(
    "spawn.set_executable",
    "start-method.spawn-executable-can-be-chosen",
    only=UNLESS_FORKED,
    crude=True,
)
def executable_is_ignored(original, executable):
    """set_executable does nothing: an embedded Python starts the wrong program as its children."""
    return


@fault("spawn.set_executable", "start-method.spawn-executable-can-be-chosen")
def path_objects_refused(original, executable):
    """set_executable takes strings only: a Path fails, as it did long ago."""
    if not isinstance(executable, str):
        raise TypeError("a string is wanted")
    original(executable)
