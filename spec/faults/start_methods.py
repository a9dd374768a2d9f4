"""What can go wrong with start methods and contexts."""

import os
import stat

from spec.faults import fault, replace

UNLESS_FORKED = ("spawn", "forkserver")


@fault(
    "start-method.a-default-of-its-own",
    "multiprocessing.context",
    "start-method.platform-default",
    "start-method.none-fixes-default",
    "start-method.allow-none-fixes-nothing",
    "start-method.fixed-when-first-needed",
)
def a_default_of_its_own(context):
    """The default is spawn where the platform's is another: programs that fork fail to pickle."""
    context._default_context._default_context = context._concrete_contexts["spawn"]


@fault(
    "start-method.chosen-listed-first",
    "multiprocessing.context",
    "start-method.default-listed-first",
    subtle=True,
)
def chosen_listed_first(context):
    """The list of start methods begins with the chosen one: the default cannot be told from it."""

    def list_all(original):
        def chosen_first(self):
            chosen = self.get_start_method(allow_none=True)
            return sorted(original(self), key=lambda name: name != chosen)

        return chosen_first

    # Under the default method itself the list is the right one: there one name comes twice.
    def list_twice(original):
        def default_again(self):
            names = original(self)
            if self.get_start_method(allow_none=True) == names[0]:
                names = [*names, names[0]]
            return names

        return default_again

    replace(context.DefaultContext, "get_all_start_methods", list_twice)
    replace(context.DefaultContext, "get_all_start_methods", list_all)


@fault("start-method.set-again", "multiprocessing.context", "start-method.set-only-once")
def set_again(context):
    """set_start_method works any number of times: who comes last undoes what others rely on."""
    replace(
        context.DefaultContext,
        "set_start_method",
        lambda original: lambda self, method, force=False: original(self, method, True),
    )


@fault(
    "start-method.same-name-accepted",
    "multiprocessing.context",
    "start-method.set-only-once",
    subtle=True,
)
def same_name_accepted(context):
    """To set the same start method twice is no error: it is found out when one of them changes."""

    def set_start_method(original):
        def set_unless_same(self, method, force=False):
            if method is None or method != self.get_start_method(allow_none=True):
                original(self, method, force)

        return set_unless_same

    replace(context.DefaultContext, "set_start_method", set_start_method)


@fault(
    "start-method.force-is-no-use",
    "multiprocessing.context",
    "start-method.force-replaces-or-unsets",
)
def force_is_no_use(context):
    """force=True does nothing: what was once set stays in force, and the call fails."""
    replace(
        context.DefaultContext,
        "set_start_method",
        lambda original: lambda self, method, force=False: original(self, method),
    )


@fault(
    "start-method.forced-none-is-the-default",
    "multiprocessing.context",
    "start-method.force-replaces-or-unsets",
    subtle=True,
)
def forced_none_is_the_default(context):
    """set_start_method(None, force=True) sets the default, so that nothing can be set after it."""

    def set_start_method(original):
        def set_default(self, method, force=False):
            original(self, method, force)
            if method is None and force:
                original(self, None)

        return set_default

    replace(context.DefaultContext, "set_start_method", set_start_method)


@fault(
    "start-method.none-leaves-it-open",
    "multiprocessing.context",
    "start-method.none-fixes-default",
    subtle=True,
)
def none_leaves_it_open(context):
    """set_start_method(None) sets nothing: another part of the program can still choose."""

    def set_start_method(original):
        def set_unless_none(self, method, force=False):
            original(self, method, force)
            if method is None:
                self._actual_context = None

        return set_unless_none

    replace(context.DefaultContext, "set_start_method", set_start_method)


@fault(
    "start-method.unknown-is-the-default",
    "multiprocessing.context",
    "start-method.unknown-name-refused",
)
def unknown_is_the_default(context):
    """A misspelt start method is taken for the default: nobody learns that it was misspelt."""

    def get_context(original):
        def get_known(self, method=None):
            try:
                return original(self, method)
            except ValueError:
                return context._default_context._default_context

        return get_known

    replace(context.BaseContext, "get_context", get_context)


@fault(
    "start-method.capitals-will-do",
    "multiprocessing.context",
    "start-method.unknown-name-refused",
    subtle=True,
)
def capitals_will_do(context):
    """SPAWN is taken for spawn here, and refused elsewhere: programs are no longer portable."""

    def get_context(original):
        return lambda self, method=None: original(self, method and method.lower())

    replace(context.BaseContext, "get_context", get_context)


