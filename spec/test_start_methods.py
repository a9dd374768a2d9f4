"""Start methods and contexts: how a child process is created.

There are three start methods. With fork the child is a copy of its parent. With spawn it is a
new interpreter, which receives only what it needs. With forkserver a server process, itself a new
interpreter, forks the children. The platform decides which of them exist and which is the default.

A program has one global start method, for the functions of the package itself. It can be set
once. If it is not set, the first lock, queue, pool or start sets it to the default. That often
surprises: an import that creates a lock makes a later ``set_start_method()`` fail. A library
should use a context instead: ``get_context(name)`` has the package's functions with a start
method of its own, and leaves the global one alone.

How long a start takes depends on the machine, so no claim is about it:
``start-method.spawn-slower-than-fork`` is a note, not a claim.
"""

import os

from spec.kit import OBSERVED, claim, reached, result_or_error, submodule
from spec.kit.package import start_methods

LEFT_OUT = {
    "start-method.spawn-slower-than-fork": "how long a start takes depends on the machine; other "
    "claims show why spawn takes longer: each child imports everything again",
}

NAMES = ("fork", "spawn", "forkserver")


@claim(
    "start-method.platform-default",
    docs="multiprocessing#contexts-and-start-methods",
    changes={"3.14": "it is no longer fork anywhere: it is forkserver where it was fork"},
)
def test_the_default_start_method_depends_on_the_platform(mp, program):
    """The usual default start method is forkserver (fork before 3.14), on macOS and Windows spawn.

    A new interpreter that sets no start method is asked. Since 3.14 the default is also spawn on
    a platform without forkserver, which needs to send descriptors to its server, and without a
    temporary directory, as start-method.spawn-default-without-tempdir says.
    """
    assert program.table_of("default_method")["start method"] == program.documented_default


@claim(
    "start-method.spawn-default-without-tempdir",
    docs="multiprocessing#contexts-and-start-methods",
    since="3.14.10, 3.15.1",
)
def test_the_default_is_spawn_without_a_temporary_directory(mp, program):
    """If no temporary directory is writable, the default is spawn: forkserver would fail.

    The program's temporary directory does not exist; its path is short, because a long one would
    be replaced by /tmp. A process of the run's start method is started too: of the three only
    forkserver fails, with FileNotFoundError.
    """
    lacking = mp.get_start_method() == "forkserver"
    assert program.table_of("no_tempdir", os.path.join(os.sep, "no-such-folder")) == {
        "start method": "spawn",
        "listed first": "spawn",
        "start()": "FileNotFoundError" if lacking else "None",
    }


@claim("start-method.default-listed-first", docs="multiprocessing.get_all_start_methods")
def test_the_default_comes_first_among_all_start_methods(mp, program):
    """get_all_start_methods() lists each available start method once, the default first.

    A program that has set another start method gets the same list. get_context() accepts every
    name in the list, and no other.
    """
    default = program.table_of("default_method")
    chosen = program.table_of("chosen_method")
    listed = default["listed"].split()
    assert listed[0] == default["start method"]
    assert chosen == {"listed": default["listed"], "start method": mp.get_start_method()}
    accepted = [name for name in NAMES if result_or_error(mp.get_context, name) != "ValueError"]
    assert sorted(listed) == sorted(accepted)


def other_than(method):
    """A start method of this platform other than ``method``; the same if it is the only one."""
    return next((name for name in start_methods() if name != method), method)


@claim("start-method.set-only-once", docs="multiprocessing.set_start_method")
def test_the_global_start_method_is_set_only_once(mp, program):
    """Without force, a second set_start_method() raises RuntimeError, even with the same method.

    The start method that was set first stays.
    """
    method = mp.get_start_method()
    assert program.table_of("set_twice", other_than(method)) == {
        "first call": "None",
        "same start method again": "RuntimeError",
        "other start method": "RuntimeError",
        "None": "RuntimeError",
        "start method at the end": method,
    }


@claim(
    "start-method.force-replaces-or-unsets",
    docs="multiprocessing.set_start_method",
    needs=("several-start-methods",),
)
def test_force_replaces_or_unsets_the_global_start_method(mp, program):
    """set_start_method(method, force=True) replaces the global start method; method=None unsets it.

    Once unset, the start method can be set again without force.
    """
    method = mp.get_start_method()
    other = other_than(method)
    assert program.table_of("set_by_force", other) == {
        "replaced by another": other,
        "replaced by the first": method,
        "unset with None": "None",
        "set again without force": other,
    }


