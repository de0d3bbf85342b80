"""Pictures, video and sound as parts of requests."""

from __future__ import annotations

import json
from typing import Any

import pytest

from qeval.dialects.base import DIALECTS
from qeval.dialects.media import data_uri, sound_format
from qeval.exchange import Message, Part, Request

FRAMES = ("https://x.test/1.png", "https://x.test/2.png")
MARK = {"type": "ephemeral"}


def written(dialect: str, part: Part) -> Any:
    request = Request(model="m", messages=(Message(role="user", content=(part,)),))
    body = json.loads(DIALECTS.get(dialect).write(request).body)
    return body.get("input", body)["messages"][0]["content"][0]


@pytest.mark.parametrize(
    ("part", "chat", "native"),
    [
        (
            Part(image="https://x.test/a.png", min_pixels=1, max_pixels=2, cache=True),
            {
                "type": "image_url",
                "image_url": {"url": "https://x.test/a.png"},
                "min_pixels": 1,
                "max_pixels": 2,
                "cache_control": MARK,
            },
            {
                "image": "https://x.test/a.png",
                "min_pixels": 1,
                "max_pixels": 2,
                "cache_control": MARK,
            },
        ),
        (
            Part(video="data:video/mp4;base64,AA==", fps=2.0, total_pixels=9),
            {
                "type": "video_url",
                "video_url": {"url": "data:video/mp4;base64,AA=="},
                "fps": 2.0,
                "total_pixels": 9,
            },
            {"video": "data:video/mp4;base64,AA==", "fps": 2.0, "total_pixels": 9},
        ),
        (
            Part(video=FRAMES, fps=1.0),
            {"type": "video", "video": list(FRAMES), "fps": 1.0},
            {"video": list(FRAMES), "fps": 1.0},
        ),
        (
            Part(audio="data:audio/wav;base64,AA=="),
            {
                "type": "input_audio",
                "input_audio": {"data": "data:audio/wav;base64,AA==", "format": "wav"},
            },
            {"audio": "data:audio/wav;base64,AA=="},
        ),
        (
            Part(audio="data:;base64,AA=="),
            {"type": "input_audio", "input_audio": {"data": "data:;base64,AA=="}},
            {"audio": "data:;base64,AA=="},
        ),
        (
            Part(text="a", cache=True),
            {"type": "text", "text": "a", "cache_control": MARK},
            {"text": "a", "cache_control": MARK},
        ),
    ],
)
def test_a_part_is_written_in_chat_and_in_native_form(part: Part, chat: Any, native: Any) -> None:
    assert written("chat", part) == chat
    assert written("dashscope-multimodal", part) == native


@pytest.mark.parametrize("dialect", ["chat", "responses", "dashscope-multimodal"])
def test_the_vendors_own_store_is_named_by_a_header(dialect: str) -> None:
    def headers(address: str) -> dict[str, str]:
        message = Message(role="user", content=(Part(image=address),))
        return dict(DIALECTS.get(dialect).write(Request(model="m", messages=(message,))).headers)

    for address in ("oss://bucket/a.png", "OSS://bucket/a.png"):
        assert headers(address)["x-dashscope-ossresourceresolve"] == "enable"
    assert list(headers("https://x.test/a.png")) == ["content-type"]
    assert list(headers("HTTPS://x.test/a.png")) == ["content-type"]


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("a.PNG", "image/png"),
        ("a.b.jpg", "image/jpeg"),
        ("talk.mp3", "audio/mpeg"),
        ("film.mp4", "video/mp4"),
        ("notes", "application/octet-stream"),
        ("notes.xyz", "application/octet-stream"),
    ],
)
def test_a_files_suffix_tells_its_content_type(name: str, kind: str) -> None:
    assert data_uri(b"\x00\xff", name) == f"data:{kind};base64,AP8="


@pytest.mark.parametrize(
    ("address", "known"),
    [
        ("https://x.test/a.MP3", "mp3"),
        ("https://x.test/a.wav?sig=b.mp3#c.ogg", "wav"),
        ("https://x.test/a", None),
        ("https://x.test/a.exe", None),
        ("https://[x.test/a.wav", "wav"),
        ("data:audio/mpeg;base64,AA==", "mp3"),
        ("data:audio/x-wav;base64,AA==", "wav"),
        ("DATA:audio/x-wav;base64,AA==", "wav"),
        ("data:,", None),
    ],
)
def test_the_format_of_a_sound_is_that_of_its_type_or_suffix(address: str, known: Any) -> None:
    assert sound_format(address) == known
