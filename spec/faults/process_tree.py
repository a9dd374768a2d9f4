"""What can go wrong with the process tree."""

import atexit
import copy
import os
import sys

from spec.faults import fault, replace


def begin_with(process, action):
    """Have every child perform ``action(its object)`` just before its run."""

    def bootstrap(original):
        def bootstrap_and_act(self, *args, **kwargs):
            run = self.run

            def act_and_run():
                action(self)
                run()

            self.run = act_and_run
            return original(self, *args, **kwargs)

        return bootstrap_and_act

    replace(process.BaseProcess, "_bootstrap", bootstrap)


@fault(
    "tree.current-process-is-a-copy",
    "multiprocessing.process",
    "tree.current-process-is-own-object",
    subtle=True,
)
def current_process_is_a_copy(process):
    """A child gets a copy of its object: what its run has noted there it does not find again."""

    def current(original):
        return lambda: copy.copy(original()) if process.parent_process() else original()

    replace(process, "current_process", current)


@fault(
    "tree.current-process-has-parents-number",
    "multiprocessing.process",
    "tree.current-process-is-own-object",
)
def current_process_has_parents_number(process):
    """current_process() has the number of the parent: signals hit the wrong one."""

    def ident(original):
        def own_or_parents(self):
            if self is process.current_process() and self._parent_pid:
                return self._parent_pid
            return original.fget(self)

        return property(own_or_parents)

    replace(process.BaseProcess, "pid", ident)


@fault(
    "tree.parent-is-the-server",
    "multiprocessing.process",
    "tree.parent-process-is-creator",
    only=("forkserver",),
    subtle=True,
)
def parent_is_the_server(process):
    """parent_process() has the number of the fork server, which knows nothing of the program."""

    def init(original):
        def init_with_system_parent(self, name, pid, sentinel):
            original(self, name, os.getppid(), sentinel)

        return init_with_system_parent

    replace(process._ParentProcess, "__init__", init)


@fault(
    "tree.parent-is-called-main",
    "multiprocessing.process",
    "tree.parent-process-is-creator",
    subtle=True,
)
def parent_is_called_main(process):
    """parent_process() is called "MainProcess" in a grandchild too."""

    def init(original):
        return lambda self, _, pid, sentinel: original(self, "MainProcess", pid, sentinel)

    replace(process._ParentProcess, "__init__", init)


@fault(
    "tree.main-is-its-own-parent",
    "multiprocessing.process",
    "tree.parent-process-is-creator",
    subtle=True,
)
def main_is_its_own_parent(process):
    """parent_process() of the main process is itself: it cannot tell that it is the main one."""
    replace(
        process,
        "parent_process",
        lambda original: lambda: original() or process.current_process(),
    )


@fault(
    "tree.every-child-has-its-own-server",
    "multiprocessing.forkserver",
    "tree.forkserver-is-os-parent",
    only=("forkserver",),
    subtle=True,
)
def every_child_has_its_own_server(forkserver):
    """A fork server serves but one child: every start takes as long as with spawn."""

    def ensure(original):
        def ensure_another(self):
            if self._forkserver_pid is not None:
                os.close(self._forkserver_alive_fd)  # by which the old one ends with its children
                self._forkserver_pid = None
            original(self)

        return ensure_another

    replace(forkserver.ForkServer, "ensure_running", ensure)


@fault("tree.parent-lives-for-ever", "multiprocessing.process", "tree.parent-death-is-observable")
def parent_lives_for_ever(process):
    """parent_process().is_alive() is always true: orphans go on working for nobody."""
    replace(process._ParentProcess, "is_alive", lambda original: lambda self: True)


@fault(
    "tree.parent-is-not-waited-for",
    "multiprocessing.process",
    "tree.parent-death-is-observable",
    subtle=True,
)
def parent_is_not_waited_for(process):
    """parent_process().join() returns at once, as if the parent had ended."""
    replace(process._ParentProcess, "join", lambda original: lambda self, timeout=None: None)


@fault(
    "tree.parent-is-waited-for-without-bound",
    "multiprocessing.process",
    "tree.parent-death-is-observable",
    subtle=True,
)
def parent_is_waited_for_without_bound(process):
    """parent_process().join() pays no heed to its time-out."""
    replace(
        process._ParentProcess,
        "join",
        lambda original: lambda self, timeout=None: original(self),
    )


@fault(
    "tree.parents-sentinel-is-dumb",
    "multiprocessing.process",
    "tree.parent-death-is-observable",
    subtle=True,
)
def parents_sentinel_is_dumb(process):
    """The sentinel of parent_process() never becomes ready: who waits for it waits for ever."""

    def sentinel(original):
        def another(self):
            if not hasattr(self, "silent"):
                self.silent = os.pipe()
            return self.silent[0]

        return property(another)

    replace(process._ParentProcess, "sentinel", sentinel)


