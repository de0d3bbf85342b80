import hashlib
import subprocess
import sys
import threading
import time
import unicodedata
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from qeval.errors import UsageError
from qeval.record import Method
from qeval.tokens import specials, vocabulary
from qeval.tokens.counters import counter
from qeval.tokens.vocabulary import Count, Vocabulary, estimate, pieces

ROWS = {
    "Hello world": "9707 1879",
    "ied 4 ½ months": "1122 220 19 220 26062 3951",
    "\n\n\n": "1406",
    "\t\n": "1572",
    "    Hello\n    Hello": "262 21927 198 262 21927",
    "' era": "6 11385",
    "нещо на Български": "78762 14144 1456 13073 63471 33594 3038 133178 79012",
    "Hello, y'all! How are you 😁 ?我想在apple工作1314151天～": (
        "9707 11 379 64848 0 2585 525 498 26525 223 937 104100 18493 22377 99257 16 18 16 19 16 20 "
        "16 35727 21216"
    ),
    "代码改变世界": "46100 101933 99489",
}
"""Texts and ids that the makers of two other tokenizers publish for this vocabulary."""

FAQ = "<|im_start|>user\nHi<|im_end|>\n<|im_start|>assistant\n<think>"


@pytest.fixture(scope="module")
def qwen() -> Vocabulary:
    found = vocabulary.shared()
    assert found is not None, "the extra `qwen` is part of the development install"
    return found


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    found = vocabulary.cache_file()
    assert found is not None
    return found


@pytest.mark.parametrize(("text", "ids"), ROWS.items())
def test_published_texts_have_their_published_ids(qwen: Vocabulary, text: str, ids: str) -> None:
    assert qwen.encode(text) == [int(number) for number in ids.split()]


def test_markup_counts_special_tokens_as_one(qwen: Vocabulary) -> None:
    ids = [151644, 872, 198, 13048, 151645, 198, 151644, 77091, 198, 151667, 198]

    assert qwen.encode_markup(FAQ + "\n") == ids
    assert len(qwen.encode_markup(FAQ)) == 10


def test_think_is_ordinary_text_to_qwen2(qwen: Vocabulary) -> None:
    assert len(qwen.encode_markup(FAQ, specials.QWEN25)) == 12


@pytest.mark.parametrize(
    ("name", "old", "new"),
    [
        ("<|endoftext|>", 151643, 248044),
        ("<|im_start|>", 151644, 248045),
        ("<|im_end|>", 151645, 248046),
        ("<|object_ref_start|>", 151646, 248047),
        ("<|object_ref_end|>", 151647, 248048),
        ("<|box_start|>", 151648, 248049),
        ("<|box_end|>", 151649, 248050),
        ("<|quad_start|>", 151650, 248051),
        ("<|quad_end|>", 151651, 248052),
        ("<|vision_start|>", 151652, 248053),
        ("<|vision_end|>", 151653, 248054),
        ("<|vision_pad|>", 151654, 248055),
        ("<|image_pad|>", 151655, 248056),
        ("<|video_pad|>", 151656, 248057),
        ("<tool_call>", 151657, 248058),
        ("</tool_call>", 151658, 248059),
        ("<|fim_prefix|>", 151659, 248060),
        ("<|fim_middle|>", 151660, 248061),
        ("<|fim_suffix|>", 151661, 248062),
        ("<|fim_pad|>", 151662, 248063),
        ("<|repo_name|>", 151663, 248064),
        ("<|file_sep|>", 151664, 248065),
        ("<tool_response>", 151665, 248066),
        ("</tool_response>", 151666, 248067),
        ("<think>", 151667, 248068),
        ("</think>", 151668, 248069),
    ],
)
def test_special_tokens_have_their_published_ids(name: str, old: int, new: int) -> None:
    assert specials.OLD[name] == old
    assert specials.NEW[name] == new
    assert specials.QWEN25.get(name) == (old if old <= 151664 else None)
    assert len(specials.OLD) == len(specials.NEW) == 26


def test_a_user_who_types_a_special_token_gets_ordinary_text(qwen: Vocabulary) -> None:
    ids = qwen.encode("<|im_start|>user\nHi<|im_end|>")

    assert max(ids) < vocabulary.TOKENS
    assert len(ids) > 5


def test_hi_is_one_token() -> None:
    assert counter("qwen-plus").count("Hi") == Count(tokens=1, method="exact")


def test_text_is_counted_in_nfc() -> None:
    assert counter("qwen-plus").count("cafe\u0301") == counter("qwen-plus").count("café")
    assert counter("qwen-plus").count("cafe\u0301").tokens == 2


