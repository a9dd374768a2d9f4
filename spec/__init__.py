"""An executable specification of multiprocessing: one chapter a subject, one test a claim."""

#: The reading order: each name is a file, ``spec/test_<name>.py``.
CHAPTERS = (
    "parallelism",
    "processes",
    "arguments",
    "joining",
    "exit_codes",
    "stopping",
    "daemons",
    "process_tree",
    "start_methods",
    "fork_server",
    "main_module",
    "locks",
    "rlocks",
    "semaphores",
    "events",
    "conditions",
    "barriers",
    "queues",
    "pipes",
    "shared_values",
    "managers",
    "pools",
    "logging",
    "resources",
)
