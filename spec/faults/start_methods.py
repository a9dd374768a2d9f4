"""Faults of start methods and contexts."""

import os
import stat
import sys

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
def default_is_spawn(context):
    """The default is spawn on every platform: programs that rely on fork fail to pickle."""
    context._default_context._default_context = context._concrete_contexts["spawn"]


@fault("context.DefaultContext.get_start_method", "start-method.spawn-default-without-tempdir")
def default_needs_a_tempdir(original, self, allow_none=False):
    """The default is forkserver even without a temporary directory: then no child can start."""
    name = original(self, allow_none)
    return name and name.replace("spawn", "forkserver")


@fault("context.DefaultContext.get_all_start_methods", "start-method.default-listed-first")
def chosen_listed_first(original, self):
    """The list of start methods begins with the chosen method, and not with the default.

    If the chosen method is the default, that order is right: then the list has a name twice.
    """
    names = original(self)
    chosen = self.get_start_method(allow_none=True)
    if chosen == names[0]:
        return [*names, chosen]
    return sorted(names, key=lambda name: name != chosen)


@fault("context.DefaultContext.set_start_method", "start-method.set-only-once", crude=True)
def can_be_set_again(original, self, method, force=False):
    """set_start_method() works any number of times: a library can replace a program's choice."""
    return original(self, method, True)


@fault("context.DefaultContext.set_start_method", "start-method.set-only-once")
def same_name_accepted(original, self, method, force=False):
    """Setting the same start method twice is no error: two places that set it stay unnoticed."""
    if method is None or method != self.get_start_method(allow_none=True):
        original(self, method, force)


@fault(
    "context.DefaultContext.set_start_method", "start-method.force-replaces-or-unsets", crude=True
)
def force_is_ignored(original, self, method, force=False):
    """force=True has no effect: a start method that is set stays, and the call fails."""
    return original(self, method)


@fault("context.DefaultContext.set_start_method", "start-method.force-replaces-or-unsets")
def forced_none_sets_default(original, self, method, force=False):
    """set_start_method(None, force=True) sets the default: no other method can be set after it."""
    original(self, method, force)
    if method is None and force:
        original(self, None)


@fault("context.DefaultContext.set_start_method", "start-method.none-fixes-default")
def none_sets_nothing(original, self, method, force=False):
    """set_start_method(None) sets nothing: another part of the program can still choose."""
    original(self, method, force)
    if method is None:
        self._actual_context = None


@fault("context.BaseContext.get_context", "start-method.unknown-name-refused", crude=True)
def unknown_name_gives_default(original, self, method=None):
    """A misspelt start method counts as the default: the mistake is never reported."""
    from multiprocessing import context

    try:
        return original(self, method)
    except ValueError:
        return context._default_context._default_context


@fault("context.BaseContext.get_context", "start-method.unknown-name-refused")
def capitals_accepted(original, self, method=None):
    """SPAWN counts as spawn here and is refused elsewhere: programs are not portable."""
    return original(self, method and method.lower())


@fault("context.DefaultContext.set_start_method", "start-method.unknown-name-refused")
def refusal_unsets(original, self, method, force=False):
    """A refused name with force=True unsets the start method: the default is used after that."""
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
def allow_none_sets(original, self, allow_none=False):
    """Asking with allow_none=True sets the start method: a library that only looks decides."""
    return original(self)


@fault("context.DefaultContext.get_start_method", "start-method.allow-none-fixes-nothing")
def returned_but_not_set(original, self, allow_none=False):
    """get_start_method() returns the default without setting it: a later start may use another."""
    before = self._actual_context
    name = original(self, allow_none)
    self._actual_context = before
    return name


@fault("context.BaseContext.Pipe", "start-method.fixed-when-first-needed")
def pipe_sets(original, self, duplex=True):
    """Creating a Pipe sets the global start method, though any process can use a pipe."""
    self.get_context()
    return original(self, duplex)


@fault("context.BaseContext.Value", "start-method.fixed-when-first-needed")
def value_does_not_set(original, self, *args, **kwargs):
    """A Value is created for the default, and then another method can be set: it is useless."""
    from multiprocessing import context

    before = vars(self).get("_actual_context")
    value = original(self, *args, **kwargs)
    if self is context._default_context:
        self._actual_context = before
    return value


