"""Recorded answers of status 200 that hold an error: asked again where it may pass."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from qeval.dialects.base import DIALECTS
from qeval.exchange import Answer
from qeval.transport.cassettes import CassetteOptions, CassetteTransport

if TYPE_CHECKING:
    from tests.unit.transport.cassettes.conftest import Project

SSE = (("content-type", "text/event-stream"),)
GOOD = (
    b'data: {"choices":[{"index":0,"delta":{"content":"Paris."},"finish_reason":"stop"}]}\n\n'
    b"data: [DONE]\n\n"
)
CUT = b'data: {"choices":[{"index":0,"delta":{"content":"Par"},"finish_reason":null}]}\n\n'
ERROR = b'data: {"error":{"code":"%b","message":"no"}}\n\n'


@pytest.mark.parametrize(
    ("body", "asked"),
    [
        (GOOD, 0),
        (CUT, 1),
        (ERROR % b"limit_requests", 1),
        (CUT + ERROR % b"internal_error", 1),
        (ERROR % b"data_inspection_failed", 0),
        (ERROR % b"invalid_parameter_error", 0),
    ],
)
def test_recording_again_asks_where_the_answer_may_be_another(
    project: Project, body: bytes, asked: int
) -> None:
    project.record(Answer(status=200, headers=SSE, body=body))
    server = project.server(lambda *_: Answer(status=200, headers=SSE, body=GOOD))
    options = CassetteOptions(
        folder=project.folder, root=project.root, base="https://endpoint.invalid/v1", mode="record"
    )
    transport = CassetteTransport(options, server, read=DIALECTS.get("chat").read)

    project.step(transport.send(project.wire(b'{"q": "France?"}'), project.place(0)))

    assert len(server.asked) == asked