@claim("start-method.none-fixes-default", docs="multiprocessing.set_start_method")
def test_setting_none_fixes_the_default(mp, program):
    """A first set_start_method(None), without force, sets the platform's default start method.

    It is set as if by its name: a second call raises RuntimeError and changes nothing.
    """
    assert program.table_of("set_to_none") == {
        "after set_start_method(None)": program.documented_default,
        "second call": "RuntimeError",
        "after the second call": program.documented_default,
    }


@claim("start-method.unknown-name-refused", docs="multiprocessing.get_context")
def test_an_unknown_start_method_is_refused(mp, program):
    """An unknown start method raises ValueError in set_start_method() and get_context().

    A start method that this platform lacks is unknown too. A refused name does not change the
    global start method: neither before it is set nor, with force=True, after it is set.
    """
    unknown = ["", "SPAWN", "thread", *(name for name in NAMES if name not in start_methods())]
    expected = {"start method after that": "None", "start method at the end": mp.get_start_method()}
    for name in unknown:
        expected[f"get_context({name!r})"] = "ValueError"
        expected[f"set_start_method({name!r})"] = "ValueError"
        expected[f"set_start_method({name!r}, force=True)"] = "ValueError"
    assert program.table_of("unknown_names", *unknown) == expected


@claim("start-method.allow-none-fixes-nothing", docs="multiprocessing.get_start_method")
def test_asking_with_allow_none_fixes_nothing(mp, program):
    """get_start_method(allow_none=True) returns None if no method is set, and leaves it unset.

    get_start_method() and get_context() without arguments do set it, to the platform's default.
    Whether it is set is checked twice: with allow_none=True, and by setting it, which raises
    RuntimeError if it is set already.
    """
    default = program.documented_default
    assert program.table_of("ask") == {
        "allow_none": "None",
        "allow_none again": "None",
        "setting it after allow_none": "None",
        "get_start_method()": default,
        "allow_none after get_start_method()": default,
        "setting it after get_start_method()": "RuntimeError",
        "get_context()": default,
        "allow_none after get_context()": default,
        "setting it after get_context()": "RuntimeError",
    }


SETS_THE_DEFAULT = [
    *("Process().start()", "Pool()", "Manager()"),
    *("Queue()", "JoinableQueue()", "SimpleQueue()", "Value('i')", "Array('i', 1)"),
    *("Lock()", "RLock()", "Semaphore()", "BoundedSemaphore()"),
    *("Condition()", "Event()", "Barrier(1)"),
]
LEAVES_IT_UNSET = [
    *("nothing", "Process()", "Pipe()", "RawValue('i')", "RawArray('i', 1)"),
    *("cpu_count()", "active_children()", "current_process()", "parent_process()"),
    *("get_all_start_methods()", "get_context(method)"),
    *("context.Process()", "context.Queue()", "context.Lock()", "context.Value('i')"),
]


@claim(
    "start-method.fixed-when-first-needed",
    docs="multiprocessing#global-start-method",
    needs=("addresses", "semaphores"),
)
def test_the_global_start_method_is_fixed_when_it_is_first_needed(mp, program):
    """If unset, the first multiprocessing.Lock(), Pool() or start() sets the default start method.

    The two lists above this test say what sets it and what does not: creating a Process, a Pipe or
    a raw value does not, nor does using a context by its name. The program unsets it by force
    before each use.
    """
    expected = dict.fromkeys(SETS_THE_DEFAULT, program.documented_default)
    expected |= dict.fromkeys(LEAVES_IT_UNSET, "None")
    assert program.table_of("first_need") == expected


SUBMODULES_SET_THE_DEFAULT = [
    *("managers.BaseManager()", "pool.Pool(1)", "pool.ThreadPool(1)"),
    *("sharedctypes.Value('i')", "sharedctypes.Array('i', 1)", "sharedctypes.synchronized(raw)"),
]
SUBMODULES_LEAVE_IT_UNSET = [
    *("managers.BaseManager(ctx=context)", "pool.Pool(1, context=context)"),
    *("sharedctypes.Value('i', ctx=context)", "sharedctypes.Array('i', 1, ctx=context)"),
    *("sharedctypes.synchronized(raw, ctx=context)", "sharedctypes.Value('i', lock=False)"),
    *("sharedctypes.RawValue('i')", "sharedctypes.copy(raw)"),
    *("get_logger()", "set_executable(sys.executable)", "set_forkserver_preload([])"),
]


