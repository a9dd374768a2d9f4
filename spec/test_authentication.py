"""Authentication: how both ends of a connection prove that they know a key.

``recv()`` unpickles what it gets, and a pickle can run any code. So a Listener that strangers can
reach needs an ``authkey``, a byte string, and so do its clients: ``Listener(address,
authkey=key)``, ``Client(address, authkey=key)``. Each end sends the other a random challenge, and
gets a digest of it that only the key can produce. The key itself is never sent. All processes of a
program have one key by default, ``current_process().authkey``; the managers use it. Listeners do
not, unless it is given: without ``authkey`` all clients are admitted.

Give a key to both ends, or to neither. A client with a key waits forever if the listener has none.

Some points surprise people. Authentication is not encryption: all that follows can be read, and
changed, on its way. It is done in ``accept()``, one client after the other: a client that connects
and is silent blocks all others. A client that leaves meanwhile makes ``accept()`` raise EOFError or
OSError, not AuthenticationError: a server that goes on after errors has to catch both.
"""

import base64
import gc
import hmac
import os
import socket
import threading
import warnings

from spec.kit import OBSERVED, claim, reached, result_or_error, submodule

LOCALHOST = ("127.0.0.1", 0)
KEY = b"the key of this chapter"
OTHER = b"another key of the same length"[: len(KEY)]
CHALLENGE = b"#CHALLENGE#"


def listener_with(key):
    """A Listener of the package under test on TCP, with the key or without one."""
    return submodule("connection").Listener(LOCALHOST, authkey=key)


def client_with(key, address):
    """A Client of the package under test, with the key or without one."""
    return submodule("connection").Client(address, authkey=key)


def both(first, second):
    """Call both functions at the same time; returns what each returns, or its exception's name."""
    outcomes = {}

    def call_second():
        outcomes["second"] = result_or_error(second)

    thread = threading.Thread(target=call_second, daemon=True)
    thread.start()
    outcomes["first"] = result_or_error(first)
    thread.join()
    return outcomes["first"], outcomes["second"]


def admitted(accepted, client):
    """Whether two ends are connected; the names of exceptions that they have raised otherwise."""
    if isinstance(accepted, str) or isinstance(client, str):
        return [each if isinstance(each, str) else "connected" for each in (accepted, client)]
    with accepted, client:
        client.send("to the listener")
        accepted.send("to the client")
        return [accepted.recv(), client.recv()] == ["to the listener", "to the client"]


def outcome_of(listener, key):
    """Have a client with the key come to the listener; returns whether it was admitted."""
    return admitted(*both(listener.accept, lambda: client_with(key, listener.address)))


def try_keys(stage):
    """Report how clients with several keys fare at a listener with a key, one after the other."""
    with listener_with(KEY) as listener:
        return {
            name: outcome_of(listener, key)
            for name, key in {
                "other key": OTHER,
                "same key": bytes(bytearray(KEY)),
                "longer key": KEY + b"x",
                "shorter key": KEY[:-1],
                "empty key": b"",
                "same key again": KEY,
            }.items()
        }


REFUSED = ["AuthenticationError"] * 2


@claim("listener.keys-must-match", docs="multiprocessing.AuthenticationError")
def test_only_a_client_with_the_same_key_is_admitted(mp, stage):
    """With different keys both accept() and Client() raise AuthenticationError; equal keys connect.

    The clients come one after the other to one listener: it goes on after it has refused one.
    """
    observed = stage.result_of(try_keys)
    assert observed == {
        "other key": REFUSED,
        "same key": True,
        "longer key": REFUSED,
        "shorter key": REFUSED,
        "empty key": REFUSED,
        "same key again": True,
    }
    assert issubclass(mp.AuthenticationError, mp.ProcessError)


def try_zeros(stage):
    """Report how clients fare whose keys are longer than the listener's by zero bytes, or more."""
    with listener_with(KEY) as listener:
        return {
            "zeros": outcome_of(listener, KEY + b"\0\0"),
            "zero and more": outcome_of(listener, KEY + b"\0x"),
            "zero before": outcome_of(listener, b"\0" + KEY),
        }


@claim(
    "listener.trailing-zeros-do-not-count",
    docs="multiprocessing#authentication-keys",
    level=OBSERVED,
)
def test_keys_that_differ_by_zeros_at_the_end_are_equal(mp, stage):
    """Short keys that differ only in zero bytes at their end count as the same key.

    HMAC fills a short key with zeros. So a random key of fixed length is safe, and a short number
    in bytes may not be what it seems. Zeros elsewhere count.
    """
    assert stage.result_of(try_zeros) == {
        "zeros": True,
        "zero and more": REFUSED,
        "zero before": REFUSED,
    }


