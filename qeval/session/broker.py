"""One asker for several processes of one machine: `Broker` where it lives, `Remote` elsewhere.

They speak over a local socket, guarded by a secret of the session. A message is a MessagePack
map in a frame of `multiprocessing.connection`; nothing is ever unpickled.
"""

from __future__ import annotations

import os
import socket
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from contextlib import suppress
from functools import partial
from multiprocessing.connection import Client, Connection, Listener
from typing import Any, TypeAlias

import msgspec

from qeval import errors
from qeval.errors import QevalError
from qeval.exchange import Answer
from qeval.session.ahead import Asking
from qeval.session.asking import Call, Key, Record
from qeval.value import Value, cleaned

Address: TypeAlias = str | tuple[str, int]


class Want(Value, tag=True):
    """A worker waits for a group."""

    number: int
    key: Key
    again: bool = False


class Ask(Value, tag=True):
    """A worker waits for the answer to a request."""

    number: int
    call: Call


class End(Value, tag=True):
    """A test has made its last call."""

    number: int
    folder: str
    case: str


class Got(Value, tag=True):
    """The reply to the message of that number: one of these, or nothing but that it is done."""

    number: int
    record: Record | None = None
    answer: Answer | None = None


class Failed(Value, tag=True):
    """There is none, and why."""

    number: int
    error: str
    """Name of the class."""
    message: str
    hint: str | None = None
    more: dict[str, str] = {}
    """What else the class wants to know."""


_REQUEST = msgspec.msgpack.Decoder(Want | Ask | End)
_REPLY = msgspec.msgpack.Decoder(Got | Failed)
_ENCODER = msgspec.msgpack.Encoder()
_MORE = ("path", "kind")


class Broker:
    """Lets other processes of this machine ask through `asking`."""

    def __init__(self, asking: Asking) -> None:
        self._asking = asking
        self.secret = os.urandom(16)
        family = "AF_UNIX" if hasattr(socket, "AF_UNIX") else None
        # One accepts all workers of a large machine that start together.
        self._listener = Listener(family=family, backlog=128, authkey=self.secret)
        self.address: Address = self._listener.address
        threading.Thread(target=self._accept, name="qeval-broker", daemon=True).start()

    def close(self) -> None:
        """Take no more workers."""
        self._listener.close()

    def _accept(self) -> None:
        from multiprocessing import AuthenticationError

        while True:
            try:
                connection = self._listener.accept()
            except (AuthenticationError, EOFError, ConnectionError):
                continue  # somebody else knocked
            except OSError:
                return  # closed
            threading.Thread(
                target=_Serving(self._asking, connection).run, name="qeval-worker", daemon=True
            ).start()


class _Serving:
    """One worker, as the broker sees it."""

    def __init__(self, asking: Asking, connection: Connection) -> None:
        self._asking = asking
        self._connection = connection
        self._lock = threading.Lock()

    def run(self) -> None:
        with suppress(EOFError, OSError, msgspec.MsgspecError):  # the worker is gone
            while True:
                self._take(_REQUEST.decode(self._connection.recv_bytes()))

    def _take(self, message: Want | Ask | End) -> None:
        try:
            future = self._begun(message)
        except Exception as error:  # noqa: BLE001  # a fault of ours must not leave it waiting
            self._send(_failed(message.number, error))
        else:
            future.add_done_callback(partial(self._reply, message.number))

    def _begun(self, message: Want | Ask | End) -> Future[Any]:
        match message:
            case Want():
                return self._asking.want(message.key, again=message.again)
            case Ask():
                return self._asking.call(message.call)
            case End():
                return self._asking.end(message.folder, message.case)

    def _reply(self, number: int, future: Future[Any]) -> None:
        reply: Got | Failed
        error = future.exception()
        if error is not None:
            reply = _failed(number, error)
        else:
            found = future.result()
            reply = Got(
                number=number,
                record=found if isinstance(found, Record) else None,
                answer=found if isinstance(found, Answer) else None,
            )
        self._send(reply)

    def _send(self, reply: Got | Failed) -> None:
        with suppress(OSError), self._lock:  # a worker that is gone needs no reply
            self._connection.send_bytes(_encoded(reply))


