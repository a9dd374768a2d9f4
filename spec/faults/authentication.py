"""Faults of authentication."""

import hmac
import os

from spec.faults import fault, replace

REFUSED = "listener.keys-must-match"


class Numbers:
    """The module os with another urandom(), which repeats some bytes."""

    def __init__(self, pattern):
        self.pattern = pattern

    def __getattr__(self, name):
        return getattr(os, name)

    def urandom(self, size):
        return (self.pattern * size)[:size]


@fault(
    "connection.deliver_challenge",
    REFUSED,
    "listener.both-ends-prove-key",
    "listener.challenge-authenticates-existing-connection",
    "listener.children-share-program-key",
    crude=True,
)
def wrong_answers_are_welcome(original, connection, authkey, *args):
    """A process without the key is admitted."""
    connection.send_bytes(b"#CHALLENGE#{sha256}" + os.urandom(40))
    connection.recv_bytes(256)
    connection.send_bytes(b"#WELCOME#")


@fault("hmac.new", REFUSED)
def only_first_bytes_of_the_key_count(original, key, msg=None, digestmod=""):
    """Two keys with the same first 20 bytes are equal, as if the rest were a comment."""
    return original(bytes(key)[:20], msg, digestmod)


@fault("hmac.new", "listener.trailing-zeros-do-not-count")
def length_of_the_key_counts(original, key, msg=None, digestmod=""):
    """Keys of different lengths are different, even if only zero bytes are added."""
    return original(bytes(key) + b"%d" % len(key), msg, digestmod)


@fault("connection.Listener.accept", REFUSED)
def refusal_closes_the_listener(original, self):
    """One client with a wrong key ends the listener: any stranger can stop the service."""
    from multiprocessing import AuthenticationError

    try:
        return original(self)
    except AuthenticationError:
        self.close()
        raise


@fault("connection.Listener.__init__", "listener.empty-key-authenticates")
def empty_key_is_none(original, self, address=None, family=None, backlog=1, authkey=None):
    """A listener with an empty key does not authenticate: its clients wait forever."""
    original(self, address, family, backlog, authkey or None)


@fault("connection.Listener.__init__", "listener.no-key-admits-all")
def own_key_is_the_default(original, self, address=None, family=None, backlog=1, authkey=None):
    """A listener without a key has its process's: clients without a key are refused."""
    from multiprocessing import current_process

    own = bytes(current_process().authkey)
    original(self, address, family, backlog, own if authkey is None else authkey)


@fault(
    "connection.Listener.accept",
    "listener.keyless-client-not-admitted",
    "listener.departure-raises-eof",
)
def silent_clients_are_admitted(original, self):
    """A client that never answers the challenge is admitted."""
    from multiprocessing import AuthenticationError

    if self._authkey is None:
        return original(self)
    key, self._authkey = self._authkey, None
    try:
        connection = original(self)
    finally:
        self._authkey = key
    from multiprocessing.connection import answer_challenge, deliver_challenge

    try:
        deliver_challenge(connection, key)
        answer_challenge(connection, key)
    except (AuthenticationError, EOFError, OSError):
        return connection
    return connection


@fault("connection.deliver_challenge", "listener.keyless-client-not-admitted")
def answers_are_unpickled(original, connection, authkey, *args):
    """The answer of a stranger is unpickled: it can run any code in the listener's process."""
    connection.send_bytes(b"#CHALLENGE#{sha256}" + os.urandom(40))
    connection.recv()
    raise ValueError("no answer")


@fault("connection.deliver_challenge", "listener.departure-raises-eof")
def departure_is_an_authentication_error(original, connection, authkey, *args):
    """accept() raises AuthenticationError if the client leaves, as documented."""
    from multiprocessing import AuthenticationError

    try:
        original(connection, authkey, *args)
    except (EOFError, OSError) as error:
        raise AuthenticationError("the client has left") from error


@fault("connection.Client", "listener.keyed-client-needs-challenge")
def client_does_not_wait(original, address, family=None, authkey=None):
    """A client with a key is connected to a listener without one, which it cannot trust."""
    from multiprocessing import connection

    client = original(address, family)
    if authkey is not None and client.poll(0.02):
        connection.answer_challenge(client, authkey)
        connection.deliver_challenge(client, authkey)
    return client


@fault("connection.answer_challenge", "listener.keyed-client-needs-challenge")
def end_is_an_authentication_error(original, connection, authkey):
    """Client() raises AuthenticationError if the listener closes, as documented."""
    from multiprocessing import AuthenticationError

    try:
        original(connection, authkey)
    except EOFError as error:
        raise AuthenticationError("the listener has closed the connection") from error


