"""Start methods and contexts: how a child comes to be.

There are three ways. Under fork the child is a copy of its parent; under spawn it is a fresh
interpreter, which gets only what it needs; under forkserver a server, itself fresh, forks the
children. Which of them there are, and which is the default, depends on the platform.

A program has one global start method, for all that is made by the package's own functions. It
can be set once; if it is not, it becomes the default when it is first needed. A context, given
by ``get_context(name)``, has the package's functions with a start method of its own, and leaves
the global one alone.

How fast a start method is, is the machine's affair, so no claim here asks for it:
``start-method.spawn-slower-than-fork`` is a note, not a claim.
"""

import os

from spec.kit import OBSERVED, claim, reached, result_or_error, submodule
from spec.kit.package import start_methods

LEFT_OUT = {
    "start-method.spawn-slower-than-fork": "how long a start takes is the machine's affair; why "
    "spawn takes longer, it imports all anew for each child, is shown by other claims",
}

NAMES = ("fork", "spawn", "forkserver")


def table(completed):
    """The rows that a program has printed, each a label and a value."""
    assert completed.exitcode == 0, completed.errors
    return dict(line.split(": ", 1) for line in completed.lines)


def another(method):
    """A start method that is offered beside this one; the same where there is no other."""
    return next((name for name in start_methods() if name != method), method)


@claim(
    "start-method.platform-default",
    docs="multiprocessing#contexts-and-start-methods",
    changes={"3.14": "it is no longer fork anywhere: it is forkserver where it was fork"},
)
def test_the_default_start_method_depends_on_the_platform(mp, program):
    """A program that does not choose gets fork, since 3.14 forkserver; macOS and Windows spawn.

    The program asks in a fresh interpreter. Where no descriptors can be sent to a server, there
    is no forkserver, and the default became spawn in 3.14.
    """
    asked = program.run_default("default_method")
    assert asked.exitcode == 0, asked.errors
    assert asked.lines[1] == program.documented_default


@claim("start-method.default-listed-first", docs="multiprocessing.get_all_start_methods")
def test_the_default_comes_first_among_all_start_methods(mp, program):
    """get_all_start_methods lists each method that there is once, the platform's default first.

    It does so whatever the program has chosen. Every name listed is one that get_context takes,
    and every other is one that it refuses.
    """
    default = program.run_default("default_method")
    chosen = program.run("default_method")
    assert default.exitcode == chosen.exitcode == 0, default.errors + chosen.errors
    listed = default.lines[0].split()
    assert listed[0] == default.lines[1]
    assert chosen.lines == [default.lines[0], mp.get_start_method()]
    taken = [name for name in NAMES if result_or_error(mp.get_context, name) != "ValueError"]
    assert sorted(listed) == sorted(taken)


@claim("start-method.set-only-once", docs="multiprocessing.set_start_method")
def test_the_global_start_method_is_set_only_once(mp, program):
    """set_start_method works once: a second time is a RuntimeError, even with the same name.

    What was set first stays in force.
    """
    method = mp.get_start_method()
    assert table(program.run("global_method", "set_twice", another(method))) == {
        "set": "None",
        "set to the same": "RuntimeError",
        "set to another": "RuntimeError",
        "set to None": "RuntimeError",
        "in force": method,
    }


@claim(
    "start-method.force-replaces-or-unsets",
    docs="multiprocessing.set_start_method",
    needs=("several-start-methods",),
)
def test_force_replaces_or_unsets_the_global_start_method(mp, program):
    """With force=True set_start_method replaces the global method, or with None unsets it.

    Unset, it can be set again, without force.
    """
    method = mp.get_start_method()
    other = another(method)
    assert table(program.run("global_method", "force", other)) == {
        "forced to another": other,
        "forced back": method,
        "forced to None": "None",
        "set afterwards": other,
    }


@claim("start-method.none-fixes-default", docs="multiprocessing.set_start_method")
def test_setting_none_fixes_the_default(mp, program):
    """set_start_method(None), without force, sets the platform's default, and it stays set."""
    assert table(program.run("global_method", "set_to_none")) == {
        "set to None": program.documented_default,
        "set afterwards": "RuntimeError",
        "in force": program.documented_default,
    }


@claim("start-method.unknown-name-refused", docs="multiprocessing.get_context")
def test_an_unknown_start_method_is_refused(mp, program):
    """A start method that there is not is a ValueError for set_start_method and get_context.

    So is one that this platform lacks. A name that was refused has no effect on the global start
    method: neither before one is set nor, with force=True, on one that is.
    """
    unknown = ["", "SPAWN", "thread", *(name for name in NAMES if name not in start_methods())]
    expected = {
        f"{call} {name!r}": "ValueError" for call in ("set", "context", "force") for name in unknown
    }
    expected |= {"in force at first": "None", "in force at last": mp.get_start_method()}
    assert table(program.run("global_method", "unknown", *unknown)) == expected


