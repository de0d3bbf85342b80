"""Tokens of pictures and videos: published values, headers of real files, and anything else."""

import math
from base64 import b64encode
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qeval.exchange import Part
from qeval.tokens.headers import HEAD, size_of
from qeval.tokens.media import Media, frames_of, image_tokens, resized, video_tokens

PICTURES = Path(__file__).parents[2] / "data" / "pictures"
GIF = b"GIF89a\x25\x00\x17\x00\x80\x00\x00"
BMP = b"BM" + bytes(12) + (40).to_bytes(4, "little") + (37).to_bytes(4, "little")
UPWARDS = BMP + (23).to_bytes(4, "little")
DOWNWARDS = BMP + (2**32 - 23).to_bytes(4, "little")
OLD_BMP = b"BM" + bytes(12) + (12).to_bytes(4, "little") + b"\x25\x00\x17\x00"
FILES = sorted(PICTURES.iterdir())
UNKNOWN = "tokens of a picture are unknown: "


@pytest.mark.parametrize(
    ("height", "width", "side", "grid"),
    [
        pytest.param(1000, 1000, 32, (31, 31), id="square"),
        pytest.param(1080, 1920, 32, (34, 60), id="full-hd"),
        pytest.param(3000, 4000, 32, (43, 58), id="shrunk"),
        pytest.param(10, 10, 32, (2, 2), id="grown"),
        pytest.param(1080, 1920, 28, (26, 47), id="full-hd-of-older-models"),
        pytest.param(1372, 2044, 32, (41, 61), id="photo-2503"),
        pytest.param(1372, 2044, 28, (29, 43), id="photo-1247"),
    ],
)
def test_pictures_are_scaled_as_the_service_scales_them(
    height: int, width: int, side: int, grid: tuple[int, int]
) -> None:
    assert resized(height, width, side) == grid
    assert image_tokens(height, width, side) == math.prod(grid) + 2


def test_a_photo_was_billed_so() -> None:
    assert image_tokens(1372, 2044, 32) == 2503
    assert image_tokens(1372, 2044, 28) - 2 == 1247  # the accounting of 2024, without both ends
    high = image_tokens(1372, 2044, 28, most=16_384 * 28 * 28)
    assert high - 2 == 3577


def test_halves_are_rounded_to_even() -> None:
    assert resized(80, 80, 32) == (2, 2)  # 2.5
    assert resized(112, 112, 32) == (4, 4)  # 3.5


def test_a_strip_is_refused() -> None:
    with pytest.raises(
        ValueError, match="201×1: one edge is more than 200 times the other"
    ) as info:
        resized(1, 201, 32)
    assert str(info.value) == "201×1: one edge is more than 200 times the other"


@given(st.integers(1, 20_000), st.integers(1, 20_000), st.sampled_from([28, 32]))
@settings(max_examples=100)
def test_any_picture_fits_the_limits(height: int, width: int, side: int) -> None:
    if max(height, width) > 200 * min(height, width):
        return
    most = {28: 1_003_520, 32: 2_621_440}[side]

    rows, columns = resized(height, width, side)

    assert 1 <= rows * columns * side * side <= most
    assert resized(width, height, side) == (columns, rows)


@pytest.mark.parametrize(
    ("frames", "tokens"), [(1, 596), (2, 596), (3, 1190), (4, 1190), (5, 1784)]
)
def test_two_frames_share_their_tokens(frames: int, tokens: int) -> None:
    # 640 squares at most for a frame: 1080 / 1.779 / 32 = 18.97 rows, 1920 / 1.779 / 32 = 33.7
    # columns, both rounded down: 594.
    assert video_tokens(1080, 1920, frames, 32) == tokens


def test_a_long_video_has_smaller_frames() -> None:
    short, long = (video_tokens(1080, 1920, n, 32, total=65_536) for n in (100, 2000))

    assert short == 50 * 594 + 2
    assert long <= 65_536 + 2
    assert frames_of(10) == 20
    assert frames_of(3600, 2) == 2000


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_the_size_is_read_from_files_that_a_browser_made(path: Path) -> None:
    assert size_of(path.read_bytes()) == (37, 23)


@pytest.mark.parametrize("head", [GIF, UPWARDS, DOWNWARDS, OLD_BMP])
def test_the_size_is_read_from_hand_made_headers(head: bytes) -> None:
    assert size_of(head) == (37, 23)


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_a_cut_picture_is_said_to_be_cut(path: Path) -> None:
    whole = path.read_bytes()

    with pytest.raises(ValueError, match="is cut before its size"):
        size_of(whole[:18])


