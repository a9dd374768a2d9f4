"""Faults of a child's surroundings."""

import atexit
import os
import sys

from spec.faults import fault, replace


def begin_with(process, action):
    """Have every child call ``action(its Process object)`` just before run()."""

    def bootstrap_and_act(original, self, *args, **kwargs):
        run = self.run

        def act_and_run():
            action(self)
            run()

        self.run = act_and_run
        return original(self, *args, **kwargs)

    replace(process.BaseProcess, "_bootstrap", bootstrap_and_act)


@fault("util._close_stdin", "tree.child-stdin-is-null-device", crude=True)
def child_shares_input(original):
    """A child reads from its parent's standard input, and takes the parent's lines away."""
    return


@fault("util._close_stdin", "tree.child-stdin-is-null-device")
def child_has_closed_input(original):
    """A child's sys.stdin is closed: reading from it raises ValueError."""
    original()
    sys.stdin.close()


@fault("util._close_stdin", "tree.replaced-stdin-closed-in-child", only=("fork",))
def replaced_input_stays(original):
    """An object in place of sys.stdin stays in a forked child, which reads its parent's input."""
    if sys.stdin is not None and hasattr(sys.stdin, "fileno"):
        original()


@fault("util._close_stdin", "tree.replaced-stdin-closed-in-child", only=("fork",))
def replaced_input_is_not_closed(original):
    """A forked child leaves an object in place of sys.stdin open: its file is never closed."""
    if sys.stdin is not None and not hasattr(sys.stdin, "fileno"):
        sys.stdin = None
        sys.stdin = open(os.devnull)
    else:
        original()


@fault("process.BaseProcess._bootstrap", "tree.buffered-output-appears-once", crude=True)
def unflushed_output_is_lost(original, self, *args, **kwargs):
    """A child ends without flushing: its last output is lost when it goes to a file."""
    from multiprocessing import util

    util._flush_std_streams = sys.stderr.flush
    code = original(self, *args, **kwargs)
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    return code


@fault("popen_fork.Popen.__init__", "tree.buffered-output-appears-once", only=("fork",))
def unflushed_output_is_doubled(original, self, process_obj):
    """fork comes before flush: each child writes the parent's unflushed output again."""
    self.returncode = None
    self.finalizer = None
    self._launch(process_obj)


@fault("popen_fork", "tree.parent-atexit-stays-in-parent", only=("fork",))
def parents_handlers_run_in_children(popen_fork):
    """A forked child runs its parent's exit handlers, which may remove files still in use."""
    from multiprocessing import process

    atexit._clear = lambda: None

    def bootstrap_and_end(original, self, *args, **kwargs):
        code = original(self, *args, **kwargs)
        atexit._run_exitfuncs()
        return code

    replace(process.BaseProcess, "_bootstrap", bootstrap_and_end)


@fault("process.BaseProcess._bootstrap", "tree.child-atexit-runs-at-end")
def childs_handlers_are_reversed(original, self, *args, **kwargs):
    """A child's exit handlers run under the start methods that do not run them, and vice versa."""
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
def child_has_no_argv(process):
    """A child has only the first entry of sys.argv: it does not find the program's options."""
    begin_with(process, lambda child: sys.argv.__delitem__(slice(1, None)))


@fault("process", "tree.argv-and-path-reach-child")
def child_lacks_last_path(process):
    """An entry appended to sys.path is missing in a child, which cannot import from there."""
    begin_with(process, lambda child: sys.path.pop())


@fault("process", "tree.child-starts-in-parent-cwd")
def child_starts_where_program_did(process):
    """A child starts in the directory in which its program started: relative paths are wrong."""
    begin_with(process, lambda child: os.chdir(process.ORIGINAL_DIR))
