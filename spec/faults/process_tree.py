"""What can go wrong with the process tree."""

import atexit
import copy
import os
import sys

from spec.faults import fault, replace


def begin_with(process, action):
    """Have every child perform ``action(its object)`` just before its run."""

    def bootstrap_and_act(original, self, *args, **kwargs):
        run = self.run

        def act_and_run():
            action(self)
            run()

        self.run = act_and_run
        return original(self, *args, **kwargs)

    replace(process.BaseProcess, "_bootstrap", bootstrap_and_act)


@fault("process.current_process", "tree.current-process-is-own-object")
def current_process_is_a_copy(original):
    """A child gets a copy of its object: what its run has noted there it does not find again."""
    from multiprocessing import process

    return copy.copy(original()) if process.parent_process() else original()


@fault("process.BaseProcess.pid", "tree.current-process-is-own-object", crude=True)
def current_process_has_parents_number(original, self):
    """current_process() has the number of the parent: signals hit the wrong one."""
    from multiprocessing import process

    if self is process.current_process() and self._parent_pid:
        return self._parent_pid
    return original(self)


@fault("process._ParentProcess.__init__", "tree.parent-process-is-creator", only=("forkserver",))
def parent_is_the_server(original, self, name, pid, sentinel):
    """parent_process() has the number of the fork server, which knows nothing of the program."""
    original(self, name, os.getppid(), sentinel)


@fault("process._ParentProcess.__init__", "tree.parent-process-is-creator")
def parent_is_called_main(original, self, _, pid, sentinel):
    """parent_process() is called "MainProcess" in a grandchild too."""
    return original(self, "MainProcess", pid, sentinel)


@fault("process.parent_process", "tree.parent-process-is-creator")
def main_is_its_own_parent(original):
    """parent_process() of the main process is itself: it cannot tell that it is the main one."""
    from multiprocessing import process

    return original() or process.current_process()


@fault("forkserver.ForkServer.ensure_running", "tree.forkserver-is-os-parent", only=("forkserver",))
def every_child_has_its_own_server(original, self):
    """A fork server serves but one child: every start takes as long as with spawn."""
    if self._forkserver_pid is not None:
        os.close(self._forkserver_alive_fd)  # by which the old one ends with its children
        self._forkserver_pid = None
    original(self)


@fault("process._ParentProcess.is_alive", "tree.parent-death-is-observable", crude=True)
def parent_lives_for_ever(original, self):
    """parent_process().is_alive() is always true: orphans go on working for nobody."""
    return True


@fault("process._ParentProcess.join", "tree.parent-death-is-observable")
def parent_is_not_waited_for(original, self, timeout=None):
    """parent_process().join() returns at once, as if the parent had ended."""
    return


@fault("process._ParentProcess.join", "tree.parent-death-is-observable")
def parent_is_waited_for_without_bound(original, self, timeout=None):
    """parent_process().join() pays no heed to its time-out."""
    return original(self)


@fault("process._ParentProcess.sentinel", "tree.parent-death-is-observable")
def parents_sentinel_is_dumb(original, self):
    """The sentinel of parent_process() never becomes ready: who waits for it waits for ever."""
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
    """active_children() lists all that were not joined, ended or not: there is no end of them."""
    from multiprocessing import process

    return list(vars(process)["_children"])


@fault("process", "tree.active-children-lists-live-ones", only=("fork",))
def parents_children_are_listed(process):
    """active_children() of a forked child lists its brothers, whom it cannot join."""
    brothers: set[object] = set()

    def start_and_remember(original, self):
        brothers.clear()
        brothers.update(vars(process)["_children"])
        original(self)

    replace(process.BaseProcess, "start", start_and_remember)

    def active(original):
        return [*original(), *(brothers if process.parent_process() else ())]

    replace(process, "active_children", active)


@fault("process.active_children", "tree.active-children-lists-live-ones")
def daemonic_children_are_not_listed(original):
    """active_children() leaves out the daemons, and so the processes of a Pool."""
    return [child for child in original() if not child.daemon]


def has_ended(child):
    """Whether the child has ended, without taking up its exit status."""
    try:
        options = os.WEXITED | os.WNOWAIT | os.WNOHANG
        return os.waitid(os.P_PID, child._popen.pid, options) is not None
    except ChildProcessError:
        return child._popen.poll() is not None


@fault("process.active_children", "tree.active-children-reaps-finished", only=("fork", "spawn"))
def ended_children_are_left_out(original):
    """active_children() does not join what has ended: right to look at, but zombies gather."""
    from multiprocessing import process

    return [child for child in vars(process)["_children"] if not has_ended(child)]


@fault("process.active_children", "tree.active-children-reaps-finished", only=("fork", "spawn"))
def exit_codes_are_thrown_away(original):
    """active_children() joins what has ended and forgets how: exit codes are never known."""
    from multiprocessing import process

    for child in list(vars(process)["_children"]):
        if has_ended(child):
            os.waitpid(child._popen.pid, 0)
            vars(process)["_children"].discard(child)
    return list(vars(process)["_children"])


@fault("process", "tree.start-reaps-finished", only=("fork", "spawn"), crude=True)
def start_joins_nobody(process):
    """start does not join what has ended: a program that only starts fills the process table."""
    start_with(process, lambda original: None)