@claim("start-method.allow-none-fixes-nothing", docs="multiprocessing.get_start_method")
def test_asking_with_allow_none_fixes_nothing(mp, program):
    """get_start_method(allow_none=True) is None until one is set, and asking so sets none.

    get_start_method() and get_context(), without arguments, do set the platform's default. That
    one is set is seen in both ways: by asking, and by set_start_method, which then refuses.
    """
    default = program.documented_default
    assert table(program.run("global_method", "ask")) == {
        "asked": "None",
        "asked again": "None",
        "set after asking": "None",
        "get_start_method()": default,
        "asked after get_start_method()": default,
        "set after get_start_method()": "RuntimeError",
        "get_context()": default,
        "asked after get_context()": default,
        "set after get_context()": "RuntimeError",
    }


# What sets the global start method to the platform's default, and what leaves it unset.
NEEDS_ONE = [
    *("Process().start()", "Pool", "Manager"),
    *("Queue", "JoinableQueue", "SimpleQueue", "Value", "Array"),
    *("Lock", "RLock", "Semaphore", "BoundedSemaphore", "Condition", "Event", "Barrier"),
]
NEEDS_NONE = [
    *("nothing", "Process", "Pipe", "RawValue", "RawArray"),
    *("cpu_count", "active_children", "current_process", "parent_process"),
    *("get_all_start_methods", "get_context(name)"),
    *("a context's Process", "a context's Queue", "a context's Lock", "a context's Value"),
]


@claim(
    "start-method.fixed-when-first-needed",
    docs="multiprocessing#global-start-method",
    needs=("addresses", "semaphores"),
)
def test_the_global_start_method_is_fixed_when_it_is_first_needed(mp, program):
    """The first start, lock, queue, value, pool or manager fixes the global start method.

    That is, what is made by the package's own functions. To make a Process, a Pipe or a raw
    value does not, nor to ask for numbers, names and processes, nor to use a context by name.
    The method is unset by force before each row.
    """
    expected = dict.fromkeys(NEEDS_ONE, program.documented_default)
    expected |= dict.fromkeys(NEEDS_NONE, "None")
    assert table(program.run("global_method", "need")) == expected


@claim(
    "start-method.explicit-start-fixes-nothing",
    docs="multiprocessing#global-start-method",
    level=OBSERVED,
    changes={"3.13.12, 3.14.3": "spawn and forkserver no longer fix the default by the way"},
)
def test_a_contexts_start_leaves_the_global_start_method_alone(mp, program):
    """To start a context's process leaves the global start method unset.

    Before 3.13.12 and 3.14.3 only fork did so: spawn and forkserver fixed the default.
    """
    spared = reached("3.13.12, 3.14.3") or mp.get_start_method() == "fork"
    assert table(program.run("global_method", "start_explicitly")) == {
        "exit code": "0",
        "in force": "None" if spared else program.documented_default,
    }


memory: list[str] = []


def look_back(stage, parent):
    """Report whether this process has its parent's memory, and whether that is its parent."""
    return bool(memory), os.getppid() == parent


# How a start method shows in a child: it has what its parent remembers, it is its very child.
KINDS = {"fork": (True, True), "spawn": (False, True), "forkserver": (False, False)}


@claim(
    "start-method.contexts-coexist",
    docs="multiprocessing#contexts-and-start-methods",
    needs=("addresses", "several-start-methods"),
)
def test_contexts_with_different_start_methods_coexist(mp, stage, program):
    """Contexts have the package's functions, and several work side by side in one program.

    Children are started by all methods in turn, those of this claim's method first and last.
    Each came to be in its own way, which shows: a forked child remembers what its parent does,
    and a fork server's child is not the parent's. One function the contexts do not have, that
    which lists the start methods.
    """
    mine = mp.get_start_method()
    order = [mine, *(name for name in start_methods() if name != mine), mine]
    contexts = [mp.get_context(name) for name in order]
    assert [context.get_start_method() for context in contexts] == order
    memory.append("something")
    try:
        seen = [stage.result_of(look_back, os.getpid(), by=context.Process) for context in contexts]
    finally:
        memory.clear()
    assert list(zip(order, seen, strict=True)) == [(name, KINDS[name]) for name in order]

    compared = table(program.run("global_method", "compare"))
    assert compared["missing"] == "get_all_start_methods"