def try_empty_key(stage):
    """Report how clients fare at a listener whose key is empty."""
    with listener_with(b"") as listener:
        return {"empty key": outcome_of(listener, b""), "other key": outcome_of(listener, KEY)}


@claim(
    "listener.empty-key-authenticates",
    docs="multiprocessing.connection.Listener",
    since="3.11.9, 3.12.3, 3.13",
)
def test_an_empty_key_is_a_key(mp, stage):
    """A Listener with authkey=b"" authenticates its clients: they need the same, empty key.

    Only None means no authentication. Before 3.11.9 and 3.12.3 such a listener did not
    authenticate, and a client with the same key waited forever.
    """
    assert stage.result_of(try_empty_key) == {"empty key": True, "other key": REFUSED}


def go_without_key(stage):
    """Connect without keys, though this process's own key changes in between."""
    process = stage.mp.current_process()
    process.authkey = KEY
    with listener_with(None) as listener:
        process.authkey = OTHER
        return outcome_of(listener, None)


@claim("listener.no-key-admits-all", docs="multiprocessing.connection.Client")
def test_without_a_key_there_is_no_authentication(mp, stage):
    """Without authkey, Listener and Client do not authenticate, whatever the process's authkey is.

    The listener is created while the process has one key, and the client connects while it has
    another.
    """
    assert stage.result_of(go_without_key) is True


def rest_of(client, patience):
    """The messages that a client still receives until its listener has closed."""
    gc.collect()  # it closes when the connection is collected
    rest: list[bytes] = []
    while client.poll(patience):
        received = result_or_error(client.recv_bytes)
        if isinstance(received, str):
            return [*rest, "closed"]
        rest.append(received)
    return [*rest, "silence"]


def receive_and_send(client, message):
    """Receive the challenge, which a failed accept() may take back, and send the message."""
    received = client.recv_bytes()
    client.send(message)
    return received


def come_without_key(stage):
    """Come to a listener with a key, without one, and send something, or leave; report outcomes."""
    observed = {}
    with listener_with(KEY) as listener:
        for conduct in ("sends an object", "sends a long message"):
            client = client_with(None, listener.address)
            message = "an object" if conduct == "sends an object" else "long" * 1000
            error, received = both(
                lambda: type(listener.accept()).__name__,
                lambda client=client, message=message: receive_and_send(client, message),
            )
            observed[conduct] = {
                "challenged": received.startswith(CHALLENGE),
                "longer than that": len(received) > len(CHALLENGE) + 10,
                "accept()": error,
                "then": rest_of(client, stage.patience),
            }
            client.close()
    return observed


@claim(
    "listener.keyless-client-not-admitted",
    docs="multiprocessing#authentication-keys",
)
def test_a_client_without_a_key_is_not_admitted(mp, stage):
    """A client without authkey is not admitted by a Listener with a key: it gets a challenge only.

    Client() returns a connection all the same. The first message of the client counts as its
    answer, which is wrong: accept() raises AuthenticationError, or OSError if the message is too
    long, and the object is never unpickled.
    """
    observed = stage.result_of(come_without_key)
    closed = {"challenged": True, "longer than that": True}
    assert observed == {
        "sends an object": {
            **closed,
            "accept()": "AuthenticationError",
            "then": [b"#FAILURE#", "closed"],
        },
        "sends a long message": {**closed, "accept()": "OSError", "then": ["closed"]},
    }


def leave_without_answer(stage):
    """Connect to a listener with a key and leave at once; report what accept() raises."""
    with listener_with(KEY) as listener:
        client_with(None, listener.address).close()
        return {
            "left": result_or_error(lambda: type(listener.accept()).__name__),
            "next": outcome_of(listener, KEY),
        }


@claim(
    "listener.departure-raises-eof",
    docs="multiprocessing.connection.Listener.accept",
    level=OBSERVED,
    contradicts="multiprocessing.connection.Listener.accept",
)
def test_accept_fails_otherwise_if_the_client_leaves(mp, stage):
    """If a client leaves before it has answered, accept() raises EOFError or ConnectionError.

    According to the documentation, accept() raises AuthenticationError if authentication fails. The
    listener can go on: the next client, which has the key, is admitted.
    """
    observed = stage.result_of(leave_without_answer)
    errors = (ConnectionResetError, ConnectionAbortedError, BrokenPipeError, EOFError)
    assert observed.pop("left") in [error.__name__ for error in errors]
    assert observed == {"next": True}