@fault(
    "tree.ended-children-are-listed",
    "multiprocessing.process",
    "tree.active-children-lists-live-ones",
    "tree.active-children-reaps-finished",
)
def ended_children_are_listed(process):
    """active_children() lists all that were not joined, ended or not: there is no end of them."""
    replace(process, "active_children", lambda original: lambda: list(vars(process)["_children"]))


@fault(
    "tree.parents-children-are-listed",
    "multiprocessing.process",
    "tree.active-children-lists-live-ones",
    only=("fork",),
    subtle=True,
)
def parents_children_are_listed(process):
    """active_children() of a forked child lists its brothers, whom it cannot join."""
    brothers: set[object] = set()

    def start(original):
        def start_and_remember(self):
            brothers.clear()
            brothers.update(vars(process)["_children"])
            original(self)

        return start_and_remember

    replace(process.BaseProcess, "start", start)

    def active(original):
        return lambda: [*original(), *(brothers if process.parent_process() else ())]

    replace(process, "active_children", active)


@fault(
    "tree.daemonic-children-are-not-listed",
    "multiprocessing.process",
    "tree.active-children-lists-live-ones",
    subtle=True,
)
def daemonic_children_are_not_listed(process):
    """active_children() leaves out the daemons, and so the processes of a Pool."""

    def active(original):
        return lambda: [child for child in original() if not child.daemon]

    replace(process, "active_children", active)


def has_ended(child):
    """Whether the child has ended, without taking up its exit status."""
    try:
        options = os.WEXITED | os.WNOWAIT | os.WNOHANG
        return os.waitid(os.P_PID, child._popen.pid, options) is not None
    except ChildProcessError:
        return child._popen.poll() is not None


@fault(
    "tree.ended-children-are-left-out",
    "multiprocessing.process",
    "tree.active-children-reaps-finished",
    only=("fork", "spawn"),
    subtle=True,
)
def ended_children_are_left_out(process):
    """active_children() does not join what has ended: right to look at, but zombies gather."""

    def active(_):
        return lambda: [child for child in vars(process)["_children"] if not has_ended(child)]

    replace(process, "active_children", active)


@fault(
    "tree.exit-codes-are-thrown-away",
    "multiprocessing.process",
    "tree.active-children-reaps-finished",
    only=("fork", "spawn"),
    subtle=True,
)
def exit_codes_are_thrown_away(process):
    """active_children() joins what has ended and forgets how: exit codes are never known."""

    def active(_):
        def join_all():
            for child in list(vars(process)["_children"]):
                if has_ended(child):
                    os.waitpid(child._popen.pid, 0)
                    vars(process)["_children"].discard(child)
            return list(vars(process)["_children"])

        return join_all

    replace(process, "active_children", active)


@fault(
    "tree.start-joins-nobody",
    "multiprocessing.process",
    "tree.start-reaps-finished",
    only=("fork", "spawn"),
)
def start_joins_nobody(process):
    """start does not join what has ended: a program that only starts fills the process table."""
    start_with(process, lambda original: None)


@fault(
    "tree.start-joins-one",
    "multiprocessing.process",
    "tree.start-reaps-finished",
    only=("fork", "spawn"),
    subtle=True,
)
def start_joins_one(process):
    """start joins but one of those that have ended: where many end at once, zombies stay."""

    def join_one(_):
        for child in list(vars(process)["_children"]):
            if child._popen.poll() is not None:
                vars(process)["_children"].discard(child)
                return

    start_with(process, join_one)


def start_with(process, cleanup):
    """Have start look after what has ended by ``cleanup(the package's own way)``."""

    def start(original):
        def start_otherwise(self):
            own = process._cleanup
            process._cleanup = lambda: cleanup(own)
            try:
                original(self)
            finally:
                process._cleanup = own

        return start_otherwise

    replace(process.BaseProcess, "start", start)


@fault(
    "tree.usable-processors-are-counted",
    "multiprocessing.context",
    "tree.cpu-count-ignores-affinity",
    subtle=True,
)
def usable_processors_are_counted(context):
    """cpu_count() counts the processors that may be used, which os.cpu_count() does not."""
    replace(
        context.BaseContext,
        "cpu_count",
        lambda original: lambda self: min(original(self), len(os.sched_getaffinity(0))),
    )


@fault(
    "tree.real-processors-are-counted",
    "multiprocessing.context",
    "tree.cpu-count-can-be-overridden",
)
def real_processors_are_counted(context):
    """cpu_count() cannot be overridden: in a container there are always too many processes."""
    replace(
        context.BaseContext,
        "cpu_count",
        lambda original: lambda self: os.sysconf("SC_NPROCESSORS_ONLN"),
    )


@fault(
    "tree.processors-by-option-only",
    "multiprocessing.context",
    "tree.cpu-count-can-be-overridden",
    subtle=True,
)
def processors_by_option_only(context):
    """cpu_count() pays no heed to PYTHON_CPU_COUNT, only to the option of the interpreter."""

    def count(original):
        def count_by_option(self):
            given = "cpu_count" in sys._xoptions
            return original(self) if given else os.sysconf("SC_NPROCESSORS_ONLN")

        return count_by_option

    replace(context.BaseContext, "cpu_count", count)


