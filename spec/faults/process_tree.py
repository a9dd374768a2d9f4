"""Faults of the process tree."""

import copy
import os
import sys
import threading

from spec.faults import fault, replace


@fault("process.current_process", "tree.current-process-is-own-object")
def current_process_is_a_copy(original):
    """current_process() returns a copy in a child: attributes set on it are lost."""
    from multiprocessing import process

    return copy.copy(original()) if process.parent_process() else original()


@fault("process.BaseProcess.pid", "tree.current-process-is-own-object", crude=True)
def current_process_has_parents_pid(original, self):
    """current_process().pid is the PID of the parent: signals hit the wrong process."""
    from multiprocessing import process

    if self is process.current_process() and self._parent_pid:
        return self._parent_pid
    return original(self)


@fault("process.current_process", "tree.threads-see-same-processes", for_users=True)
def current_process_is_the_main_threads(original):
    """In another thread, current_process() is a copy: attributes set on it are lost."""
    in_main_thread = threading.current_thread() is threading.main_thread()
    return original() if in_main_thread else copy.copy(original())


@fault("process", "tree.threads-see-same-processes")
def children_belong_to_threads(process):
    """active_children() lists only those that the calling thread has started."""

    def start_and_note(original, self):
        original(self)
        self._starter = threading.get_ident()

    def active(original):
        return [child for child in original() if child._starter == threading.get_ident()]

    replace(process.BaseProcess, "start", start_and_note)
    replace(process, "active_children", active, for_users=True)


@fault("process._ParentProcess.__init__", "tree.parent-process-is-creator", only=("forkserver",))
def parent_is_the_server(original, self, name, pid, sentinel):
    """parent_process() is the fork server instead of the process that called start()."""
    original(self, name, os.getppid(), sentinel)


@fault("process._ParentProcess.__init__", "tree.parent-process-is-creator")
def parent_is_called_main(original, self, _, pid, sentinel):
    """parent_process().name is "MainProcess" in every process, also in a grandchild."""
    original(self, "MainProcess", pid, sentinel)


@fault("process.parent_process", "tree.parent-process-is-creator")
def main_is_its_own_parent(original):
    """parent_process() is not None in the main process, which cannot tell that it is that."""
    from multiprocessing import process

    return original() or process.current_process()


@fault("forkserver.ForkServer.ensure_running", "tree.forkserver-is-os-parent", only=("forkserver",))
def every_child_has_its_own_server(original, self):
    """Each child has a fork server of its own: every start() takes as long as under spawn."""
    if self._forkserver_pid is not None:
        os.close(self._forkserver_alive_fd)  # by which the old one ends with its children
        self._forkserver_pid = None
    original(self)


@fault("process._ParentProcess.is_alive", "tree.parent-death-is-observable", crude=True)
def parent_is_always_alive(original, self):
    """parent_process().is_alive() is always True: orphans never learn that they should stop."""
    return True


@fault("process._ParentProcess.join", "tree.parent-death-is-observable")
def joining_parent_returns_at_once(original, self, timeout=None):
    """parent_process().join() returns at once, as if the parent had ended."""
    return


@fault("process._ParentProcess.join", "tree.parent-death-is-observable")
def joining_parent_ignores_timeout(original, self, timeout=None):
    """parent_process().join() ignores its timeout."""
    original(self)


@fault("process._ParentProcess.join", "tree.parent-join-never-gives-up")
def joining_parent_gives_up_after_a_second(original, self, timeout=None):
    """parent_process().join() gives up after a second: a child takes its parent for dead."""
    original(self, 1.0 if timeout is None else timeout)


@fault("process.BaseProcess._bootstrap", "tree.sibling-hides-parent-death", only=("fork",))
def siblings_let_parent_go(original, self, *args, **kwargs):
    """A forked child closes what belongs to its siblings: the claim is out of date."""
    from multiprocessing import process

    if self._start_method in (None, "fork"):
        for sibling in vars(process)["_children"]:
            for descriptor in sibling._popen.finalizer._args:
                os.close(descriptor)
    return original(self, *args, **kwargs)


@fault("process._ParentProcess.sentinel", "tree.parent-death-is-observable")
def parents_sentinel_is_never_ready(original, self):
    """The sentinel of parent_process() is never ready: a wait for it never ends."""
    if not hasattr(self, "silent"):
        self.silent = os.pipe()
    return self.silent[0]


@fault(
    "process.active_children",
    "tree.active-children-lists-live-ones",
    "tree.active-children-reaps-finished",
    crude=True,
)
def ended_children_are_listed(original):
    """active_children() lists children that have ended as well."""
    from multiprocessing import process

    return list(vars(process)["_children"])


@fault("process", "tree.active-children-lists-live-ones", only=("fork",))
def parents_children_are_listed(process):
    """active_children() in a forked child lists its parent's other children too."""
    siblings: set[object] = set()

    def start_and_remember(original, self):
        siblings.clear()
        siblings.update(vars(process)["_children"])
        original(self)

    replace(process.BaseProcess, "start", start_and_remember)

    def active(original):
        return [*original(), *(siblings if process.parent_process() else ())]

    replace(process, "active_children", active)