@pytest.mark.parametrize(
    ("head", "reason"),
    [
        (b"", "it is no PNG, JPEG, WebP, GIF or BMP"),
        (b"<svg/>", "it is no PNG, JPEG, WebP, GIF or BMP"),
        (b"RIFF\x00\x00\x00\x00WAVEfmt ", "it is no PNG, JPEG, WebP, GIF or BMP"),
        (b"\x89PNG\r\n\x1a\n" + bytes(40), "the PNG does not begin with its header"),
        (b"\xff\xd8\x00\x00", "the JPEG is damaged before its size"),
        (b"GIF89a\x00\x00\x17\x00", "the GIF says 0×23 pixels"),
        (b"\xff\xd8" + b"\xff\xe0\x00\x00" * 9, "the JPEG is cut before its size"),
    ],
)
def test_what_is_no_picture_says_why(head: bytes, reason: str) -> None:
    with pytest.raises(ValueError, match=r".") as info:
        size_of(head)

    assert str(info.value) == reason


@given(st.sampled_from([p.read_bytes() for p in FILES] + [GIF, BMP]), st.binary(max_size=40))
@settings(max_examples=100)
def test_any_bytes_give_a_size_or_a_reason(whole: bytes, noise: bytes) -> None:
    for head in (noise, whole[:12] + noise, whole[: len(noise)], whole[:20] + noise):
        try:
            width, height = size_of(head)
        except ValueError:
            continue
        assert width > 0
        assert height > 0


def data(path: Path) -> str:
    return "data:image/png;base64," + b64encode(path.read_bytes()).decode()


def test_parts_are_counted_by_address_of_any_kind() -> None:
    media = Media(1024, PICTURES)

    assert media(Part(image="grey.png")) == (8, "image of 37×23")
    assert media(Part(image=data(PICTURES / "grey.jpg"))) == (8, "image of 37×23")
    assert media(Part(image="data:image/gif," + "GIF89a%25%00%17%00")) == (8, "image of 37×23")
    assert media(Part(video=("grey.png",) * 4)) == (14, "video of 4 frames of 37×23")


def test_a_request_may_ask_for_more_pixels_or_fewer(tmp_path: Path) -> None:
    big = b"GIF89a" + (4000).to_bytes(2, "little") + (3000).to_bytes(2, "little")
    (tmp_path / "big.gif").write_bytes(big)

    plain, high = (Media(1024, tmp_path, high_resolution=high) for high in (False, True))

    assert plain(Part(image="big.gif"))[0] == 43 * 58 + 2
    assert high(Part(image="big.gif"))[0] == 94 * 125 + 2
    assert plain(Part(image="big.gif", max_pixels=100_352))[0] == 8 * 11 + 2


@pytest.mark.parametrize(
    ("part", "reason"),
    [
        (Part(image="not-there.png"), UNKNOWN + "'not-there.png': No such file or directory"),
        (
            Part(image="oss://bucket/a.png"),
            UNKNOWN + "the picture at 'oss://bucket/a.png' is not on this machine",
        ),
        (
            Part(image="data:image/png;base64,AAAA"),
            UNKNOWN + "it is no PNG, JPEG, WebP, GIF or BMP",
        ),
        (Part(image="data:,"), UNKNOWN + "it is no PNG, JPEG, WebP, GIF or BMP"),
        (Part(image="data:image/png;base64,ü"), UNKNOWN + "a data: address is not base64"),
        (Part(video="clip.mp4"), UNKNOWN + "a video's length and size are not read from its file"),
        (Part(audio="speech.mp3"), "tokens of audio are unknown: no formula is published"),
    ],
)
def test_what_cannot_be_counted_says_why(part: Part, reason: str) -> None:
    assert Media(1024, PICTURES)(part) == (None, reason)


def test_a_model_without_pixels_per_token_counts_no_picture() -> None:
    assert Media(None, PICTURES)(Part(image="grey.png")) == (
        None,
        UNKNOWN + "the model's pixels per token are not in the table of models",
    )


def test_no_more_than_the_head_of_a_picture_is_decoded() -> None:
    long = "data:image/gif;base64," + b64encode(GIF + bytes(3 * HEAD)).decode()

    assert Media(1024, PICTURES)(Part(image=long)) == (8, "image of 37×23")
