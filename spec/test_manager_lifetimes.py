"""Lifetimes in managers: when servers and managed objects end.

A manager's server ends with the manager: by ``shutdown()``, at the end of the ``with`` block, when
the last reference to the manager is dropped, or at the end of the program that started it. From
then on its proxies raise OSError or EOFError. A server that does not end in time is terminated,
and at last killed; ``shutdown_timeout`` is the time that it has.

Ctrl-C does not end a server. And a killed program stops nothing: its server goes on, until it is
killed too.

An object lives as long as any process has a proxy of it. Keep a proxy in the parent, as long as
children need the object: a spawned child that gets a proxy as an argument does not count.

In the proofs an actor has the manager, since starting and ending one might take forever.
"""

import gc
import os
import signal
import threading

from spec.kit import BEAT, OBSERVED, TICK, claim, now, result_or_error
from spec.kit.managing import (
    CalledElsewhere,
    be_server,
    called_in_server,
    hold_manager,
    new_sync_manager,
    remove_socket,
    use_by_address,
)

NEEDS = ("addresses",)


def value_or_os_error(call, *args):
    """The value of a call; "OSError" if it raises a subclass of that, or another error's name."""
    try:
        return call(*args)
    except OSError:
        return "OSError"
    except Exception as error:
        return type(error).__name__


def called_in_thread(call, *args):
    """The value of a call by a new thread, which has no connection yet, or "OSError"."""
    values = []
    thread = threading.Thread(target=lambda: values.append(value_or_os_error(call, *args)))
    thread.start()
    thread.join()
    return values[0]


def use_proxies_after_manager(stage):
    """Report what proxies are good for while their manager lives, and after that."""
    with stage.mp.Manager() as manager:
        items = manager.list([1, 2])
        table = manager.dict(a=1)
        stage.say("inside", {"list": items[0], "dict": table["a"], "str(list)": str(items)})
    return {
        "list": value_or_os_error(lambda: items[0]),
        "dict": value_or_os_error(lambda: table["a"]),
        "append()": value_or_os_error(items.append, 3),
        "list, in a new thread": called_in_thread(lambda: items[0]),
        "str(list)": str(items),
    }


@claim(
    "manager.proxies-die-with-manager",
    docs="multiprocessing.managers.BaseManager.shutdown",
    level=OBSERVED,
)
def test_proxies_do_not_work_after_the_with_block(mp, stage):
    """After a manager's with block its proxies raise OSError, and str(proxy) says "failed".

    Which subclass of OSError it is depends on how far the connection has come: a thread that has
    used the manager before has one, a new thread has to make one.
    """
    actor = stage.enter(use_proxies_after_manager)
    assert actor.expect("inside") == {"list": 1, "dict": 1, "str(list)": "[1, 2]"}
    afterwards = actor.returns()
    text = afterwards.pop("str(list)")
    assert set(afterwards.values()) == {"OSError"}, afterwards
    assert "failed" in text
    assert "[1, 2]" not in text


def stay_in_thread(seconds, *ignored):
    """Keep this process from ending for a while, by a thread; ignore the signals."""
    for name in ignored:
        signal.signal(signal.Signals[name], signal.SIG_IGN)
    threading.Thread(target=threading.Event().wait, args=(seconds,)).start()


def shut_down_slow_servers(stage):
    """Shut down managers whose servers take a while to end, or forever; report how it went."""
    observed = {}
    forever = threading.TIMEOUT_MAX
    for label, timeout, initargs in (
        ("slow", stage.patience, (BEAT,)),
        ("stays", BEAT, (forever,)),
        ("stays and ignores SIGTERM", BEAT, (forever, "SIGTERM")),
    ):
        manager = new_sync_manager(stage, shutdown_timeout=timeout)
        manager.start(stay_in_thread, initargs)
        (server,) = stage.mp.active_children()
        with stage.span(label) as shutting_down:
            manager.shutdown()
        remove_socket(manager.address)
        observed[label] = server.exitcode, shutting_down.seconds
    return observed


@claim(
    "manager.shutdown-timeout-forces-end",
    docs="multiprocessing.managers.BaseManager",
    needs=("signals",),
)
def test_shutdown_forces_the_end_after_its_timeout(mp, stage):
    """If its server exceeds shutdown_timeout, shutdown() terminates it, and then kills it.

    A thread keeps two servers from ending at all, so shutdown() would not return without that. A
    third server ends a beat later by itself, within its timeout, and is left to do so.
    """
    observed = stage.result_of(shut_down_slow_servers)
    assert {label: code for label, (code, _) in observed.items()} == {
        "slow": 0,
        "stays": -signal.Signals["SIGTERM"],
        "stays and ignores SIGTERM": -signal.Signals["SIGKILL"],
    }
    for label, timeouts in (("stays", 1), ("stays and ignores SIGTERM", 2)):
        seconds = observed[label][1]
        assert seconds >= timeouts * (BEAT - TICK), f"{label}: ended after {seconds} s"