def _failed(number: int, error: BaseException) -> Failed:
    if not isinstance(error, QevalError):
        return Failed(number=number, error="QevalError", message=f"{type(error).__name__}: {error}")
    more = {name: str(getattr(error, name)) for name in _MORE if hasattr(error, name)}
    return Failed(
        number=number,
        error=type(error).__name__,
        message=error.message,
        hint=error.hint,
        more=more,
    )


def _raised(reply: Failed) -> QevalError:
    make: Callable[..., QevalError] = getattr(errors, reply.error, QevalError)
    try:
        return make(reply.message, hint=reply.hint, **reply.more)
    except TypeError:  # it wants to know what no message carries
        return QevalError(reply.message, hint=reply.hint)


def _encoded(message: Value) -> bytes:
    try:
        return _ENCODER.encode(message)
    except UnicodeEncodeError:  # half a character, in an answer or in what a check says
        return _ENCODER.encode(cleaned(msgspec.to_builtins(message, builtin_types=(bytes,))))


class Remote:
    """Answers from the process that asks.

    Args:
        address: Of its `Broker`.
        secret: Its `Broker`'s.
    """

    def __init__(self, address: Address, secret: bytes) -> None:
        self._address = address
        self._secret = secret
        self._connection: Connection | None = None
        self._lock = threading.Lock()
        self._waiting: dict[int, Future[Any]] = {}
        self._number = 0

    def begin(self, keys: Sequence[Key], window: int | None = None) -> None:
        """Do nothing: the process that asks knows the order."""

    def group(self, key: Key, *, again: bool = False) -> Record:
        """Return what a group came to; wait for it."""
        with self._lock:
            number, future = self._open()
        self._send(Want(number=number, key=key, again=again))
        record: Record = future.result()
        return record

    def call(self, call: Call) -> Future[Answer]:
        """Have one request asked."""
        with self._lock:
            number, future = self._open()
        self._send(Ask(number=number, call=call))
        return future

    def end(self, folder: str, case: str) -> Future[None]:
        """Have the recordings of a test put in place."""
        with self._lock:
            number, future = self._open()
        self._send(End(number=number, folder=folder, case=case))
        return future

    def close(self) -> None:
        """Say goodbye."""
        if self._connection is not None:
            self._connection.close()

    def _open(self) -> tuple[int, Future[Any]]:
        """Return a number and a place for the reply; connect for the first."""
        if self._connection is None:
            try:
                self._connection = Client(self._address, authkey=self._secret)
            except OSError as error:
                raise _gone() from error
            threading.Thread(target=self._listen, name="qeval-replies", daemon=True).start()
        self._number += 1
        future: Future[Any] = Future()
        self._waiting[self._number] = future
        return self._number, future

    def _send(self, message: Want | Ask | End) -> None:
        assert self._connection is not None  # noqa: S101  # `_open` was first
        try:
            with self._lock:
                self._connection.send_bytes(_encoded(message))
        except OSError as error:
            raise _gone() from error

    def _listen(self) -> None:
        assert self._connection is not None  # noqa: S101  # the thread begins with it
        with suppress(EOFError, OSError):
            while True:
                reply = _REPLY.decode(self._connection.recv_bytes())
                self._settle(self._waiting.pop(reply.number), reply)
        for future in list(self._waiting.values()):
            if not future.done():
                future.set_exception(_gone())

    def _settle(self, future: Future[Any], reply: Got | Failed) -> None:
        if future.cancelled():
            return
        if isinstance(reply, Failed):
            future.set_exception(_raised(reply))
        else:
            future.set_result(reply.record or reply.answer)


def _gone() -> QevalError:
    return QevalError("the process that asks for all workers is gone")
