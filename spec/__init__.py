"""An executable specification of multiprocessing: a chapter for each subject, a test per claim."""

import os
import sys

if os.environ.get("SPEC_PLATFORM"):  # before the import of the kit, which asks for the platform
    from spec import simulated

    try:
        simulated.install()
    except simulated.SimulationError as error:
        sys.exit(f"ERROR: {simulated.VARIABLE}: {error}")

#: The reading order: each name is a file, ``spec/test_<name>.py``.
CHAPTERS = (
    "parallelism",
    "processes",
    "process_objects",
    "arguments",
    "joining",
    "exit_codes",
    "stopping",
    "daemons",
    "process_tree",
    "surroundings",
    "start_methods",
    "fork_server",
    "main_module",
    "locks",
    "rlocks",
    "semaphores",
    "acquiring",
    "events",
    "conditions",
    "barriers",
    "queues",
    "queue_buffers",
    "other_queues",
    "pipes",
    "connections",
    "waiting",
    "listeners",
    "authentication",
    "shared_values",
    "sharedctypes",
    "shared_memory",
    "shared_memory_lifetimes",
    "shareable_lists",
    "managers",
    "manager_lifetimes",
    "proxies",
    "proxy_objects",
    "managed_objects",
    "managed_locks",
    "custom_managers",
    "pools",
    "pool_results",
    "pool_workers",
    "pool_losses",
    "thread_pools",
    "executors",
    "logging",
    "resources",
    "robustness",
)
