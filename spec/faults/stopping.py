"""What can go wrong with stopping a process from outside."""

from spec.faults import fault, replace


@fault("stop.terminate-does-nothing", "multiprocessing.process", "stop.threads-have-no-terminate")
def terminate_does_nothing(process):
    """terminate has no effect: who is to be stopped goes on."""
    replace(process.BaseProcess, "terminate", lambda original: lambda self: None)


@fault(
    "stop.kill-does-nothing",
    "multiprocessing.process",
    "stop.threads-have-no-terminate",
    subtle=True,
)
def kill_does_nothing(process):
    """kill has no effect, while terminate has: what ignores terminate cannot be stopped."""
    replace(process.BaseProcess, "kill", lambda original: lambda self: None)


@fault("stop.threads-have-terminate", "threading", "stop.threads-have-no-terminate", subtle=True)
def threads_have_terminate(threading):
    """Thread has a terminate, which does nothing: code for both relies on it in vain."""
    threading.Thread.terminate = lambda self: None
