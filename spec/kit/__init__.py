"""All that crosses into another process, and all that chapters import.

Every spawned child imports this package, so it stays slim: nothing here, nor in the
modules imported below, imports more than a bare child of the package has loaded already.
"""

from spec.kit.actor import perform
from spec.kit.claims import claim
from spec.kit.clock import BEAT, TICK
from spec.kit.package import process_class

__all__ = ["BEAT", "TICK", "claim", "perform", "process_class"]