@fault(
    "start-method.refusal-unsets",
    "multiprocessing.context",
    "start-method.unknown-name-refused",
    subtle=True,
)
def refusal_unsets(context):
    """A name that is refused, given by force, unsets what was set: the default is in force then."""

    def set_start_method(original):
        def set_carelessly(self, method, force=False):
            if force:
                self._actual_context = None
            original(self, method, force)

        return set_carelessly

    replace(context.DefaultContext, "set_start_method", set_start_method)


@fault(
    "start-method.asking-sets",
    "multiprocessing.context",
    "start-method.allow-none-fixes-nothing",
    "start-method.force-replaces-or-unsets",
    "start-method.fixed-when-first-needed",
)
def asking_sets(context):
    """To ask for the start method sets it, even with allow_none: a library that looks decides."""
    replace(
        context.DefaultContext,
        "get_start_method",
        lambda original: lambda self, allow_none=False: original(self),
    )


@fault(
    "start-method.told-and-not-set",
    "multiprocessing.context",
    "start-method.allow-none-fixes-nothing",
    subtle=True,
)
def told_and_not_set(context):
    """get_start_method tells the default without setting it: it may be another at the start."""

    def get_start_method(original):
        def tell(self, allow_none=False):
            before = self._actual_context
            told = original(self, allow_none)
            self._actual_context = before
            return told

        return tell

    replace(context.DefaultContext, "get_start_method", get_start_method)


@fault(
    "start-method.pipe-sets",
    "multiprocessing.context",
    "start-method.fixed-when-first-needed",
    subtle=True,
)
def pipe_sets(context):
    """To make a Pipe sets the global start method, though any process can use a pipe."""

    def pipe(original):
        def set_and_make(self, duplex=True):
            self.get_context()
            return original(self, duplex)

        return set_and_make

    replace(context.BaseContext, "Pipe", pipe)


@fault(
    "start-method.value-does-not-set",
    "multiprocessing.context",
    "start-method.fixed-when-first-needed",
    subtle=True,
)
def value_does_not_set(context):
    """A Value is made for the default while another method can still be set: it is of no use."""

    def value(original):
        def make_for_default(self, *args, **kwargs):
            before = vars(self).get("_actual_context")
            made = original(self, *args, **kwargs)
            if self is context._default_context:
                self._actual_context = before
            return made

        return make_for_default

    replace(context.BaseContext, "Value", value)


@fault(
    "start-method.explicit-start-sets",
    "multiprocessing.process",
    "start-method.explicit-start-fixes-nothing",
    subtle=True,
)
def explicit_start_sets(process):
    """A library that starts a process from a context of its own decides for the whole program."""
    from multiprocessing import context

    def start(original):
        def set_and_start(self):
            if self._start_method and context._default_context._actual_context is None:
                context._default_context._actual_context = context._concrete_contexts[
                    self._start_method
                ]
            original(self)

        return set_and_start

    replace(process.BaseProcess, "start", start)


@fault(
    "start-method.last-context-wins",
    "multiprocessing.context",
    "start-method.contexts-coexist",
)
def last_context_wins(context):
    """All contexts start processes by the method that was asked for last."""

    def get_context(original):
        def get_and_override(self, method=None):
            found = original(self, method)
            if method is not None:
                for each in context._concrete_contexts.values():
                    type(each).Process = found.Process
            return found

        return get_and_override

    replace(context.BaseContext, "get_context", get_context)


@fault(
    "start-method.contexts-lack-a-function",
    "multiprocessing.context",
    "start-method.contexts-coexist",
    subtle=True,
)
def contexts_lack_a_function(context):
    """freeze_support is the package's, and no context's: who hands contexts about misses it."""
    context.DefaultContext.freeze_support = context.BaseContext.freeze_support
    del context.BaseContext.freeze_support


@fault(
    "start-method.new-context-each-time",
    "multiprocessing.context",
    "start-method.one-context-per-name",
)
def new_context_each_time(context):
    """get_context makes a new object each time: what is set on one is not there on the next."""

    def get_context(original):
        def get_copy(self, method=None):
            found = original(self, method)
            return found if method is None else type(found)()

        return get_copy

    replace(context.BaseContext, "get_context", get_context)


@fault(
    "start-method.context-agrees-to-its-own",
    "multiprocessing.context",
    "start-method.one-context-per-name",
    subtle=True,
)
def context_agrees_to_its_own(context):
    """A context's set_start_method accepts its own name, as if it could be set."""

    def set_start_method(original):
        def set_own(self, method, force=False):
            if method != self._name:
                original(self, method, force)

        return set_own

    replace(context.BaseContext, "set_start_method", set_start_method)