@fault(
    "tree.freeze-support-looks-at-arguments",
    "multiprocessing.context",
    "tree.freeze-support-unfrozen-does-nothing",
    subtle=True,
)
def freeze_support_looks_at_arguments(context):
    """freeze_support() ends a program that happens to have the arguments of a frozen child."""

    def support(original):
        def support_all(self):
            if "--multiprocessing-fork" in sys.argv:
                sys.exit(0)
            return original(self)

        return support_all

    replace(context.BaseContext, "freeze_support", support)


@fault(
    "tree.freeze-support-answers",
    "multiprocessing.context",
    "tree.freeze-support-unfrozen-does-nothing",
    subtle=True,
)
def freeze_support_answers(context):
    """freeze_support() returns whether the program is frozen: code that relies on it fails."""
    replace(context.BaseContext, "freeze_support", lambda original: lambda self: False)


@fault("tree.child-keeps-input", "multiprocessing.util", "tree.child-stdin-is-null-device")
def child_keeps_input(util):
    """A child reads from its parent's standard input, and takes away what was typed for that."""
    replace(util, "_close_stdin", lambda original: lambda: None)


@fault(
    "tree.childs-input-is-closed",
    "multiprocessing.util",
    "tree.child-stdin-is-null-device",
    subtle=True,
)
def childs_input_is_closed(util):
    """A child's standard input is closed: to read from it raises, where there should be nothing."""

    def close_stdin(original):
        def close_for_good():
            original()
            sys.stdin.close()

        return close_for_good

    replace(util, "_close_stdin", close_stdin)


@fault("tree.unflushed-is-lost", "multiprocessing.process", "tree.buffered-output-appears-once")
def unflushed_is_lost(process):
    """A child ends without flushing: what it printed last is lost when that goes to a file."""

    def bootstrap(original):
        def bootstrap_and_drop(self, *args, **kwargs):
            from multiprocessing import util

            util._flush_std_streams = sys.stderr.flush
            code = original(self, *args, **kwargs)
            os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
            return code

        return bootstrap_and_drop

    replace(process.BaseProcess, "_bootstrap", bootstrap)


@fault(
    "tree.unflushed-is-doubled",
    "multiprocessing.popen_fork",
    "tree.buffered-output-appears-once",
    only=("fork",),
    subtle=True,
)
def unflushed_is_doubled(popen_fork):
    """fork comes before flush: what the parent had not written yet, each child writes as well."""

    def init(_):
        def init_without_flush(self, process_obj):
            self.returncode = None
            self.finalizer = None
            self._launch(process_obj)

        return init_without_flush

    replace(popen_fork.Popen, "__init__", init)


@fault(
    "tree.parents-handlers-run-in-children",
    "multiprocessing.popen_fork",
    "tree.parent-atexit-stays-in-parent",
    only=("fork",),
    subtle=True,
)
def parents_handlers_run_in_children(popen_fork):
    """A forked child runs its parent's exit handlers: temporary files vanish under the parent."""
    from multiprocessing import process

    atexit._clear = lambda: None

    def bootstrap(original):
        def bootstrap_and_end(self, *args, **kwargs):
            code = original(self, *args, **kwargs)
            atexit._run_exitfuncs()
            return code

        return bootstrap_and_end

    replace(process.BaseProcess, "_bootstrap", bootstrap)


@fault(
    "tree.childs-handlers-the-other-way",
    "multiprocessing.process",
    "tree.child-atexit-runs-at-end",
    subtle=True,
)
def childs_handlers_the_other_way(process):
    """A child's exit handlers run where they did not, and do not run where they did."""

    def bootstrap(original):
        def bootstrap_otherwise(self, *args, **kwargs):
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

        return bootstrap_otherwise

    replace(process.BaseProcess, "_bootstrap", bootstrap)


@fault(
    "tree.arguments-stay-behind",
    "multiprocessing.process",
    "tree.argv-and-path-reach-child",
    subtle=True,
)
def arguments_stay_behind(process):
    """A child has no arguments but the first: it does not find the options of its program."""
    begin_with(process, lambda child: sys.argv.__delitem__(slice(1, None)))


@fault(
    "tree.last-path-stays-behind",
    "multiprocessing.process",
    "tree.argv-and-path-reach-child",
    subtle=True,
)
def last_path_stays_behind(process):
    """What was appended to sys.path does not reach the child: it cannot import from there."""
    begin_with(process, lambda child: sys.path.pop())


@fault(
    "tree.child-starts-where-program-did",
    "multiprocessing.process",
    "tree.child-starts-in-parent-cwd",
    subtle=True,
)
def child_starts_where_program_did(process):
    """A child begins where its program did, and not where that is now: it finds no files."""
    begin_with(process, lambda child: os.chdir(process.ORIGINAL_DIR))
