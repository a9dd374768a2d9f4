"""Everything that chapters import.

Every spawned child imports this package too, so it stays small: neither this module nor the
modules below import more than a plain child of multiprocessing has already loaded.
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