@claim(
    "start-method.submodule-calls-fix-default",
    docs="multiprocessing#global-start-method",
    level=OBSERVED,
    needs=("semaphores",),
    changes={"3.13.12, 3.14.3": "a Pool of a context no longer sets the default by its start"},
)
def test_calls_of_the_submodules_fix_the_default_too(mp, program):
    """If unset, BaseManager() and pool.Pool() without a context set the default start method.

    So do some functions of sharedctypes. The two lists above this test say what sets it and what
    does not: with a context given, none of them does. The program unsets it by force before each
    use. Before 3.13.12 and 3.14.3 a spawn or forkserver Pool set it when it started a process.
    """
    expected = dict.fromkeys(SUBMODULES_SET_THE_DEFAULT, program.documented_default)
    expected |= dict.fromkeys(SUBMODULES_LEAVE_IT_UNSET, "None")
    if not reached("3.13.12, 3.14.3") and mp.get_start_method() != "fork":
        expected["pool.Pool(1, context=context)"] = program.documented_default
    assert program.table_of("submodules_need") == expected


@claim(
    "start-method.freeze-support-fixes-nothing",
    docs="multiprocessing.freeze_support",
    changes={
        "3.13.4, 3.14": "freeze_support() set the default as a side effect",
        "3.13.13, 3.14.4": "it does not any more",
    },
)
def test_freeze_support_leaves_the_global_start_method_unset(mp, program):
    """freeze_support() leaves the global start method unset, so set_start_method() can follow it.

    From 3.13.4 and 3.14.0 until 3.13.12 and 3.14.3 it set the default, and the next call failed.
    """
    method, default = mp.get_start_method(), program.documented_default
    fixes = reached("3.13.4, 3.14") and not reached("3.13.13, 3.14.4")
    assert program.table_of("freeze_first") == {
        "after freeze_support()": default if fixes else "None",
        "set_start_method()": "RuntimeError" if fixes else "None",
        "start method at the end": default if fixes else method,
    }


@claim(
    "start-method.explicit-start-fixes-nothing",
    docs="multiprocessing#global-start-method",
    level=OBSERVED,
    changes={"3.13.12, 3.14.3": "spawn and forkserver no longer set the default as a side effect"},
)
def test_a_contexts_start_leaves_the_global_start_method_alone(mp, program):
    """Starting a process of a context leaves the global start method unset.

    Before 3.13.12 and 3.14.3 this held for fork only: spawn and forkserver set the default.
    """
    unset = reached("3.13.12, 3.14.3") or mp.get_start_method() == "fork"
    assert program.table_of("start_in_context") == {
        "exitcode": "0",
        "global start method": "None" if unset else program.documented_default,
    }


memory: list[str] = []


def describe_origin(stage, program):
    """Report whether this process has the program's memory, and whether it is its child."""
    return {"remembers": bool(memory), "direct child": os.getppid() == program}


ORIGINS = {
    "fork": {"remembers": True, "direct child": True},
    "spawn": {"remembers": False, "direct child": True},
    "forkserver": {"remembers": False, "direct child": False},
}


@claim(
    "start-method.contexts-coexist",
    docs="multiprocessing#contexts-and-start-methods",
    needs=("addresses", "several-start-methods"),
)
def test_contexts_with_different_start_methods_coexist(mp, stage, program):
    """Contexts can be used together; each has the package's API except get_all_start_methods().

    This process starts children with all start methods in turn; the method of this run is the
    first and the last. How a child was created can be seen in it: a forked child has its parent's
    memory, and a child of a fork server is not a direct child.
    """
    mine = mp.get_start_method()
    order = [mine, *(name for name in start_methods() if name != mine), mine]
    contexts = [mp.get_context(name) for name in order]
    assert [context.get_start_method() for context in contexts] == order
    memory.append("something")
    try:
        seen = [
            stage.result_of(describe_origin, os.getpid(), by=context.Process)
            for context in contexts
        ]
    finally:
        memory.clear()
    assert list(zip(order, seen, strict=True)) == [(name, ORIGINS[name]) for name in order]

    assert program.lines_of("context_functions") == ["get_all_start_methods"]


@claim(
    "start-method.chosen-method-is-used",
    docs="multiprocessing.set_start_method",
    needs=("semaphores",),
)
def test_the_package_uses_the_start_method_that_was_set(mp, program):
    """After set_start_method(method), multiprocessing.Process and Pool start children by it.

    How a child was created can be seen in it: a forked child has its parent's memory, and a child
    of a fork server is not a direct child.
    """
    origin = ORIGINS[mp.get_start_method()]
    assert program.table_of("started_by") == {
        f"{by}, {label}": str(value)
        for by in ("Process", "Pool")
        for label, value in origin.items()
    }