def come_with_key_to_keyless(stage, address):
    """Come with a key to a listener without one, twice; report what Client() raises."""
    stage.say("coming")
    for _ in range(2):
        stage.say("over", result_or_error(lambda: type(client_with(KEY, address)).__name__))


@claim(
    "listener.keyed-client-needs-challenge",
    docs="multiprocessing.connection.Client",
    level=OBSERVED,
    contradicts="multiprocessing.connection.Client",
    changes={
        "3.12": "a message that is no challenge raises AuthenticationError, not AssertionError"
    },
)
def test_a_client_with_a_key_waits_for_a_challenge(mp, stage):
    """Client() with a key blocks if the Listener has none, until the listener sends or closes.

    The listener has accepted the client. When it closes the connection, Client() raises EOFError;
    when it sends something that is no challenge, AuthenticationError. According to the
    documentation, a failed authentication always raises AuthenticationError. As a control, the
    client is heard to go on after each.
    """
    with listener_with(None) as listener:
        client = stage.enter(come_with_key_to_keyless, listener.address)
        client.expect("coming")
        with listener.accept():
            assert client.does_not_say("over"), "Client() returned without a challenge"
        assert client.expect("over") == "EOFError"
        with listener.accept() as accepted:
            accepted.send("no challenge")
            wrong = client.expect("over")
        assert wrong == ("AuthenticationError" if reached("3.12") else "AssertionError")
        client.returns()


def prove_by(answer):
    """Play a listener, and a client, that accept each answer, and give the one of the function."""
    observed = {}
    with listener_with(None) as listener:

        def pretend_to_listen():
            with listener.accept() as impostor:
                impostor.send_bytes(CHALLENGE + os.urandom(20))
                impostor.recv_bytes()
                impostor.send_bytes(b"#WELCOME#")
                challenge = impostor.recv_bytes()
                impostor.send_bytes(answer(challenge[len(CHALLENGE) :]))
                return [challenge.startswith(CHALLENGE), impostor.recv_bytes()]

        observed["listener"] = both(
            pretend_to_listen, lambda: type(client_with(KEY, listener.address)).__name__
        )
    with listener_with(KEY) as listener:

        def pretend_to_call():
            with client_with(None, listener.address) as impostor:
                challenge = impostor.recv_bytes()
                impostor.send_bytes(answer(challenge[len(CHALLENGE) :]))
                return [challenge.startswith(CHALLENGE), impostor.recv_bytes()]

        observed["client"] = both(pretend_to_call, lambda: type(listener.accept()).__name__)
    return observed


def prove_nothing(stage):
    """Report how impostors fare at both ends, by what they answer without the key."""
    return {
        "by another key": prove_by(lambda challenge: hmac.digest(OTHER, challenge, "md5")),
        "nothing": prove_by(lambda challenge: b""),
        "the digest's name": prove_by(lambda challenge: b"{sha256}"),
    }


@claim("listener.both-ends-prove-key", docs="multiprocessing#authentication-keys")
def test_an_impostor_at_either_end_is_refused(mp, stage):
    """Each end demands a proof of the key: an impostor listener is refused, as a client is.

    The impostor listener welcomes every client, but cannot answer the client's challenge: Client()
    raises AuthenticationError. The impostor client cannot answer the listener's: accept() does.
    They try an answer by another key, and two that are empty: these are the beginning of the right
    answer.
    """
    refused = ([True, b"#FAILURE#"], "AuthenticationError")
    observed = stage.result_of(prove_nothing)
    assert observed == {way: {"listener": refused, "client": refused} for way in observed}


def pass_on(source, target, seen):
    """Pass on all bytes from one socket to the other until the end, and note them."""
    while data := source.recv(4096):
        seen.append(data)
        target.sendall(data)


def relay_once(station, address, seen):
    """Accept a client at a plain socket; pass on all bytes between it and the address."""
    with station.accept()[0] as client, socket.create_connection(address) as server:
        back = threading.Thread(target=pass_on, args=(server, client, seen), daemon=True)
        back.start()
        pass_on(client, server, seen)
        server.shutdown(socket.SHUT_WR)
        back.join()


