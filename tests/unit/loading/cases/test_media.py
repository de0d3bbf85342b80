"""What pictures, videos and sounds of a suite may be: told by their first bytes, not their names."""

from base64 import b64encode
from collections.abc import Callable
from pathlib import Path

import pytest

from qeval.errors import SuiteError
from qeval.loading import read
from qeval.plan import plan

PNG = (
    b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR" + (16).to_bytes(4, "big") * 2 + b"\x08\x02\0\0\0" + b"\0" * 16
)
JPEG = b"\xff\xd8\xff\xc0\x00\x11\x08" + (32).to_bytes(2, "big") * 2 + b"\0" * 16
WAV = b"RIFF\x24\0\0\0WAVEfmt " + b"\0" * 24
AVI = b"RIFF\x24\0\0\0AVI LIST" + b"\0" * 24
MP4 = b"\0\0\0\x18ftypisom" + b"\0" * 24
M4A = b"\0\0\0\x18ftypM4A " + b"\0" * 24
HEIC = b"\0\0\0\x18ftypheic" + b"\0" * 24
OGG = b"OggS" + b"\0" * 24

Loaded = Callable[..., tuple[str, ...]]


@pytest.fixture
def loaded(tmp_path: Path) -> Loaded:
    """Plans a case that shows one medium; returns the addresses that would be sent."""

    def make(part: str, content: bytes | None = None, name: str = "it") -> tuple[str, ...]:
        folder = tmp_path / "suites"
        folder.mkdir()
        if content is not None:
            (folder / name).write_bytes(content)
        suite = folder / "s.yaml"
        suite.write_text(
            "targets: [qwen3-vl-plus]\nparams: {thinking: off}\ncases:\n"
            f"  - {{id: a, user: [{{{part}}}, What is it?], checks: [is_json]}}\n"
        )
        shown = plan(read(suite)).groups[0].case.messages[0].content[0]
        assert not isinstance(shown, str)
        found = shown.image or shown.video or shown.audio or ()
        return (found,) if isinstance(found, str) else found

    return make


def uri(kind: str, content: bytes) -> str:
    return f"data:{kind};base64,{b64encode(content).decode()}"


@pytest.mark.parametrize(
    ("key", "name", "content", "kind"),
    [
        pytest.param("image", "a.png", PNG, "image/png", id="png"),
        pytest.param("image", "a.png", JPEG, "image/jpeg", id="jpeg-that-is-called-png"),
        pytest.param("image", "scan", PNG, "image/png", id="without-suffix"),
        pytest.param("image", "a.heic", HEIC, "image/heic", id="heic"),
        pytest.param("video", "a.avi", AVI, "video/x-msvideo", id="avi"),
        pytest.param("video", "a.mp4", MP4, "video/mp4", id="mp4"),
        pytest.param("video", "a.mov", MP4, "video/quicktime", id="container-keeps-its-name"),
        pytest.param("audio", "a.m4a", MP4, "audio/mp4", id="mp4-of-sound"),
        pytest.param("audio", "a", M4A, "audio/mp4", id="m4a-without-suffix"),
        pytest.param("audio", "a.wav", WAV, "audio/wav", id="wav"),
        pytest.param("audio", "a.opus", OGG, "audio/opus", id="opus-in-ogg"),
        pytest.param("audio", "a.mp3", b"\xff\xfb\x90\0", "audio/mpeg", id="mp3-by-name"),
    ],
)
def test_a_file_travels_as_what_it_is(
    loaded: Loaded, key: str, name: str, content: bytes, kind: str
) -> None:
    assert loaded(f"{key}: {name}", content, name) == (uri(kind, content),)


@pytest.mark.parametrize(
    ("key", "address"),
    [
        ("image", "https://x.test/a.wav"),
        ("image", "HTTPS://x.test/a"),
        ("image", "oss://bucket/a.png"),
        ("image", uri("image/png", PNG)),
        ("image", uri("", PNG)),
        ("image", uri("image/svg+xml", b"<svg/>")),
        ("image", "data:image/svg+xml,%3Csvg/%3E"),
        ("audio", uri("", WAV)),
        ("audio", uri("audio/x-new", b"anything")),
        ("video", uri("video/mp4", MP4)),
    ],
)
def test_an_address_stays_as_it_is(loaded: Loaded, key: str, address: str) -> None:
    assert loaded(f'{key}: "{address}"') == (address,)