@fault("connection.deliver_challenge", "listener.both-ends-prove-key")
def beginnings_of_answers_are_welcome(original, connection, authkey, *args):
    """An answer is right if the right one begins with it: an empty answer proves the key."""
    from multiprocessing import AuthenticationError

    challenge = b"{sha256}" + os.urandom(40)
    connection.send_bytes(b"#CHALLENGE#" + challenge)
    answer = connection.recv_bytes(256)
    rights = [hmac.digest(authkey, challenge, name) for name in ("md5", "sha256")]
    if not any(right.startswith(answer.removeprefix(b"{sha256}")) for right in rights):
        connection.send_bytes(b"#FAILURE#")
        raise AuthenticationError("digest received was wrong")
    connection.send_bytes(b"#WELCOME#")


@fault("connection.Client", "listener.both-ends-prove-key")
def client_trusts_every_listener(original, address, family=None, authkey=None):
    """A client proves its key and asks for no proof: it unpickles what an impostor sends."""
    from multiprocessing import connection

    client = original(address, family)
    if authkey is None:
        return client
    connection.answer_challenge(client, authkey)
    client.send_bytes(b"#CHALLENGE#{sha256}" + os.urandom(40))
    client.recv_bytes()
    client.send_bytes(b"#WELCOME#")
    return client


@fault("connection.deliver_challenge", "listener.key-never-travels")
def challenge_contains_the_key(original, connection, authkey, *args):
    """The challenge is made from the key: a relay reads it."""
    import multiprocessing.connection as module

    module.os = Numbers(authkey)
    original(connection, authkey, *args)


@fault("connection", "listener.messages-are-not-encrypted")
def messages_are_scrambled(connection):
    """Objects are scrambled on their way: programs of other languages cannot read them."""
    from multiprocessing.reduction import ForkingPickler

    def scrambled(data):
        return bytes(byte ^ 85 for byte in data)

    def send(original, self, obj):
        self.send_bytes(scrambled(ForkingPickler.dumps(obj)))

    def recv(original, self):
        return ForkingPickler.loads(scrambled(self.recv_bytes()))

    replace(connection._ConnectionBase, "send", send)
    replace(connection._ConnectionBase, "recv", recv)


@fault("connection.Listener.__init__", "listener.key-must-be-bytes", crude=True)
def listener_encodes_strings(original, self, address=None, family=None, backlog=1, authkey=None):
    """A listener encodes a string, in an encoding that its clients have to guess."""
    if isinstance(authkey, str):
        authkey = authkey.encode()
    original(self, address, family, backlog, authkey)


@fault("connection.Client", "listener.key-must-be-bytes")
def client_takes_false_for_none(original, address, family=None, authkey=None):
    """A client with a key that counts as false does not authenticate, though it was told to."""
    return original(address, family, authkey or None)


@fault("connection.answer_challenge", "listener.challenge-authenticates-existing-connection")
def answer_does_not_wait(original, connection, authkey):
    """answer_challenge() returns before it knows whether its answer was right."""
    message = connection.recv_bytes(256)[len(b"#CHALLENGE#") :]
    name = message[1 : message.index(b"}")]
    connection.send_bytes(b"{%s}" % name + hmac.digest(authkey, message, name.decode()))


@fault("connection", "listener.challenges-are-fresh")
def challenge_is_always_the_same(connection):
    """The challenge is a constant: a recorded answer opens each listener with the same key."""

    connection.os = Numbers(b"x")


@fault("connection.answer_challenge", "listener.answer-follows-digest")
def answers_by_sha256_only(original, connection, authkey):
    """answer_challenge() uses SHA-256 whatever it is asked: older releases refuse it."""
    message = connection.recv_bytes(256)[len(b"#CHALLENGE#") :]
    connection.send_bytes(b"{sha256}" + hmac.digest(authkey, message, "sha256"))
    if connection.recv_bytes(256) != b"#WELCOME#":
        from multiprocessing import AuthenticationError

        raise AuthenticationError


@fault("process.BaseProcess.__init__", "listener.children-share-program-key")
def each_child_has_its_key(original, self, *args, **kwargs):
    """Each child has a key of its own, so no process of a program can authenticate to another."""
    original(self, *args, **kwargs)
    self.authkey = os.urandom(32)


@fault("connection.answer_challenge", "listener.answer-follows-digest")
def short_challenges_are_answered(original, connection, authkey):
    """A challenge of a few bytes is answered: a peer gets the answer to one of its choice."""
    from multiprocessing import connection as module

    length = vars(module)["_MD5ONLY_MESSAGE_LENGTH"]
    module._MD5ONLY_MESSAGE_LENGTH = 0
    try:
        original(connection, authkey)
    finally:
        module._MD5ONLY_MESSAGE_LENGTH = length