def talk_through_relay(stage):
    """Authenticate and talk through a relay; report what the relay has seen of key and words."""
    seen: list[bytes] = []
    with listener_with(KEY) as listener, socket.create_server(LOCALHOST) as station:
        relay = threading.Thread(target=relay_once, args=(station, listener.address, seen))
        relay.start()
        result = admitted(*both(listener.accept, lambda: client_with(KEY, station.getsockname())))
        relay.join()
    data = b"".join(seen)
    forms = [KEY, KEY[::-1], KEY.hex().encode(), base64.b64encode(KEY)]
    return {
        "admitted": result,
        "challenges": data.count(CHALLENGE),
        "parts of the key": [part for part in (*forms, KEY[:8], KEY[-8:]) if part in data],
        "words": [word for word in (b"to the client", b"to the listener") if word in data],
    }


@claim("listener.key-never-travels", docs="multiprocessing#authentication-keys")
def test_the_key_is_not_sent_over_the_connection(mp, stage):
    """The key is never sent over the connection.

    A relay between client and listener notes all bytes in both directions: two challenges, and
    neither the key nor a part of it, nor its usual encodings.
    """
    observed = stage.result_of(talk_through_relay)
    assert (observed["admitted"], observed["challenges"]) == (True, 2)
    assert observed["parts of the key"] == []


@claim(
    "listener.messages-are-not-encrypted",
    docs="multiprocessing#authentication-keys",
    level=OBSERVED,
)
def test_a_relay_without_the_key_reads_what_is_sent(mp, stage):
    """Authentication does not encrypt: a relay without the key can read all objects that are sent.

    The relay passes on the challenges and their answers, so both ends are satisfied, and finds the
    strings that they exchange in the bytes that it has noted.
    """
    observed = stage.result_of(talk_through_relay)
    assert observed["admitted"] is True
    assert observed["words"] == [b"to the client", b"to the listener"]


@claim("listener.key-must-be-bytes", docs="multiprocessing.connection.Client")
def test_a_key_that_is_no_bytes_is_refused(mp):
    """An authkey of another type than bytes raises TypeError in Listener() and in Client().

    A string and a bytearray are such. As a control, a listener without a key accepts a client. Up
    to 3.13 the refused Listener has opened its socket before, and warns that it was never closed.
    """
    for refused in ("string", bytearray(b"key"), 5, False):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ResourceWarning)
            assert result_or_error(listener_with, refused) == "TypeError", refused
            gc.collect()
        with listener_with(None) as listener:
            assert result_or_error(client_with, refused, listener.address) == "TypeError", refused
    with listener_with(None) as listener:
        client_with(None, listener.address).close()
        listener.accept().close()


def ask_and_answer(stage, key, other):
    """Authenticate the ends of a Pipe by challenge and answer; report outcomes."""
    connection = submodule("connection")
    one, another = stage.mp.Pipe()
    outcomes = both(
        lambda: connection.deliver_challenge(one, key),
        lambda: connection.answer_challenge(another, other),
    )
    one.send("still usable")
    return [*outcomes, another.recv()]


def challenge_with_two_pairs(stage):
    """Report how challenge and answer end with equal keys, and with different ones."""
    return {
        "equal": ask_and_answer(stage, KEY, bytes(bytearray(KEY))),
        "different": ask_and_answer(stage, KEY, OTHER),
        "empty": ask_and_answer(stage, b"", b""),
    }


@claim(
    "listener.challenge-authenticates-existing-connection",
    docs="multiprocessing.connection.deliver_challenge",
)
def test_an_existing_connection_can_be_authenticated(mp, stage):
    """deliver_challenge() and answer_challenge() return with equal keys, else both raise.

    With different keys each raises AuthenticationError. They authenticate a Pipe; it stays open
    whatever the outcome is. Equal keys are equal bytes, not the same object.
    """
    assert stage.result_of(challenge_with_two_pairs) == {
        "equal": [None, None, "still usable"],
        "different": [*REFUSED, "still usable"],
        "empty": [None, None, "still usable"],
    }


def right_answer(challenge):
    """The answer to a challenge that only the key can produce, computed without the package."""
    if len(challenge) == 20:  # of a release before 3.12
        return hmac.digest(KEY, challenge, "md5")
    name = challenge[1 : challenge.index(b"}")].decode()
    return b"{%s}" % name.encode() + hmac.digest(KEY, challenge, name)


