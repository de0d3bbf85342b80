"""Media that the service does not take are refused; of another server it is only told."""

from base64 import b64encode
from pathlib import Path

import pytest

from qeval.errors import SuiteError
from qeval.exchange import Message, Part, Request
from qeval.loading import read
from qeval.plan import plan
from qeval.plan.media import oversized


def png(width: int, height: int, size: int = 40) -> bytes:
    start = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR" + width.to_bytes(4, "big") + height.to_bytes(4, "big")
    return start + b"\0" * (size - len(start))


def uri(content: bytes) -> str:
    return f"data:image/png;base64,{b64encode(content).decode()}"


def told(*parts: Part) -> list[str]:
    request = Request(model="m", messages=(Message(role="user", content=parts),))
    return [refusal.fact for refusal in oversized(request)]


BIG = uri(png(64, 64, 8 << 20))


@pytest.mark.parametrize(
    ("parts", "facts"),
    [
        ([Part(image=uri(png(11, 2200)))], []),
        (
            [Part(image=uri(png(10, 64)))],
            ["a picture of 10×64 pixels; the service wants more than 10 on each side"],
        ),
        (
            [Part(image=uri(png(11, 2201)))],
            ["a picture of 11×2201 pixels; the service takes sides of 200 to 1 at most"],
        ),
        ([Part(image=BIG)], ["a medium of 10.7 MB as base64; the service takes 10 MB"]),
        ([Part(video=BIG)], ["a medium of 10.7 MB as base64; the service takes 10 MB"]),
        ([Part(audio=BIG)], []),
        ([Part(image="https://x.test/a.png")] * 2048, []),
        (
            [Part(image="https://x.test/a.png")] * 2049,
            ["2049 pictures in one request; the service takes 2048"],
        ),
        (
            [Part(image=uri(png(64, 64)))] * 251,
            ["251 pictures as base64 in one request; the service takes 250"],
        ),
        (
            [Part(video="https://x.test/a.mp4")] * 65,
            ["65 videos in one request; the service takes 64"],
        ),
        (
            [Part(video=("https://x.test/a.png",) * 8001)],
            ["8001 frames of a video; the service takes 8000"],
        ),
    ],
)
def test_limits_of_the_service(parts: list[Part], facts: list[str]) -> None:
    assert told(*parts) == facts


def suite(tmp_path: Path, target: str) -> Path:
    folder = tmp_path / "suites"
    folder.mkdir()
    (folder / "dot.png").write_bytes(png(8, 8))
    path = folder / "s.yaml"
    path.write_text(
        f"targets:\n  t: {{model: qwen3-vl-plus{target}}}\nparams: {{thinking: off}}\ncases:\n"
        "  - {id: a, user: [{image: dot.png}, What is it?], checks: [is_json]}\n"
    )
    return path


def test_the_service_s_limits_are_mistakes(tmp_path: Path) -> None:
    with pytest.raises(SuiteError) as caught:
        plan(read(suite(tmp_path, "")))

    assert str(caught.value) == (
        "suites/s.yaml:5: target 't': a picture of 8×8 pixels; the service wants more than 10 on each "
        "side\n\nhint: show a larger picture"
    )


def test_another_server_s_are_only_told(tmp_path: Path) -> None:
    made = plan(read(suite(tmp_path, ", base_url: 'http://127.0.0.1:9/v1'")))

    assert any("8×8 pixels" in str(warning) for warning in made.warnings)