@pytest.mark.parametrize(
    ("model", "method"),
    [
        ("qwen-plus", "exact"),
        ("qwen-max-latest", "exact"),
        ("qwen3-max", "exact"),
        ("Qwen/Qwen3-8B", "exact"),
        ("qwen3-vl-plus", "exact"),
        ("qwen2.5-72b-instruct", "exact"),
        ("qwq-plus", "exact"),
        ("qwen3.5-plus", "model"),
        ("qwen3.6-plus", "model"),
        ("qwen3.7-max-2026-05-20", "model"),
        ("qwen3.8-max", "model"),
        ("llama-4", "estimate"),
        ("qwen-maximal", "estimate"),
    ],
)
def test_a_count_tells_how_well_the_vocabulary_fits_the_model(model: str, method: Method) -> None:
    assert counter(model).count("Hello world") == Count(tokens=2, method=method)


@pytest.mark.parametrize("text", ["\ud800", "a\udfffb", "\x00", "\ufffe"])
def test_hostile_characters_are_counted_too(text: str) -> None:
    assert counter("qwen-plus").count(text).tokens >= 1


@given(st.text(max_size=200), st.text(max_size=200))
@settings(max_examples=50)
def test_markup_is_the_sum_of_what_lies_between_special_tokens(one: str, two: str) -> None:
    qwen = vocabulary.shared()
    assert qwen is not None

    whole = qwen.encode_markup(f"{one}<|im_end|>{two}", {"<|im_end|>": 151645})

    if "<|im_end|>" not in one + two:
        assert whole == [*qwen.encode(one), 151645, *qwen.encode(two)]


WORDS = st.sampled_from(
    ["word ", "don't", "\n", " \n\n", "  ", "42", "7x", "，", "天气", "!!\n", "é", "\t", ".", "½"]
)


@given(st.lists(WORDS, min_size=1, max_size=60).map("".join), st.integers(1, 40))
@example("it's  \n\n here", 5)
@settings(max_examples=100)
def test_cutting_at_safe_places_changes_no_id(text: str, size: int) -> None:
    qwen = vocabulary.shared()
    assert qwen is not None
    text = unicodedata.normalize("NFC", text)

    parts = list(pieces(text, size))

    assert "".join(part for part, _ in parts) == text
    if all(safe for _, safe in parts):
        separate = [one for part, _ in parts for one in qwen._ids(part)]
        assert separate == qwen._ids(text)


def test_long_prose_is_cut_and_still_exact() -> None:
    sentence = "The quick brown fox jumps over the lazy dog, 17 times.\n"
    copies = 3 * vocabulary.CHUNK // len(sentence)

    one = counter("qwen-plus").count(sentence)
    many = counter("qwen-plus").count(sentence * copies)

    assert many == Count(tokens=one.tokens * copies, method="exact")


@pytest.mark.parametrize("character", ["a", " ", "\n", "!", "字"])
def test_ten_megabytes_of_one_character_are_counted(character: str) -> None:
    size = 10_000_000 // len(character.encode())

    found = counter("qwen-plus").count(character * size)

    assert found.method == "estimate"
    assert 0 < found.tokens <= size


def test_prefix_has_the_tokens_asked_for_and_no_half_character(qwen: Vocabulary) -> None:
    assert qwen.prefix("Hello world again", 2) == "Hello world"
    assert qwen.prefix("Hi 😁", 2) == "Hi "
    assert counter("qwen-plus").prefix("Hello", 9) == "Hello"


def test_nothing_is_imported_to_count_but_tiktoken() -> None:
    code = (
        "import sys; from qeval.tokens.counters import counter; c = counter('qwen-plus');"
        "print('tiktoken' in sys.modules); c.count('Hi');"
        "print(sorted({'dashscope', 'requests', 'httpx2', 'yaml'} & set(sys.modules)))"
    )

    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert done.stdout == "False\n[]\n"


def test_a_tiktoken_that_cannot_be_imported_leaves_an_estimate(tmp_path: Path) -> None:
    (tmp_path / "tiktoken.py").write_text("import nothing_of_that_name\n")
    code = (
        "import sys; sys.path.insert(0, sys.argv[1]);"
        "from qeval.tokens.counters import counter; print(counter('qwen-plus').count('Hi').method)"
    )

    done = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path)], capture_output=True, text=True, check=True
    )

    assert done.stdout == "estimate\n"