@claim("listener.challenges-are-fresh", docs="multiprocessing.connection.deliver_challenge")
def test_an_old_answer_is_refused(mp):
    """Each challenge is new and random: an answer that was right once is refused later.

    The right answer to a challenge is put into the pipe ahead of the next one, so no call blocks.
    """
    deliver = submodule("connection").deliver_challenge
    asking, answering = mp.Pipe()
    challenges = []
    answer = b"no answer yet"
    for _ in range(4):
        answering.send_bytes(answer)
        assert result_or_error(deliver, asking, KEY) == "AuthenticationError"
        challenges.append(answering.recv_bytes()[len(CHALLENGE) :])
        assert answering.recv_bytes() == b"#FAILURE#"
        answer = right_answer(challenges[-1])
    assert len(set(challenges)) == 4
    assert min(map(len, challenges)) >= 20


@claim(
    "listener.answer-follows-digest",
    docs="multiprocessing.connection.answer_challenge",
    level=OBSERVED,
    since="3.12",
)
def test_the_answer_uses_the_digest_of_the_challenge(mp):
    """answer_challenge() uses the digest that the challenge names, or MD5 if it names none.

    Releases before 3.12 name none and have only MD5, so both can talk to each other. Of the
    others, SHA-256 is what deliver_challenge() asks for. An unknown digest, and a challenge that
    is too short, raise AuthenticationError. Welcome is in the pipe before the call.
    """
    answer, deliver = (
        getattr(submodule("connection"), f"{verb}_challenge") for verb in ("answer", "deliver")
    )
    asking, answering = mp.Pipe()
    for prefix in (b"", b"{sha256}", b"{sha384}", b"{sha3_256}", b"{md5}"):
        challenge = prefix + os.urandom(20)
        asking.send_bytes(CHALLENGE + challenge)
        asking.send_bytes(b"#WELCOME#")
        assert result_or_error(answer, answering, KEY) is None, prefix
        assert asking.recv_bytes() == right_answer(challenge), prefix
    short = b"{sha256}" + os.urandom(8)
    for wrong in (b"{unknown}" + os.urandom(20), short, os.urandom(19), b""):
        peer, own = mp.Pipe()
        with peer, own:
            peer.send_bytes(CHALLENGE + wrong)
            peer.send_bytes(b"#WELCOME#")
            assert result_or_error(answer, own, KEY) == "AuthenticationError", wrong

    answering.send_bytes(b"no answer")
    assert result_or_error(deliver, asking, KEY) == "AuthenticationError"
    assert answering.recv_bytes().startswith(CHALLENGE + b"{sha256}")


def call_with_own_key(stage, address, key=None):
    """Come to the listener with this process's own key, or with another; report the outcome."""
    key = key or stage.mp.current_process().authkey
    client = result_or_error(client_with, key, address)
    if isinstance(client, str):
        return client
    with client:
        client.send(os.getpid())
        return client.recv()


def call_from_child(stage, address):
    """The same in a child of this process: report its outcome, and its PID."""
    return call_with_own_key(stage, address), os.getpid()


def start_nested(stage, ticket):
    """Start a nested actor in a child of this process, and wait for its end."""
    stage.start(ticket).join(stage.patience)


def admit_family(stage, number):
    """Listen with this process's own key; greet each client that is admitted; report the errors."""
    errors = []
    with listener_with(stage.mp.current_process().authkey) as listener:
        stage.say("ready", listener.address)
        for _ in range(number):
            accepted = result_or_error(listener.accept)
            if isinstance(accepted, str):
                errors.append(accepted)
            else:
                with accepted:
                    accepted.send(("welcome", accepted.recv()))
    return errors


@claim("listener.children-share-program-key", docs="multiprocessing#authentication-keys")
def test_all_processes_of_a_program_share_one_key(mp, stage):
    """By default all processes of a program have the same authkey, so they can authenticate.

    A child's listener with its own key admits its sibling, and a nephew, each with its own key. As
    a control, a fresh key is refused.
    """
    server = stage.enter(admit_family, 3)
    address = server.expect("ready")
    nephew = stage.nested(call_from_child, address)
    stage.result_of(start_nested, nephew.ticket)
    outcome, pid = nephew.returns()
    assert outcome == ("welcome", pid)
    sibling = stage.enter(call_with_own_key, address)
    assert sibling.returns() == ("welcome", sibling.pid)
    stranger = stage.enter(call_with_own_key, address, os.urandom(32))
    assert stranger.returns() == "AuthenticationError"
    assert server.returns() == ["AuthenticationError"]
