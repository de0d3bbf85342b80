"""`@pytest.mark.qeval_cassette`: a test's own HTTP traffic, through stock vcrpy under our rules.

For code whose client cannot be given our transport. The cassette is opened around the call of the
test, not around its fixtures; one at a time in a process, for vcrpy patches classes everywhere.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import vcr
from vcr.errors import CannotOverwriteExistingCassetteException
from vcr.persisters.filesystem import CassetteDecodeError, CassetteNotFoundError
from vcr.serialize import deserialize, serialize

from qeval.pytest_plugin.names import Home
from qeval.transport.cassettes import layout, reading
from qeval.transport.cassettes.files import load, locked, relative, replace
from qeval.transport.cassettes.interaction import request_key
from qeval.transport.cassettes.redact import REQUEST_HEADERS, cleaned, refuse_file

RECORD_MODES = {"replay": "none", "record": "new_episodes", "refresh": "all"}
"""Our mode → vcrpy's. `live` opens no cassette."""
_SHORTEST = 12
"""Characters of a value that is searched for as a secret: shorter ones stand in any text."""


@contextmanager
def opened(home: Home, cassettes: Path, mode: str) -> Iterator[None]:
    """Record or replay the traffic of what runs inside.

    Raises:
        CassetteError: The file is damaged, or would hold a secret; then it is left as it was.
        CannotOverwriteExistingCassetteException: In replay nothing fits; it says how to record.
    """
    if mode == "live":
        yield
        return
    store = _Store(home)
    path = cassettes / home.cassettes / f"{home.case}.yaml"
    recorder = vcr.VCR(
        record_mode=RECORD_MODES[mode],
        match_on=["qeval"],
        before_record_request=store.request,
        decode_compressed_response=True,
    )
    recorder.register_matcher("qeval", _same)
    recorder.register_persister(store)
    try:
        with recorder.use_cassette(str(path)):
            yield
    except CannotOverwriteExistingCassetteException as error:
        error.add_note(f"\nhint: type `{store.command}`")
        raise


class _Store:
    """Reads and writes cassettes in our layout, without secrets, whole or not at all."""

    def __init__(self, home: Home) -> None:
        self._root = home.root
        self.command = f"pytest {home.nodeid.partition('::')[0]} --qeval-mode record"
        self._secrets: set[str] = set()

    def request(self, request: Any) -> Any:
        """Keep only the headers that may be written; remember what the others hid."""
        for name in list(request.headers):
            if name.lower() not in REQUEST_HEADERS:
                value = request.headers.pop(name)
                if name.lower() in {"authorization", "x-api-key", "api-key"}:
                    text = value.decode("latin-1") if isinstance(value, bytes) else str(value)
                    self._secrets.add(text.rpartition(" ")[2])
        return request

    def load_cassette(self, cassette_path: str, serializer: Any) -> Any:
        """Return what a file holds, as vcrpy wants it; for vcrpy to call."""
        path = Path(cassette_path)
        shown = relative(path, self._root)
        data = load(path, shown)
        if data is None:
            raise CassetteNotFoundError
        reading.read(data, path.stem, shown, self.command)  # damaged files are told in our words
        try:
            return deserialize(data.decode(), serializer)
        except UnicodeDecodeError as error:
            raise CassetteDecodeError from error

    def save_cassette(self, cassette_path: str, cassette_dict: Any, serializer: Any) -> None:
        """Write a file; for vcrpy to call."""
        path = Path(cassette_path)
        shown = relative(path, self._root)
        text = serialize(cassette_dict, serializer)
        found = reading.read(text.encode(), path.stem, shown, self.command)
        found = [cleaned(one) for one in found]
        data = layout.write(found).encode()
        refuse_file(data, found, tuple(sorted(self._secrets | _in_environment())), shown)
        path.parent.mkdir(parents=True, exist_ok=True)
        with locked(path.parent):
            replace(path, data)


def _in_environment() -> set[str]:
    """Return the values of the environment whose names say that they are secret."""
    signs = ("API_KEY", "APIKEY", "TOKEN", "SECRET", "PASSWORD")
    return {
        value
        for name, value in os.environ.items()
        if len(value) >= _SHORTEST and any(sign in name.upper() for sign in signs)
    }


def _same(one: Any, other: Any) -> None:
    """Match as our own replay does: method, address, canonical body."""
    keys = [request_key(r.method, r.uri, _body(r)) for r in (one, other)]
    assert keys[0] == keys[1], "another method, address or body"  # noqa: S101 - vcrpy's way


def _body(request: Any) -> bytes:
    body = request.body
    if body is None:
        return b""
    return body.encode() if isinstance(body, str) else bytes(body)