@pytest.mark.parametrize(
    ("part", "content", "told"),
    [
        pytest.param(
            "image: it.png",
            b"",
            "user: 'it.png' is an empty file\n\nhint: save a picture in it",
            id="empty",
        ),
        pytest.param(
            "image: it.png",
            PNG[:12],
            "user: 'it.png': the PNG is cut before its size\n\nhint: save the picture anew",
            id="cut",
        ),
        pytest.param(
            "image: it.png",
            b"<html>not found</html>",
            "user: 'it.png' is no picture by its first bytes\n\n"
            "hint: save it as PNG, JPEG, WebP, GIF, BMP, TIFF or HEIC",
            id="page-called-png",
        ),
        pytest.param(
            "image: it.bin",
            b"anything",
            "user: 'it.bin' is no picture, video or audio by its name and its first bytes\n\n"
            "hint: give it a suffix such as .png, .jpg, .mp4 or .wav",
            id="unknown",
        ),
        pytest.param(
            "audio: it.png",
            PNG,
            "user: 'it.png' is a picture (PNG), and a sound is wanted\n\n"
            "hint: write `image: …`, or name a sound",
            id="picture-as-sound",
        ),
        pytest.param(
            "audio: it.wav",
            PNG,
            "user: 'it.wav' is a picture (PNG), and a sound is wanted\n\n"
            "hint: write `image: …`, or name a sound",
            id="picture-that-is-called-wav",
        ),
        pytest.param(
            "image: it.mp3",
            b"\xff\xfb\x90\0",
            "user: 'it.mp3' is a sound (audio/mpeg), and a picture is wanted\n\n"
            "hint: write `audio: …`, or name a picture",
            id="sound-by-its-name",
        ),
        pytest.param(
            "video: [it.wav, it.wav, it.wav, it.wav]",
            WAV,
            "user: 'it.wav' is a sound (WAV), and a picture is wanted\n\n"
            "hint: write `audio: …`, or name a picture",
            id="frames-are-pictures",
        ),
    ],
)
def test_a_file_that_cannot_work_is_refused(
    loaded: Loaded, part: str, content: bytes, told: str
) -> None:
    name = part.partition(": ")[2].strip("[").partition(",")[0]
    with pytest.raises(SuiteError) as caught:
        loaded(part, content, name)

    assert str(caught.value) == f"suites/s.yaml:4: {told}"


NO_CONTENT = "hint: write data:TYPE;base64,CONTENT, or the path of a file"


@pytest.mark.parametrize(
    ("part", "told"),
    [
        ('image: "data:"', f"'data:' holds no content\n\n{NO_CONTENT}"),
        (
            'image: "data:image/png;base64,"',
            f"'data:image/png;base64,' holds no content\n\n{NO_CONTENT}",
        ),
        (
            'image: "data:image/png;base64,é"',
            f"'data:image/png;base64,é' is not base64\n\n{NO_CONTENT}",
        ),
        (
            f'audio: "{uri("image/png", PNG)}"',
            (
                "'data:image/png;base64,iVBORw0KGgoAAAANSU…' is a picture (PNG), and a sound is wanted"
                "\n\nhint: write `image: …`, or name a sound"
            ),
        ),
        (
            'audio: "data:image/x-new;base64,AAAA"',
            (
                "'data:image/x-new;base64,AAAA' is a picture (image/x-new), and a sound is wanted"
                "\n\nhint: write `image: …`, or name a sound"
            ),
        ),
        (
            'image: "https:"',
            (
                "'https:' names no host\n\n"
                "hint: write an address such as https://example.com/it.png, or the path of a file"
            ),
        ),
        (
            'image: "https:///a.png"',
            (
                "'https:///a.png' names no host\n\n"
                "hint: write an address such as https://example.com/it.png, or the path of a file"
            ),
        ),
    ],
)
def test_an_address_that_cannot_work_is_refused(loaded: Loaded, part: str, told: str) -> None:
    with pytest.raises(SuiteError) as caught:
        loaded(part)

    assert str(caught.value) == f"suites/s.yaml:4: user: {told}"


def test_a_medium_of_a_row_is_told_with_the_row(loaded: Loaded, tmp_path: Path) -> None:
    folder = tmp_path / "suites"
    folder.mkdir()
    (folder / "a.png").write_bytes(PNG)
    (folder / "b.png").write_bytes(b"")
    (folder / "rows.jsonl").write_text('{"file": "a.png"}\n{"file": "b.png"}\n')
    suite = folder / "s.yaml"
    suite.write_text(
        "targets: [qwen3-vl-plus]\nparams: {thinking: off}\ncases:\n"
        "  - id: 'r-{{ row_number }}'\n    rows: rows.jsonl\n"
        "    user: [{image: '{{ file }}'}, What is it?]\n    checks: [is_json]\n"
    )

    with pytest.raises(SuiteError) as caught:
        plan(read(suite))

    assert str(caught.value) == (
        "suites/s.yaml:6: suites/rows.jsonl:2: user: 'b.png' is an empty file\n\n"
        "hint: save a picture in it"
    )
