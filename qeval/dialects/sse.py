r"""Server-sent events as these services write them, line by line, from pieces cut anywhere.

A frame's `data:` lines are JSON each by itself, so that a gateway that leaves out the blank line
between frames glues nothing together; only lines that are not JSON alone are joined, up to the
next blank line or field. What a frame says of itself holds until a blank line, or until a field
after its data begins the next frame, in whichever order fields come. Comments and unknown fields
are skipped; at most one space after the colon is no part of the value. Lines end with `\n`,
`\r\n` or `\r`. Nothing is read after `[DONE]`.
"""

from __future__ import annotations

from typing import NamedTuple

from qeval.dialects.errors import decode, first_bytes
from qeval.dialects.reading import BOM, LIMIT
from qeval.errors import ResponseError
from qeval.value import Json


class Event(NamedTuple):
    """One JSON value of a stream."""

    name: str
    """Of the frame, as its `event:` line says; '' where there was none."""
    status: int | None
    """HTTP status that the frame claims for itself."""
    data: Json
    end: int
    """Offset in the body of the byte after the last one of the value."""
    size: int
    """Bytes of the value."""


class Events:
    """Finds events in pieces.

    Args:
        limit: Most bytes that an unfinished frame may hold.
    """

    def __init__(self, limit: int = LIMIT) -> None:
        self.done = False
        """`[DONE]` came."""
        self.fault: str | None = None
        """What no reader can get over; nothing is read after it."""
        self.unfinished = False
        """Whether the fault lies in a frame that the end of the body cut short."""
        self._open = True
        """Whether there is anything more to read."""
        self._limit = limit
        self._line: list[bytes] = []
        self._waiting = 0
        self._offset = 0
        self._name = ""
        self._status: int | None = None
        self._filled = False
        """Whether the frame that is being read has brought data."""
        self._held: list[bytes] = []
        self._held_end = 0
        self._held_size = 0

    def feed(self, piece: bytes) -> list[Event]:
        """Return the events that a piece completes."""
        found: list[Event] = []
        start = 0
        while self._open:
            end = piece.find(b"\n", start)
            if end < 0:
                break
            line = piece[start:end]
            if self._line:
                line = b"".join([*self._line, line])
                self._line.clear()
                self._waiting = 0
            start = end + 1
            self._read(line, len(line) + 1, found)
        if self._open and start < len(piece):
            self._line.append(piece[start:])
            self._waiting += len(piece) - start
            self._measure(self._waiting)
        return found

    def close(self) -> list[Event]:
        """Return what the end of the body completes."""
        found: list[Event] = []
        if not self._open:
            return found
        tail = b"".join(self._line)
        if tail:
            self._line.clear()
            self._read(tail, len(tail), found)
        if self._held and self._open:
            self._join(found)
        self.unfinished = self.fault is not None
        return found

    def _read(self, line: bytes, width: int, found: list[Event]) -> None:
        """Read what stands between two line feeds: a line, or several with carriage returns."""
        offset = self._offset
        self._offset += width
        if offset == 0 and line.startswith(BOM):
            line, offset = line[len(BOM) :], len(BOM)
        if line[-1:] == b"\r":
            line = line[:-1]
        if b"\r" not in line:
            self._one(line, offset, found)
            return
        for part in line.split(b"\r"):
            if not self._open:
                return
            self._one(part, offset, found)
            offset += len(part) + 1

    def _one(self, line: bytes, offset: int, found: list[Event]) -> None:
        if line[:5] == b"data:":
            data = line[6:] if line[5:6] == b" " else line[5:]
            self._data(data, offset + len(line), found)
            return
        if self._held:
            self._join(found)
        if line:
            self._field(line)
        else:
            self._begin()

    def _begin(self) -> None:
        self._name, self._status, self._filled = "", None, False

    def _field(self, line: bytes) -> None:
        name, _, value = line.partition(b":")
        if name and self._filled:
            self._begin()
        if name == b"event":
            self._name = value.strip().decode("utf-8", "replace")
        elif name == b"status":
            self._status = _status(value)
        elif not name and value.startswith(b"HTTP_STATUS/"):
            self._status = _status(value[12:])

    def _data(self, data: bytes, end: int, found: list[Event]) -> None:
        if data[:6] == b"[DONE]":
            self.done = True
            self._open = False
            return
        self._filled = True
        if self._name == "done" or not data:
            return
        if not self._held:
            try:
                value = decode(data)
            except ResponseError:
                pass
            else:
                found.append(Event(self._name, self._status, value, end, len(data)))
                return
        self._held.append(data)
        self._held_end = end
        self._held_size += len(data) + 1
        self._measure(self._held_size)

    def _join(self, found: list[Event]) -> None:
        """Add what the held lines are together."""
        data = b"\n".join(self._held)
        self._held.clear()
        self._held_size = 0
        try:
            value = decode(data)
        except ResponseError:
            self._fail(f"holds an event that is not JSON, which begins {first_bytes(data)}")
        else:
            found.append(Event(self._name, self._status, value, self._held_end, len(data)))

    def _measure(self, size: int) -> None:
        if size > self._limit:
            self._fail(f"has an event of more than {self._limit:,} bytes")
            self._line.clear()
            self._held.clear()

    def _fail(self, fault: str) -> None:
        self.fault = fault
        self._open = False


def _status(value: bytes) -> int | None:
    text = value.strip()
    return int(text) if text.isdigit() and len(text) == 3 else None