@fault("process.active_children", "tree.active-children-lists-live-ones")
def daemonic_children_are_not_listed(original):
    """active_children() does not list daemonic processes, such as those of a Pool."""
    return [child for child in original() if not child.daemon]


def has_ended(child):
    """Whether the child has ended; leaves its exit status uncollected."""
    try:
        options = os.WEXITED | os.WNOWAIT | os.WNOHANG
        return os.waitid(os.P_PID, child._popen.pid, options) is not None
    except ChildProcessError:
        return child._popen.poll() is not None


@fault("process.active_children", "tree.active-children-reaps-finished", only=("fork", "spawn"))
def ended_children_stay_zombies(original):
    """active_children() does not join finished children: zombies accumulate."""
    from multiprocessing import process

    return [child for child in vars(process)["_children"] if not has_ended(child)]


@fault("process.active_children", "tree.active-children-reaps-finished", only=("fork", "spawn"))
def exit_codes_are_lost(original):
    """active_children() joins finished children and loses their exit codes."""
    from multiprocessing import process

    for child in list(vars(process)["_children"]):
        if has_ended(child):
            os.waitpid(child._popen.pid, 0)
            vars(process)["_children"].discard(child)
    return list(vars(process)["_children"])


@fault("process", "tree.start-reaps-finished", only=("fork", "spawn"), crude=True)
def start_joins_nothing(process):
    """start() does not join finished children: zombies accumulate in a program that only starts."""
    start_with(process, lambda original: None)


@fault("process", "tree.start-reaps-finished", only=("fork", "spawn"))
def start_joins_one(process):
    """start() joins one finished child only: zombies remain where several end at once."""

    def join_one(original):
        for child in list(vars(process)["_children"]):
            if child._popen.poll() is not None:
                vars(process)["_children"].discard(child)
                return

    start_with(process, join_one)


def start_with(process, cleanup):
    """Have start() call ``cleanup(the package's own)`` to join finished children."""

    def start_otherwise(original, self):
        own = process._cleanup
        process._cleanup = lambda: cleanup(own)
        try:
            original(self)
        finally:
            process._cleanup = own

    replace(process.BaseProcess, "start", start_otherwise)


@fault("context.BaseContext.cpu_count", "tree.cpu-count-ignores-affinity")
def only_usable_cpus_are_counted(original, self):
    """cpu_count() counts only the CPUs that the process may use: it differs from os.cpu_count()."""
    return min(original(self), len(os.sched_getaffinity(0)))


@fault("context.BaseContext.cpu_count", "tree.cpu-count-can-be-overridden", crude=True)
def count_cannot_be_overridden(original, self):
    """cpu_count() cannot be overridden: programs in a container start too many processes."""
    return os.sysconf("SC_NPROCESSORS_ONLN")


@fault("context.BaseContext.cpu_count", "tree.cpu-count-can-be-overridden")
def environment_does_not_override_count(original, self):
    """cpu_count() ignores PYTHON_CPU_COUNT; only the -X option overrides it."""
    given = "cpu_count" in sys._xoptions
    return original(self) if given else os.sysconf("SC_NPROCESSORS_ONLN")


@fault("context.BaseContext.cpu_count", "tree.cpu-count-unknown-raises")
def unknown_count_is_one(original, self):
    """cpu_count() returns 1 if the number is unknown, as if there were one CPU."""
    return os.cpu_count() or 1


@fault("context.BaseContext.cpu_count", "tree.cpu-count-unknown-raises")
def unknown_count_is_none(original, self):
    """cpu_count() returns None if the number is unknown: arithmetic with it fails elsewhere."""
    return os.cpu_count()


@fault("context.BaseContext.freeze_support", "tree.freeze-support-unfrozen-does-nothing")
def freeze_support_acts_on_arguments(original, self):
    """freeze_support() ends an ordinary program that has the arguments of a frozen child."""
    if "--multiprocessing-fork" in sys.argv:
        sys.exit(0)
    return original(self)


@fault("context.BaseContext.freeze_support", "tree.freeze-support-unfrozen-does-nothing")
def freeze_support_returns_a_value(original, self):
    """freeze_support() returns False, as if it told whether the program is frozen."""
    return False


@fault(
    "context.BaseContext.freeze_support",
    "tree.freeze-support-runs-frozen-child",
    only=("spawn",),
    crude=True,
)
def freeze_support_does_nothing(original, self):
    """freeze_support() has no effect: a frozen program starts again in each of its children."""


@fault("spawn.freeze_support", "tree.freeze-support-runs-frozen-child", only=("spawn",))
def freeze_support_returns(original):
    """After a child's work freeze_support() returns, and the child runs the program's main part."""
    try:
        original()
    except SystemExit:
        return