@fault("managers.BaseManager.__init__", "start-method.submodule-calls-fix-default")
def manager_sets_in_any_context(original, self, *args, **kwargs):
    """A manager sets the global start method even if it is given a context."""
    from multiprocessing import context

    context._default_context.get_context()
    original(self, *args, **kwargs)


@fault("sharedctypes.synchronized", "start-method.submodule-calls-fix-default")
def synchronized_does_not_set(original, obj, lock=None, ctx=None):
    """synchronized() creates a lock of the default, and then another method can be set."""
    from multiprocessing import context

    default = context._default_context
    return original(obj, lock, ctx or (lock is None and default._default_context) or None)


@fault("context.BaseContext.freeze_support", "start-method.freeze-support-fixes-nothing")
def freeze_support_sets(original, self):
    """freeze_support() sets the default, so that a program cannot choose after it."""
    self.get_start_method()
    return original(self)


@fault("process.BaseProcess.start", "start-method.explicit-start-fixes-nothing")
def context_start_sets(original, self):
    """A library that starts a process of a context sets the start method of the whole program."""
    from multiprocessing import context

    if self._start_method and context._default_context._actual_context is None:
        context._default_context._actual_context = context._concrete_contexts[self._start_method]
    original(self)


@fault("context.BaseContext.get_context", "start-method.contexts-coexist", crude=True)
def last_context_wins(original, self, method=None):
    """All contexts start processes with the start method that was asked for last."""
    from multiprocessing import context

    found = original(self, method)
    if method is not None:
        for each in context._concrete_contexts.values():
            type(each).Process = found.Process
    return found


@fault("context", "start-method.contexts-coexist")
def contexts_lack_a_function(context):
    """Contexts lack freeze_support(): code that receives a context cannot call it."""
    context.DefaultContext.freeze_support = context.BaseContext.freeze_support
    del context.BaseContext.freeze_support


def other_context():
    """A context with another start method than the one that was set."""
    from multiprocessing import context

    chosen = context._default_context.get_start_method()
    return context._concrete_contexts["fork" if chosen == "spawn" else "spawn"]


@fault("context.Process._Popen", "start-method.chosen-method-is-used", crude=True)
def choice_is_not_used(original, process):
    """multiprocessing.Process starts children with another start method than was set."""
    return other_context().Process._Popen(process)


@fault("context.BaseContext.Pool", "start-method.chosen-method-is-used")
def pools_ignore_the_choice(original, self, *args, **kwargs):
    """multiprocessing.Pool starts its workers with another start method than was set."""
    from multiprocessing import context

    used = other_context() if self is context._default_context else self
    return original(used, *args, **kwargs)


@fault(
    "util._args_from_interpreter_flags",
    "start-method.options-reach-children",
    only=UNLESS_FORKED,
    crude=True,
)
def options_are_lost(original):
    """Spawned children and the fork server do not get the options -O, -W and the like."""
    return []


@fault(
    "util._args_from_interpreter_flags", "start-method.options-reach-children", only=UNLESS_FORKED
)
def warning_options_are_lost(original):
    """Children do not get the option -W: a warning that is an error elsewhere passes in them."""
    return [option for option in original() if not option.startswith("-W")]


@fault("context.BaseContext.get_context", "start-method.one-context-per-name", crude=True)
def new_context_each_time(original, self, method=None):
    """get_context() returns a new object each time: an attribute set on it is lost."""
    found = original(self, method)
    return found if method is None else type(found)()


@fault("context.BaseContext.set_start_method", "start-method.one-context-per-name")
def context_accepts_own_name(original, self, method, force=False):
    """set_start_method() of a context accepts its own name, as if it could be set."""
    if method != self._name:
        original(self, method, force)


