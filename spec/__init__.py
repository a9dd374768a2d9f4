"""An executable specification of multiprocessing: one chapter a subject, one test a claim."""

#: The reading order: each name is a file, ``spec/test_<name>.py``.
CHAPTERS = (
    "parallelism",
    "processes",
    "arguments",
    "joining",
    "stopping",
    "daemons",
    "main_module",
    "locks",
    "semaphores",
    "events",
    "queues",
    "pipes",
    "managers",
    "resources",
)