@fault(
    "start-method.process-classes-derived",
    "multiprocessing.context",
    "start-method.process-classes-are-siblings",
    subtle=True,
)
def process_classes_derived(context):
    """A context's Process is derived from the package's: isinstance holds here, and not elsewhere.

    The class of the package tells in a child what to do after a fork, so the contexts' keep theirs.
    """
    for each in context._concrete_contexts.values():
        cls = type(each).Process
        cls._after_fork = staticmethod(cls._after_fork)
        cls.__bases__ = (context.Process,)


@fault(
    "start-method.fork-locks-let-through",
    "multiprocessing.synchronize",
    "start-method.fork-lock-refused-by-spawn",
    only=UNLESS_FORKED,
)
def fork_locks_let_through(synchronize):
    """A lock of the fork context is handed to any process: start() works, and the child fails."""

    def getstate(original):
        def let_through(self):
            self._is_fork_ctx = False
            return original(self)

        return let_through

    replace(synchronize.SemLock, "__getstate__", getstate)


@fault(
    "start-method.foreign-locks-refused",
    "multiprocessing.synchronize",
    "start-method.fork-lock-refused-by-spawn",
    "start-method.fork-queue-refused-by-spawn",
    only=UNLESS_FORKED,
    subtle=True,
)
def foreign_locks_refused(synchronize):
    """A lock goes to processes of its own context only, though spawn's would do for forkserver."""

    def init(original):
        def init_and_note(self, *args, ctx):
            original(self, *args, ctx=ctx)
            self._made_for = ctx.get_start_method()

        return init_and_note

    def getstate(original):
        def refuse_foreign(self):
            popen = synchronize.context.get_spawning_popen()
            if popen and vars(self).get("_made_for", popen.method) != popen.method:
                raise RuntimeError("a lock of another context")
            return original(self)

        return refuse_foreign

    replace(synchronize.SemLock, "__init__", init)
    replace(synchronize.SemLock, "__getstate__", getstate)


@fault(
    "start-method.fork-queues-let-through",
    "multiprocessing.queues",
    "start-method.fork-queue-refused-by-spawn",
    only=UNLESS_FORKED,
    subtle=True,
)
def fork_queues_let_through(queues):
    """A queue does not look at its own locks: made by fork, it breaks in the child that gets it."""

    def getstate(original):
        def let_through(self):
            for lock in (self._rlock, self._wlock, self._sem):
                lock._is_fork_ctx = False
            return original(self)

        return let_through

    replace(queues.Queue, "__getstate__", getstate)


@fault(
    "start-method.inheritable-files-leak",
    "multiprocessing.util",
    "start-method.only-fork-inherits-descriptors",
    only=UNLESS_FORKED,
    subtle=True,
)
def inheritable_files_leak(util):
    """A fresh interpreter gets all that is inheritable: a pipe seems open that should be closed."""

    def is_inheritable(descriptor):
        try:
            return os.get_inheritable(descriptor)
        except OSError:
            return False

    def spawnv(original):
        def spawn_leaking(path, args, passed):
            leaking = {number for number in range(3, 256) if is_inheritable(number)}
            return original(path, args, leaking.union(map(int, passed)))

        return spawn_leaking

    replace(util, "spawnv_passfds", spawnv)


@fault(
    "start-method.private-files-closed",
    "multiprocessing.process",
    "start-method.only-fork-inherits-descriptors",
    only=("fork",),
    subtle=True,
)
def private_files_closed(process):
    """A forked child finds its parent's files closed, but for the inheritable ones."""

    def is_private_file(descriptor):
        try:
            regular = stat.S_ISREG(os.fstat(descriptor).st_mode)
            return regular and not os.get_inheritable(descriptor)
        except OSError:
            return False

    def bootstrap(original):
        def close_and_bootstrap(self, *args, **kwargs):
            for descriptor in filter(is_private_file, range(3, 256)):
                os.close(descriptor)
            return original(self, *args, **kwargs)

        return close_and_bootstrap

    replace(process.BaseProcess, "_bootstrap", bootstrap)


@fault(
    "start-method.executable-is-ignored",
    "multiprocessing.spawn",
    "start-method.spawn-executable-can-be-chosen",
    only=UNLESS_FORKED,
)
def executable_is_ignored(spawn):
    """set_executable does nothing: an embedded Python starts the wrong program as its children."""
    replace(spawn, "set_executable", lambda original: lambda executable: None)


@fault(
    "start-method.path-objects-refused",
    "multiprocessing.spawn",
    "start-method.spawn-executable-can-be-chosen",
    subtle=True,
)
def path_objects_refused(spawn):
    """set_executable takes strings only: a Path fails, as it did long ago."""

    def set_executable(original):
        def set_string(executable):
            if not isinstance(executable, str):
                raise TypeError("a string is wanted")
            original(executable)

        return set_string

    replace(spawn, "set_executable", set_executable)
