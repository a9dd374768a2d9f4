"""All that crosses into another process, and all that chapters import.

Every spawned child imports this package, so it stays slim: nothing here, nor in the
modules imported below, imports more than a bare child of the package has loaded already.
"""

from spec.kit.actor import perform
from spec.kit.claims import OBSERVED, claim, reached
from spec.kit.clock import BEAT, TICK, now
from spec.kit.package import process_class, submodule
from spec.kit.parity import result_or_error
from spec.kit.zombies import is_zombie, wait_for_zombie

__all__ = [
    "BEAT",
    "OBSERVED",
    "TICK",
    "claim",
    "is_zombie",
    "now",
    "perform",
    "process_class",
    "reached",
    "result_or_error",
    "submodule",
    "wait_for_zombie",
]