def drop_manager(stage):
    """Drop a manager and then its proxy; report what the server does at each step."""
    manager = new_sync_manager(stage)
    manager.start()
    (server,) = stage.mp.active_children()
    items = manager.list([1])
    del manager
    gc.collect()  # of importance on PyPy only
    observed = {"while a proxy is kept": (server.is_alive(), items[0])}
    del items
    gc.collect()
    observed["when it is dropped"] = server.exitcode
    return observed


@claim("manager.last-reference-stops-server", docs="multiprocessing.Manager")
def test_a_server_ends_with_the_last_reference_to_its_manager(mp, stage):
    """A manager is shut down when it is garbage collected; the proxies that it made keep it.

    The exit code of the server is there when the last reference has been dropped.
    """
    assert stage.result_of(drop_manager) == {
        "while a proxy is kept": (True, 1),
        "when it is dropped": 0,
    }


def interrupt_idle_server(stage):
    """Send SIGINT to the server of a manager, and wait for a beat; report its states."""
    with new_sync_manager(stage) as manager:
        items = manager.list([1])
        (server,) = stage.mp.active_children()
        os.kill(server.pid, signal.SIGINT)
        server.join(BEAT)
        alive = server.is_alive()
        items.append(2)
        observed = {"alive": alive, "list": list(items)}
    return observed | {"exitcode": server.exitcode}


@claim(
    "manager.server-ignores-interrupt",
    docs="multiprocessing.managers",
    level=OBSERVED,
    needs=("signals",),
)
def test_a_server_ignores_an_interrupt(mp, stage):
    """A manager's server ignores SIGINT, so Ctrl-C ends the program's own processes, not it.

    For a beat after the signal the server does not end; then its list is used once more.
    """
    assert stage.result_of(interrupt_idle_server) == {
        "alive": True,
        "list": [1, 2],
        "exitcode": 0,
    }


def kill_server(stage):
    """Kill a server while a thread waits for it; report what its proxies raise."""
    with stage.mp.Manager() as manager:
        (server,) = stage.mp.active_children()
        items, barrier = manager.list([1]), manager.Barrier(2)
        calls = []
        thread = threading.Thread(target=lambda: calls.append(result_or_error(barrier.wait)))
        thread.start()
        while barrier.n_waiting < 1:
            pass
        server.kill()
        server.join()
        thread.join()
        observed = {
            "call in progress": calls,
            "list": value_or_os_error(lambda: items[0]),
            "list, in a new thread": called_in_thread(lambda: items[0]),
            "new list": value_or_os_error(manager.list),
        }
    remove_socket(manager.address)
    return observed


@claim("manager.killed-server-breaks-proxies", docs="multiprocessing.managers", level=OBSERVED)
def test_proxies_do_not_work_once_the_server_is_killed(mp, stage):
    """Once its server is killed, proxies raise OSError, and a call in progress raises EOFError.

    The server is known to be in a call when it is killed: its barrier has a waiting process.
    """
    assert stage.result_of(kill_server) == {
        "call in progress": ["EOFError"],
        "list": "OSError",
        "list, in a new thread": "OSError",
        "new list": "OSError",
    }


@claim("manager.server-ends-with-program", docs="multiprocessing.Manager")
def test_a_server_ends_when_its_program_ends(mp, program):
    """A server ends when the program that started it does, normally or by an exception.

    The program never shuts its manager down. Its server prints a line at its own end; the program
    waits for that, as the last line, which an exit handler prints, shows.
    """
    for how, exitcode in (("normally", 0), ("exception", 1)):
        completed = program.run("unfinished", how)
        assert completed.exitcode == exitcode, completed.errors
        assert completed.lines == [
            "the program is done",
            "the server is done",
            "the exit handlers are done",
        ], f"exits {how}"


@claim(
    "manager.server-survives-killed-program",
    docs="multiprocessing.Manager",
    level=OBSERVED,
    contradicts="multiprocessing.Manager",
)
def test_a_server_survives_a_process_that_is_killed(mp, stage):
    """A server goes on if the process that started it is killed, or ends by os._exit().

    The documentation says that it ends with its parent. For a beat it could; then another process
    connects to it and uses it. The server of a process that ends normally, the control, ends.
    """
    for ending in ("normally", "os._exit()", "killed"):
        server = stage.nested(be_server)
        starter = stage.enter(hold_manager, server.ticket, ending)
        address = starter.expect("started")
        if ending == "killed":
            starter.process.kill()
        else:
            starter.cue("end")
        starter.wait_until_gone()
        if ending != "normally":
            assert server.does_not_say("still here")
            server.cue("speak")
            server.expect("still here")
            assert stage.result_of(use_by_address, address) == ([1, 2], server.pid), ending
            remove_socket(address)  # the stage will kill the server
        else:
            server.wait_until_gone()


class LeavesNote:
    """An object that creates a file when it is deleted."""

    def __init__(self, path):
        self.path = path

    def __del__(self):
        open(self.path, "x").close()


def hold_proxy(stage, items, connection):
    """Hold a proxy, from a connection or an argument, until cued; report the list's length."""
    items = connection.recv() if connection else items
    stage.say("holding")
    stage.wait_for_cue("end")
    return result_or_error(len, items)