def test_the_cache_is_written_once_and_then_read(
    cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert vocabulary.load() is not None
    assert hashlib.sha256(cache.read_bytes()).hexdigest() == vocabulary.PACKED_SHA256
    assert [path.name for path in cache.parent.iterdir()] == [cache.name]

    monkeypatch.setattr(vocabulary, "_parse", lambda _: pytest.fail("the cache was not read"))
    second = vocabulary.load()

    assert second is not None
    assert second.encode("Hello world") == [9707, 1879]


@pytest.mark.parametrize("damage", [b"", b"not ranks", b"\x00" * 1_127_612])
def test_a_damaged_cache_is_rebuilt(cache: Path, damage: bytes) -> None:
    cache.parent.mkdir(parents=True)
    cache.write_bytes(damage)

    found = vocabulary.load()

    assert found is not None
    assert found.encode("Hello world") == [9707, 1879]
    assert hashlib.sha256(cache.read_bytes()).hexdigest() == vocabulary.PACKED_SHA256


def test_a_cache_folder_that_cannot_be_made_is_done_without(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    blocked = tmp_path / "file"
    blocked.touch()
    monkeypatch.setenv("XDG_CACHE_HOME", str(blocked))

    assert vocabulary.load() is not None


def test_without_a_home_there_is_no_cache(monkeypatch: pytest.MonkeyPatch) -> None:
    def homeless() -> Path:
        raise RuntimeError

    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    monkeypatch.setattr(Path, "home", homeless)

    assert vocabulary.cache_file() is None
    assert vocabulary.load() is not None


def test_a_cache_that_cannot_be_replaced_leaves_no_draft(cache: Path) -> None:
    cache.mkdir(parents=True)  # a folder where the file should be

    assert vocabulary.load() is not None
    assert [path.name for path in cache.parent.iterdir()] == [cache.name]


def test_a_package_without_the_file_is_no_vocabulary(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "dashscope").mkdir()
    (tmp_path / "dashscope" / "__init__.py").write_text("raise RuntimeError('imported')")
    monkeypatch.delitem(sys.modules, "dashscope", raising=False)  # other tests import the real one
    monkeypatch.syspath_prepend(tmp_path)

    assert vocabulary.ranks_file() is None


def test_a_relative_cache_folder_is_ignored(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", "here")
    monkeypatch.setenv("HOME", "/home/somebody")

    assert vocabulary.cache_file() == Path(
        "/home/somebody/.cache/qeval", f"qwen-{vocabulary.PACKED_SHA256[:12]}.ranks"
    )


def test_another_vocabulary_file_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake = tmp_path / "qwen.tiktoken"
    fake.write_bytes(b"IQ== 0\n")
    monkeypatch.setattr(vocabulary, "ranks_file", lambda: fake)

    with pytest.raises(UsageError) as excinfo:
        vocabulary.load()

    assert str(excinfo.value) == (
        "vocabulary file 'qwen.tiktoken' of the package 'dashscope' has SHA-256 "
        f"{hashlib.sha256(fake.read_bytes()).hexdigest()[:12]}…, not b2b1b8dfb5cc…; "
        "counting with it would give wrong numbers\n\n"
        "hint: install it anew: pip install --force-reinstall --no-deps dashscope"
    )


def test_a_module_without_a_spec_is_no_vocabulary(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "dashscope", type(sys)("dashscope"))

    assert vocabulary.ranks_file() is None
    assert vocabulary.load() is None


def test_without_a_vocabulary_counts_are_estimates(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(vocabulary, "shared", lambda: None)

    assert counter("qwen-plus").count("Hi") == Count(tokens=1, method="estimate")
    assert counter("qwen-plus").count("") == Count(tokens=0, method="estimate")
    assert counter("qwen-plus").prefix("a" * 42, 5) == "a" * 21
    assert counter("qwen-plus").prefix("short", 5) == "short"
    assert "pip install 'qeval[qwen]'" in vocabulary.INSTALL_HINT


@pytest.mark.parametrize(
    "text",
    [
        "A suite is a file of things to ask, with what is expected of each answer.",
        "今天的天气很好，我们一起去公园散步吧。",
        "нещо на Български",
        "1314151",
    ],
)
def test_an_estimate_is_within_half_of_the_truth(text: str) -> None:
    truth = counter("qwen-plus").count(text).tokens

    assert truth / 1.5 <= estimate(text) <= truth * 1.5


def test_threads_share_one_vocabulary_loaded_once(monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[int] = []
    gate = threading.Barrier(8)
    holder = vocabulary._Shared()

    def load_slowly() -> None:
        calls.append(1)
        time.sleep(0.05)  # long enough for the others to arrive meanwhile

    monkeypatch.setattr(vocabulary, "load", load_slowly)

    def ask() -> None:
        gate.wait()
        holder()

    threads = [threading.Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert calls == [1]
