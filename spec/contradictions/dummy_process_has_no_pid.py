"""multiprocessing.dummy "replicates the API of multiprocessing": these names are missing."""

import multiprocessing
import multiprocessing.dummy

process, dummy = multiprocessing.Process, multiprocessing.dummy.Process
for name in ("exitcode", "pid", "sentinel", "authkey", "terminate", "kill", "close"):
    print(f"Process.{name}:", hasattr(process, name), "in dummy:", hasattr(dummy, name))
for name in ("Queue", "cpu_count", "get_context", "SimpleQueue", "log_to_stderr"):
    missing = not hasattr(multiprocessing.dummy, name)
    print(f"{name}:", hasattr(multiprocessing, name), "in dummy:", not missing)