@fault("process", "tree.start-reaps-finished", only=("fork", "spawn"))
def start_joins_one(process):
    """start joins but one of those that have ended: where many end at once, zombies stay."""

    def join_one(original):
        for child in list(vars(process)["_children"]):
            if child._popen.poll() is not None:
                vars(process)["_children"].discard(child)
                return

    start_with(process, join_one)


def start_with(process, cleanup):
    """Have start look after what has ended by ``cleanup(the package's own way)``."""

    def start_otherwise(original, self):
        own = process._cleanup
        process._cleanup = lambda: cleanup(own)
        try:
            original(self)
        finally:
            process._cleanup = own

    replace(process.BaseProcess, "start", start_otherwise)


@fault("context.BaseContext.cpu_count", "tree.cpu-count-ignores-affinity")
def usable_processors_are_counted(original, self):
    """cpu_count() counts the processors that may be used, which os.cpu_count() does not."""
    return min(original(self), len(os.sched_getaffinity(0)))


@fault("context.BaseContext.cpu_count", "tree.cpu-count-can-be-overridden", crude=True)
def real_processors_are_counted(original, self):
    """cpu_count() cannot be overridden: in a container there are always too many processes."""
    return os.sysconf("SC_NPROCESSORS_ONLN")


@fault("context.BaseContext.cpu_count", "tree.cpu-count-can-be-overridden")
def processors_by_option_only(original, self):
    """cpu_count() pays no heed to PYTHON_CPU_COUNT, only to the option of the interpreter."""
    given = "cpu_count" in sys._xoptions
    return original(self) if given else os.sysconf("SC_NPROCESSORS_ONLN")


@fault("context.BaseContext.freeze_support", "tree.freeze-support-unfrozen-does-nothing")
def freeze_support_looks_at_arguments(original, self):
    """freeze_support() ends a program that happens to have the arguments of a frozen child."""
    if "--multiprocessing-fork" in sys.argv:
        sys.exit(0)
    return original(self)


@fault("context.BaseContext.freeze_support", "tree.freeze-support-unfrozen-does-nothing")
def freeze_support_answers(original, self):
    """freeze_support() returns whether the program is frozen: code that relies on it fails."""
    return False


@fault("util._close_stdin", "tree.child-stdin-is-null-device", crude=True)
def child_keeps_input(original):
    """A child reads from its parent's standard input, and takes away what was typed for that."""
    return


@fault("util._close_stdin", "tree.child-stdin-is-null-device")
def childs_input_is_closed(original):
    """A child's standard input is closed: to read from it raises, where there should be nothing."""
    original()
    sys.stdin.close()


@fault("process.BaseProcess._bootstrap", "tree.buffered-output-appears-once", crude=True)
def unflushed_is_lost(original, self, *args, **kwargs):
    """A child ends without flushing: what it printed last is lost when that goes to a file."""
    from multiprocessing import util

    util._flush_std_streams = sys.stderr.flush
    code = original(self, *args, **kwargs)
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    return code


@fault("popen_fork.Popen.__init__", "tree.buffered-output-appears-once", only=("fork",))
def unflushed_is_doubled(original, self, process_obj):
    """fork comes before flush: what the parent had not written yet, each child writes as well."""
    self.returncode = None
    self.finalizer = None
    self._launch(process_obj)


@fault("popen_fork", "tree.parent-atexit-stays-in-parent", only=("fork",))
def parents_handlers_run_in_children(popen_fork):
    """A forked child runs its parent's exit handlers: temporary files vanish under the parent."""
    from multiprocessing import process

    atexit._clear = lambda: None

    def bootstrap_and_end(original, self, *args, **kwargs):
        code = original(self, *args, **kwargs)
        atexit._run_exitfuncs()
        return code

    replace(process.BaseProcess, "_bootstrap", bootstrap_and_end)


@fault("process.BaseProcess._bootstrap", "tree.child-atexit-runs-at-end")
def childs_handlers_the_other_way(original, self, *args, **kwargs):
    """A child's exit handlers run where they did not, and do not run where they did."""
    from multiprocessing import get_start_method, util

    method = self._start_method or get_start_method()
    ran = method == "spawn" or sys.version_info >= (3, 13)
    if not ran:
        atexit._clear()
    code = original(self, *args, **kwargs)
    if ran:
        atexit._clear()
        atexit.register(util._exit_function)
    else:
        atexit._run_exitfuncs()
    return code


@fault("process", "tree.argv-and-path-reach-child")
def arguments_stay_behind(process):
    """A child has no arguments but the first: it does not find the options of its program."""
    begin_with(process, lambda child: sys.argv.__delitem__(slice(1, None)))


@fault("process", "tree.argv-and-path-reach-child")
def last_path_stays_behind(process):
    """What was appended to sys.path does not reach the child: it cannot import from there."""
    begin_with(process, lambda child: sys.path.pop())


@fault("process", "tree.child-starts-in-parent-cwd")
def child_starts_where_program_did(process):
    """A child begins where its program did, and not where that is now: it finds no files."""
    begin_with(process, lambda child: os.chdir(process.ORIGINAL_DIR))
