"""Time: one clock for all processes of a machine, and the units in which scenes are written."""

import time

#: Seconds. The unit of every scene: how long an actor sleeps, or asks before it gives up.
BEAT = 0.1

#: Seconds. What a lower bound forgives: clocks and sleeps on Windows are 15.6 ms coarse.
TICK = 0.02

#: Seconds. How long the stage waits for anything that has to come; ``--patience`` scales it.
PATIENCE = 20.0

#: The clock of all evidence. Its zero is the machine's, not the process's, so that readings
#: from several processes can be compared, and it is fine-grained on Windows too
#: (time.perf_counter, "is system-wide").
now = time.perf_counter