def deleted_in_server(stage, manager, path, expected):
    """Whether a LeavesNote in the server has been deleted; if that is expected, wait for it.

    A thread of the server holds what it has worked with until a moment after its answer, or until
    it learns that its client has left.
    """
    called_in_server(manager, gc.collect)  # on PyPy objects are deleted only then
    deadline = now() + stage.patience / 2
    while expected and not os.path.exists(path) and now() < deadline:
        called_in_server(manager, gc.collect)
    return os.path.exists(path)


def share_note(stage, ticket, path, by_pipe):
    """Share a list with an object that notes its end; drop the proxy before its other holder."""
    with stage.mp.Manager() as manager:
        items = manager.list([CalledElsewhere(LeavesNote, (path,))])
        theirs, ours = stage.mp.Pipe() if by_pipe else (None, None)
        child = stage.start((*ticket, None if by_pipe else items, theirs))
        if ours:
            ours.send(items)
        stage.wait_for_cue("drop")
        del items
        gc.collect()
        kept = by_pipe or stage.mp.get_start_method() != "spawn"
        stage.say("dropped", deleted_in_server(stage, manager, path, expected=not kept))
        child.join()
        deleted = deleted_in_server(stage, manager, path, expected=True)
        return {"manager still runs": list(manager.list([1])), "deleted": deleted}


def drop_shared_list(stage, path, by_pipe):
    """Let the creator of a list drop its proxy while a child has one; report all they say."""
    holder = stage.nested(hold_proxy)
    sharer = stage.enter(share_note, holder.ticket, str(path), by_pipe)
    holder.expect("holding")
    sharer.cue("drop")
    deleted = sharer.expect("dropped")
    return {"deleted": deleted, "len()": holder.returns(cue="end"), "at the end": sharer.returns()}


@claim("manager.referent-dies-with-last-proxy", docs="multiprocessing#cleanup")
def test_a_shared_object_is_deleted_with_its_last_proxy(mp, stage, tmp_path):
    """A server deletes a shared object when no process has a proxy of it any more, and not before.

    The creator of a list drops its proxy while a child has one, and then the child ends. The object
    in the list notes its own end in a file. The manager goes on. The child has received the proxy
    through a pipe or, except under spawn, where that is not enough, as an argument.
    """
    for by_pipe in (True, False) if mp.get_start_method() != "spawn" else (True,):
        observed = drop_shared_list(stage, tmp_path / f"note {by_pipe}", by_pipe)
        assert observed == {
            "deleted": False,
            "len()": 1,
            "at the end": {"manager still runs": [1], "deleted": True},
        }, "sent through a pipe" if by_pipe else "passed as an argument"


@claim(
    "manager.spawned-child-keeps-no-referent",
    docs="multiprocessing#cleanup",
    level=OBSERVED,
    contradicts="multiprocessing#cleanup",
    methods=("spawn",),
)
def test_a_proxy_that_a_spawned_child_is_given_does_not_keep_the_object(mp, stage, tmp_path):
    """A proxy passed to a spawned child as an argument does not keep the shared object alive.

    The documentation says that an object is deleted when no proxy refers to it. As soon as the
    creator drops its proxy the list is gone, and the child's proxy raises RemoteError.
    """
    assert drop_shared_list(stage, tmp_path / "note", by_pipe=False) == {
        "deleted": True,
        "len()": "RemoteError",
        "at the end": {"manager still runs": [1], "deleted": True},
    }


def count_server_files(manager):
    """The number of file descriptors that the server of a manager has open."""
    from spec.kit.platforms import descriptors

    gc.collect()  # of importance on PyPy only: threads that have ended leave their connections
    return len(called_in_server(manager, descriptors))


def let_clients_leave(stage):
    """Have eight threads use a list at once, and leave; report the files of its server."""
    with new_sync_manager(stage) as manager:
        items = manager.list([1])
        count_server_files(manager)  # the server opens files of its own for the first call
        before = count_server_files(manager)
        connected, leaving = threading.Barrier(9), threading.Barrier(9)

        def use():
            items.append(2)
            connected.wait()
            leaving.wait()

        clients = [threading.Thread(target=use) for _ in range(8)]
        for client in clients:
            client.start()
        connected.wait()
        during = count_server_files(manager)
        leaving.wait()
        for client in clients:
            client.join()
        deadline = now() + stage.patience / 2
        while (afterwards := count_server_files(manager)) > before and now() < deadline:
            pass
        return {"before": before, "during": during, "afterwards": afterwards}


@claim(
    "manager.departed-clients-are-closed",
    docs="multiprocessing.managers",
    level=OBSERVED,
    needs=("descriptors",),
)
def test_a_server_closes_the_connections_of_clients_that_have_left(mp, stage):
    """A manager's server closes the connection of a thread that has used a proxy and has ended.

    Eight threads have a connection each, at the same time. When they have ended, the server has
    soon no more files open than before. It closes the connection of each call that creates an
    object a moment after the answer, so each number may be a few too large.
    """
    files = stage.result_of(let_clients_leave)
    assert files["during"] > files["before"], f"the threads have no connections: {files}"
    assert files["afterwards"] <= files["before"], f"connections are left: {files}"
