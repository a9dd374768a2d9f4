"""Time: one clock for all processes of a machine, and the units of time in scenes."""

import time

#: The unit of every scene in seconds: how long an actor sleeps, or the timeout of its call.
BEAT = 0.1

#: The tolerance of a lower bound in seconds: clocks and sleeps on Windows are 15.6 ms coarse.
TICK = 0.02

#: How long, in seconds, the stage waits for an event that must come; ``--patience`` scales it.
PATIENCE = 20.0

#: The clock of all reports, in seconds. All processes of a machine share its zero, so that times
#: of several processes can be compared, and its resolution is high on Windows too
#: (time.perf_counter, "is system-wide").
now = time.perf_counter
