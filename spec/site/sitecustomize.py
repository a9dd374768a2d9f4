"""Prepares every interpreter of a run that counts processes, has a fault or simulates a platform.

It notes the start of the interpreter and of each process that is forked from it, and the processor
time of an interpreter that ends after its parent, see :mod:`spec.kit.costs`. It installs the run's
fault and simulated platform. Then it executes the ``sitecustomize`` that this one shadows.

A run with ``--results`` imports nothing for that: each import would cost every interpreter more
than the notes do.
"""

import atexit
import os
import sys

here = os.path.dirname(os.path.abspath(__file__))
path = os.environ.get("SPEC_STARTS", "")
itself, parent = os.getpid(), os.getppid()


def note(kind, microseconds=0):
    """Write a line into the file of the process that plays; a file that refuses it is ignored.

    The file is not created: after the run its processes would leave it behind.
    """
    try:
        file = os.open(path, os.O_WRONLY | os.O_APPEND)
    except OSError:
        return
    try:
        os.write(file, b"%s %d %d\n" % (kind, os.getpid(), microseconds))
    except OSError:
        pass
    finally:
        os.close(file)


def note_fork():
    """Note the start of a forked process."""
    note(b"fork")


def note_spent():
    """Note the processor time of this interpreter, if no parent will be told of it."""
    if os.getpid() == itself and os.getppid() != parent:
        import resource

        both = resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN
        usages = [resource.getrusage(which) for which in both]
        spent = sum(usage.ru_utime + usage.ru_stime for usage in usages)
        note(b"outlived", int(1e6 * spent))


if path:
    note(b"interpreter")
    atexit.register(note_spent)
    if hasattr(os, "register_at_fork"):
        os.register_at_fork(after_in_child=note_fork)

if os.environ.get("SPEC_FAULT") or os.environ.get("SPEC_PLATFORM"):
    root = os.path.dirname(os.path.dirname(here))
    sys.path.insert(0, root)
    from spec import faults  # (a simulated platform is installed by the package itself)

    sys.path.remove(root)
    if os.environ.get(faults.VARIABLE):
        faults.install(os.environ[faults.VARIABLE])

# A distribution's own sitecustomize is shadowed by this one.
entries = [entry for entry in sys.path if os.path.abspath(entry) != here]
for finder in sys.meta_path:
    shadowed = finder.find_spec("sitecustomize", entries)
    if shadowed is not None and shadowed.loader is not None:
        from importlib.util import module_from_spec

        shadowed.loader.exec_module(module_from_spec(shadowed))
        break