@claim(
    "start-method.children-inherit-choice",
    docs="multiprocessing.set_start_method",
    level=OBSERVED,
    methods=("spawn", "forkserver"),
)
def test_children_inherit_the_global_start_method(mp, program):
    """A spawn or forkserver child, and its child, have the global start method of their program.

    The child starts the grandchild with multiprocessing.Process, and so by that method.
    """
    method = mp.get_start_method()
    assert program.table_of("generations") == {
        "child, start method": method,
        "grandchild, start method": method,
        "grandchild, direct child": str(method == "spawn"),
        "grandchild, remembers": "False",
    }


@claim(
    "start-method.options-reach-children",
    docs="multiprocessing#contexts-and-start-methods",
    level=OBSERVED,
    changes={"3.11.5": "so does -X frozen_modules"},
)
def test_interpreter_options_reach_the_children(mp, program):
    """A child has the program's options of the interpreter -O, -B, -b, -s, -W and -X faulthandler.

    The program runs with them, and as a control without any. It prints the effect of each, and so
    does a child. Since 3.11.5 -X frozen_modules is one of them.
    """
    frozen = ("-X", "frozen_modules=off") if reached("3.11.5") else ()
    options = ("-O", "-B", "-b", "-s", "-W", "error::UserWarning", "-X", "faulthandler", *frozen)
    last = ("-X frozen_modules",) if frozen else ()
    names = ("-O", "-B", "-b", "-s", "-W", "-X faulthandler", *last)
    without = {"PYTHONDONTWRITEBYTECODE": "", "PYTHONWARNINGS": "", "PYTHONFAULTHANDLER": ""}
    for given in (options, ()):
        observed = program.table_of("interpreter_options", options=given, environment=without)
        observed = {label: observed[label] for label in observed if label.endswith(names)}
        assert observed == {
            f"{where}, {name}": str(bool(given)) for where in ("program", "child") for name in names
        }


@claim(
    "start-method.isolation-reaches-children",
    docs="multiprocessing#contexts-and-start-methods",
    level=OBSERVED,
)
def test_children_of_an_isolated_program_are_isolated(mp, program):
    """Children of a program run with python -I are isolated too: they ignore PYTHONPATH.

    The program runs with the option, and as a control without it. Both it and a child print
    whether they are isolated.
    """
    for options in (("-I",), ()):
        isolated = str(bool(options))
        assert program.table_of("isolated", options=options) == {
            "program, isolated": isolated,
            "child, isolated": isolated,
        }


@claim("start-method.one-context-per-name", docs="multiprocessing.get_context", level=OBSERVED)
def test_a_context_is_one_object_for_each_name(mp, program):
    """get_context(name) always returns the same object, whose start method cannot be changed.

    Without a name, a context returns itself, and the package returns the context of the global
    start method. set_start_method() of a context raises ValueError, even with its own name.
    """
    mine = mp.get_start_method()
    other = other_than(mine)
    assert mp.get_context() is mp
    assert mp.get_context(mine) is mp
    assert mp.get_context(other) is mp.get_context(other).get_context(mine).get_context(other)
    for name in (mine, other, None):
        for force in (False, True):
            assert result_or_error(mp.set_start_method, name, force=force) == "ValueError"
    assert mp.get_start_method(allow_none=True) == mine

    assert program.table_of("global_context") == {"get_context() is get_context(method)": "True"}


@claim("start-method.process-classes-are-siblings", docs="multiprocessing.Process", level=OBSERVED)
def test_a_contexts_process_class_is_no_subclass_of_the_packages(mp):
    """A context's Process is not a subclass of multiprocessing.Process, nor vice versa.

    Both are subclasses of BaseProcess, so only isinstance() with that class finds both.
    """
    classes = {
        "multiprocessing.Process": submodule("context").Process,
        "context.Process": mp.Process,
        "BaseProcess": submodule("process").BaseProcess,
    }
    processes = {
        "multiprocessing.Process()": submodule("context").Process(),
        "context.Process()": mp.Process(),
    }
    observed = {
        call: [name for name, cls in classes.items() if isinstance(process, cls)]
        for call, process in processes.items()
    }
    assert observed == {
        "multiprocessing.Process()": ["multiprocessing.Process", "BaseProcess"],
        "context.Process()": ["context.Process", "BaseProcess"],
    }