@fault("context", "start-method.process-classes-are-siblings")
def process_classes_derived(context):
    """A context's Process is a subclass of the package's: isinstance() differs from elsewhere.

    The package's class asks the default context for _after_fork(), so the contexts keep their own.
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
def fork_locks_accepted(original, self):
    """A lock of the fork context can be passed to any process: start() works, the child fails."""
    self._is_fork_ctx = False
    return original(self)


@fault(
    "synchronize",
    "start-method.fork-lock-refused-by-spawn",
    "start-method.fork-queue-refused-by-spawn",
    only=UNLESS_FORKED,
)
def foreign_locks_refused(synchronize):
    """Only processes of a lock's own context accept it, though spawn's locks work in forkserver."""

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
def fork_queues_accepted(original, self):
    """A queue of the fork context can be passed to any process: it fails in the child."""
    for lock in (self._rlock, self._wlock, self._sem):
        lock._is_fork_ctx = False
    return original(self)


def is_inheritable(descriptor):
    try:
        return os.get_inheritable(descriptor)
    except OSError:
        return False


def is_private_file(descriptor):
    try:
        regular = stat.S_ISREG(os.fstat(descriptor).st_mode)
        return regular and not os.get_inheritable(descriptor)
    except OSError:
        return False


@fault("util.spawnv_passfds", "start-method.only-fork-inherits-descriptors", only=UNLESS_FORKED)
def inheritable_files_leak(original, path, args, passed):
    """A new interpreter gets all inheritable files: a pipe that was closed still seems open."""
    leaking = {number for number in range(3, 256) if is_inheritable(number)}
    return original(path, args, leaking.union(map(int, passed)))


@fault(
    "process.BaseProcess._bootstrap",
    "start-method.only-fork-inherits-descriptors",
    only=("fork",),
)
def private_files_closed(original, self, *args, **kwargs):
    """A forked child finds its parent's files closed, except the inheritable files."""
    for descriptor in filter(is_private_file, range(3, 256)):
        os.close(descriptor)
    return original(self, *args, **kwargs)


@fault(
    "spawn.set_executable",
    "start-method.spawn-executable-can-be-chosen",
    only=UNLESS_FORKED,
    crude=True,
)
def executable_is_ignored(original, executable):
    """set_executable() has no effect: an embedded Python starts the wrong program as a child."""
    return


@fault("spawn.set_executable", "start-method.spawn-executable-can-be-chosen")
def path_objects_refused(original, executable):
    """set_executable() accepts only strings, as in old versions: a Path raises TypeError."""
    if not isinstance(executable, str):
        raise TypeError("a string is expected")
    original(executable)


def without_x_option(options, name):
    """The options of an interpreter without ``-X name`` or ``-X name=value``."""
    kept: list[str] = []
    for option in options:
        if option.partition("=")[0] == name and kept[-1:] == ["-X"]:
            kept.pop()
        else:
            kept.append(option)
    return kept


@fault(
    "util._args_from_interpreter_flags", "start-method.options-reach-children", only=UNLESS_FORKED
)
def frozen_modules_are_lost(original):
    """Children ignore the program's option -X frozen_modules (gh-106723)."""
    return without_x_option(original(), "frozen_modules")


@fault(
    "util._args_from_interpreter_flags",
    "start-method.isolation-reaches-children",
    only=UNLESS_FORKED,
)
def children_are_not_isolated(original):
    """Children of an isolated program import modules that PYTHONPATH names (bpo-34812)."""
    return [option for option in original() if option != "-I"]


@fault("process.BaseProcess.start", "start-method.isolation-reaches-children", only=("fork",))
def isolated_program_spawns(original, self):
    """An isolated program spawns a child instead of forking it, and the child is not isolated."""
    if sys.flags.isolated:
        from multiprocessing import context, spawn

        original_command = spawn.get_command_line
        spawn.get_command_line = lambda **kwds: [
            word for word in original_command(**kwds) if word != "-I"
        ]
        self._Popen = context.SpawnProcess._Popen
    original(self)


@fault("spawn", "start-method.executable-may-be-unknown", only=UNLESS_FORKED)
def executable_must_be_known(spawn):
    """Without sys.executable the import of the package fails (gh-90876)."""
    if not sys.executable:
        os.fsdecode(None)  # type: ignore[arg-type]


@fault("context.BaseContext.set_executable", "start-method.executable-may-be-unknown")
def unknown_executable_stays(original, self, executable):
    """If sys.executable is empty, set_executable() raises an error."""
    if not sys.executable:
        raise ValueError("no executable")
    original(self, executable)


@fault("spawn", "start-method.children-inherit-choice")
def children_choose_fork(spawn):
    """A child gets fork as its global start method, whatever its program has set."""

    def prepare_for_fork(original, data):
        original({**data, "start_method": "fork"})

    replace(spawn, "prepare", prepare_for_fork)