@claim("start-method.one-context-per-name", docs="multiprocessing.get_context", level=OBSERVED)
def test_a_context_is_one_object_for_each_name(mp, program):
    """get_context(name) gives one object for each name, whose start method cannot be changed.

    Without a name a context gives itself, and the package the one that is globally set. To set
    the start method of a context is a ValueError, even to what it is.
    """
    mine = mp.get_start_method()
    other = another(mine)
    assert mp.get_context() is mp
    assert mp.get_context(mine) is mp
    assert mp.get_context(other) is mp.get_context(other).get_context(mine).get_context(other)
    for name in (mine, other, None):
        for force in (False, True):
            assert result_or_error(mp.set_start_method, name, force=force) == "ValueError"
    assert mp.get_start_method(allow_none=True) == mine

    assert table(program.run("global_method", "compare"))["the global context"] == "True"


@claim("start-method.process-classes-are-siblings", docs="multiprocessing.Process", level=OBSERVED)
def test_a_contexts_process_class_is_no_subclass_of_the_packages(mp):
    """A context's Process class is not derived from the package's, nor the other way about.

    Both have one base: who wants to know whether something is a process has to ask for that.
    """
    base = submodule("process").BaseProcess
    package = submodule("context").Process
    classes = {"package": package, "context": mp.Process, "base": base}
    instances = {"package": package(), "context": mp.Process()}
    observed = {
        (kind, name): isinstance(instance, of)
        for kind, instance in instances.items()
        for name, of in classes.items()
    }
    assert observed == {
        ("package", "package"): True,
        ("package", "context"): False,
        ("package", "base"): True,
        ("context", "package"): False,
        ("context", "context"): True,
        ("context", "base"): True,
    }


def ask(stage, lock):
    """Ask for the lock without waiting; report the answer."""
    return lock.acquire(False)


def put(stage, queue):
    """Put something into the queue."""
    queue.put("something")


def lend_lock(stage, lock):
    """Hand a lock that is held to a process: what it says of it, or the error at its start."""
    lock.acquire()
    asking = stage.prepare(ask, lock)
    if refused := result_or_error(asking.process.start):
        return refused
    return "holds" if asking.returns() is False else "excludes nobody"


def lend_queue(stage, queue):
    """Hand a queue to a process: what comes out of it, or the error at its start."""
    putting = stage.prepare(put, queue)
    if refused := result_or_error(putting.process.start):
        return refused
    putting.returns()
    return queue.get(timeout=stage.patience)


def compatible(mine, result):
    """What should come of lending to a process of this start method, by where a thing was made."""
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
    """A lock made in the fork context cannot go to a process of another: start() refuses it.

    It raises RuntimeError. Any other lock goes to any process, and is the same lock there: it is
    held here, so the process must not get it.
    """
    mine = mp.get_start_method()
    observed = {name: lend_lock(stage, mp.get_context(name).Lock()) for name in start_methods()}
    assert observed == compatible(mine, "holds")


@claim(
    "start-method.fork-queue-refused-by-spawn",
    docs="multiprocessing#contexts-and-start-methods",
    level=OBSERVED,
    needs=("semaphores", "several-start-methods"),
    since="3.11.5",
)
def test_a_queue_of_the_fork_context_is_refused_by_other_processes(mp, stage):
    """A queue made in the fork context cannot go to a process of another: start() refuses it.

    It raises RuntimeError. Any other queue goes to any process, and what that one puts into it
    comes out here.
    """
    mine = mp.get_start_method()
    queues = {name: mp.get_context(name).Queue() for name in start_methods()}
    observed = {name: lend_queue(stage, queue) for name, queue in queues.items()}
    for queue in queues.values():
        queue.close()
    assert observed == compatible(mine, "something")


@claim(
    "start-method.only-fork-inherits-descriptors",
    docs="multiprocessing#contexts-and-start-methods",
    needs=("descriptors",),
)
def test_only_a_forked_child_inherits_open_files(mp, program):
    """A forked child has its parent's open files; under other methods it does not get them.

    Not even one that is inheritable, and that was open before a fork server was started. The
    child looks for the two files under every number.
    """
    inherited = str(mp.get_start_method() == "fork")
    assert table(program.run("inherit_descriptors", str(program.folder))) == {
        "private": inherited,
        "inheritable": inherited,
    }


@claim(
    "start-method.spawn-executable-can-be-chosen",
    docs="multiprocessing.set_executable",
    needs=("scripts",),
)
def test_the_interpreter_of_a_spawned_child_can_be_chosen(mp, program):
    """set_executable chooses the interpreter of children, unless forked; a path will do.

    The chosen one is a script, which leaves its mark in the environment of what it starts. A fork
    server is started by it too, and so its children have the mark; a forked child has not.
    """
    mark = "None" if mp.get_start_method() == "fork" else "left"
    for kind in ("str", "path"):
        completed = program.run("stand_in", str(program.folder / kind), kind)
        assert (kind, completed.exitcode, completed.errors, completed.lines) == (
            kind,
            0,
            "",
            [mark],
        )