def try_lent_lock(stage, lock):
    """Try to acquire the lock without waiting; report the answer."""
    return lock.acquire(False)


def lend_held_lock(stage, lock):
    """Pass a held lock to a process; returns what the lock does there, or the error of start()."""
    lock.acquire()
    borrower = stage.prepare(try_lent_lock, lock)
    if error := result_or_error(borrower.process.start):
        return error
    return "excludes" if borrower.returns() is False else "does not exclude"


def expected_of_lending(mine, result):
    """The expected results for a process of the start method ``mine``, by the object's context."""
    return {
        name: "RuntimeError" if name == "fork" != mine else result
        for name in NAMES
        if name in start_methods()
    }


@claim(
    "start-method.fork-lock-refused-by-spawn",
    docs="multiprocessing#contexts-and-start-methods",
    needs=("semaphores", "several-start-methods"),
    since="3.11.5",
)
def test_a_lock_of_the_fork_context_is_refused_by_other_processes(mp, stage):
    """A spawn or forkserver process cannot get a fork context's Lock: start() raises RuntimeError.

    In all other combinations of contexts start() works, and the lock excludes: this process holds
    it, so the child does not get it.
    """
    mine = mp.get_start_method()
    observed = {
        name: lend_held_lock(stage, mp.get_context(name).Lock()) for name in start_methods()
    }
    assert observed == expected_of_lending(mine, "excludes")


def put_into_lent_queue(stage, queue):
    """Put an item into the queue."""
    queue.put("item")


def lend_queue(stage, queue):
    """Pass a queue to a process; returns what that process puts into it, or start()'s error."""
    borrower = stage.prepare(put_into_lent_queue, queue)
    if error := result_or_error(borrower.process.start):
        return error
    borrower.returns()
    return queue.get(timeout=stage.patience)


@claim(
    "start-method.fork-queue-refused-by-spawn",
    docs="multiprocessing#contexts-and-start-methods",
    level=OBSERVED,
    needs=("semaphores", "several-start-methods"),
    since="3.11.5",
)
def test_a_queue_of_the_fork_context_is_refused_by_other_processes(mp, stage):
    """A spawn or forkserver process cannot get a fork context's Queue: start() raises RuntimeError.

    In all other combinations of contexts start() works, and this process receives the item that
    the child puts into the queue.
    """
    mine = mp.get_start_method()
    queues = {name: mp.get_context(name).Queue() for name in start_methods()}
    observed = {name: lend_queue(stage, queue) for name, queue in queues.items()}
    for queue in queues.values():
        queue.close()
    assert observed == expected_of_lending(mine, "item")


@claim(
    "start-method.only-fork-inherits-descriptors",
    docs="multiprocessing#contexts-and-start-methods",
    needs=("descriptors",),
)
def test_only_a_forked_child_inherits_open_files(mp, program):
    """A forked child has its parent's open files; other children lack even the inheritable files.

    Both files, one of them inheritable, are open before a fork server starts. The child looks for
    them among all its descriptors below 256.
    """
    inherited = str(mp.get_start_method() == "fork")
    assert program.table_of("inherit_descriptors", str(program.folder)) == {
        "private": inherited,
        "inheritable": inherited,
    }


@claim(
    "start-method.spawn-executable-can-be-chosen",
    docs="multiprocessing.set_executable",
    needs=("scripts",),
)
def test_the_interpreter_of_a_spawned_child_can_be_chosen(mp, program):
    """set_executable() chooses, by str or Path, the interpreter of all but forked children.

    The executable is a script that sets a variable in the environment of the interpreter that it
    starts. It starts the fork server too, so that the server's children have the variable.
    """
    variable = "None" if mp.get_start_method() == "fork" else "script"
    for kind in ("str", "Path"):
        completed = program.run("chosen_executable", str(program.folder / kind), kind)
        assert (kind, completed.exitcode, completed.errors, completed.lines) == (
            kind,
            0,
            "",
            [f"STARTED_BY: {variable}"],
        )


@claim(
    "start-method.executable-may-be-unknown",
    docs="multiprocessing.set_executable",
    level=OBSERVED,
    since="3.11.5",
)
def test_the_package_can_be_imported_without_sys_executable(mp, program):
    """If sys.executable is None or empty, set_executable() can still name the interpreter.

    An embedded Python may not know it. The program forgets it before it imports the package.
    """
    for value in ("None", ""):
        assert program.table_of("unknown_executable", value) == {
            "child": "started",
            "exitcode": "0",
        }
