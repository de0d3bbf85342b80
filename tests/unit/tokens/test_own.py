"""A user's own tokenizer.json and chat template, as they host the model themselves."""

import json
from pathlib import Path

import pytest
from tokenizers import AddedToken, Tokenizer, models, normalizers, pre_tokenizers

from qeval.errors import UsageError
from qeval.exchange import Message, Params, Part, Request, ToolCall
from qeval.models import Model
from qeval.tokens.counters import counter
from qeval.tokens.ledger import Ledgers
from qeval.tokens.vocabulary import Count

END = 151645
LOOPS = "fails: its ranges have more than 2,000,000 numbers"
TEMPLATE = """\
{%- if tools %}<|im_start|>system
{% for tool in tools %}{{ tool | tojson }}
{% endfor %}<|im_end|>
{% endif %}
{%- for message in messages %}<|im_start|>{{ message.role }}
{% if message.reasoning_content and loop.last %}({{ message.reasoning_content }}){% endif %}
{{- message.content }}<|im_end|>
{% endfor %}
{%- if add_generation_prompt %}<|im_start|>assistant
{% if enable_thinking %}<think>
{% endif %}{% endif %}"""


def save(path: Path, end: int = END) -> None:
    """A tokenizer of single bytes, with what Qwen's own file has around them."""
    letters = {letter: n for n, letter in enumerate(pre_tokenizers.ByteLevel.alphabet())}
    made = Tokenizer(models.BPE(letters, []))
    made.normalizer = normalizers.NFC()
    made.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    made.add_special_tokens([AddedToken("<|im_end|>", special=True)])
    made.add_tokens([AddedToken("<think>", special=False)])
    document = json.loads(made.to_str())
    for token in document["added_tokens"]:
        token["id"] = end if token["content"] == "<|im_end|>" else token["id"]
    path.write_text(json.dumps(document), encoding="utf-8")


def local(**fields: str) -> Model:
    return Model(name="house-7b", **fields)  # type: ignore[arg-type]  # texts all


def test_texts_are_counted_with_the_users_vocabulary(tmp_path: Path) -> None:
    save(tmp_path / "tokenizer.json")
    own = counter(local(tokenizer="tokenizer.json", vocabulary="qwen-old"), tmp_path)

    assert own.count("Hello") == Count(tokens=5, method="exact")
    assert own.count("cafe\u0301") == Count(tokens=5, method="exact")  # é is two bytes
    assert own.prefix("Hello", 2) == "He"


@pytest.mark.parametrize("typed", ["<|im_end|>", "<think>"])
def test_marks_in_user_text_are_ordinary_text_to_it(tmp_path: Path, typed: str) -> None:
    save(tmp_path / "tokenizer.json")
    own = counter(local(tokenizer="tokenizer.json"), tmp_path)

    assert own.count(typed).tokens == len(typed)
    assert own.marks(typed) == 1


@pytest.mark.parametrize("text", ["", "\ud800", "\x00" * 3, "字" * 60_000])
def test_any_text_is_counted_by_it(tmp_path: Path, text: str) -> None:
    save(tmp_path / "tokenizer.json")

    found = counter(local(tokenizer="tokenizer.json"), tmp_path).count(text)

    assert found.tokens >= len(text)


def test_the_tokenizer_of_another_vocabulary_is_refused(tmp_path: Path) -> None:
    save(tmp_path / "tokenizer.json")
    own = counter(local(tokenizer="tokenizer.json", vocabulary="qwen-new"), tmp_path)

    with pytest.raises(UsageError) as info:
        own.count("Hello")

    assert str(info.value) == (
        "model 'house-7b': tokenizer 'tokenizer.json' has <|im_end|> as 151645, the vocabulary "
        "'qwen-new' as 248046\n\nhint: give the tokenizer.json of this very model"
    )


def test_a_tokenizer_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(UsageError) as info:
        counter(local(tokenizer="no.json"), tmp_path)

    assert str(info.value) == (
        "model 'house-7b': tokenizer 'no.json' is not there\n\n"
        "hint: give `tokenizer` as a path from the project's root"
    )


@pytest.mark.parametrize("content", [b"", b"[]", b"{", b'{"added_tokens": 3}', b"\xff", b"{}"])
def test_what_is_no_tokenizer_is_told(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "t.json").write_bytes(content)
    own = counter(local(tokenizer="t.json"), tmp_path)

    with pytest.raises(UsageError, match=r"tokenizer 't\.json' cannot be read: ") as info:
        own.count("Hello")

    assert info.value.hint == "give the tokenizer.json that the model's makers publish"


def test_a_tokenizer_that_cannot_read_a_text_is_told(tmp_path: Path) -> None:
    made = Tokenizer(models.WordLevel({"Hello": 0}, unk_token="<unk>"))
    (tmp_path / "t.json").write_text(made.to_str(), encoding="utf-8")

    with pytest.raises(UsageError) as info:
        counter(local(tokenizer="t.json"), tmp_path).count("Bye")

    start = "model 'house-7b': tokenizer 't.json' cannot read a text: WordLevel error"
    assert str(info.value).startswith(start)


def test_a_tokenizer_that_cuts_or_fills_texts_counts_them_as_they_are(tmp_path: Path) -> None:
    save(tmp_path / "t.json")
    cutting = Tokenizer.from_file(str(tmp_path / "t.json"))
    cutting.enable_truncation(2)
    cutting.enable_padding(length=9)
    (tmp_path / "t.json").write_text(cutting.to_str(), encoding="utf-8")

    assert counter(local(tokenizer="t.json"), tmp_path).count("Hello").tokens == 5


def test_the_beginning_of_half_a_character_is_had(tmp_path: Path) -> None:
    save(tmp_path / "t.json")

    assert counter(local(tokenizer="t.json"), tmp_path).prefix("a\ud800", 1) == "a"


@pytest.fixture
def hosted(tmp_path: Path) -> Model:
    (tmp_path / "chat.jinja").write_text(TEMPLATE, encoding="utf-8")
    return local(chat_template="chat.jinja", vocabulary="qwen-old")


def said(**fields: object) -> Request:
    messages = (
        Message(role="system", content="Be brief."),
        Message(role="user", content="Hi {{ 7 * 7 }} <|im_end|>"),
    )
    return Request(**{"model": "house-7b", "messages": messages, **fields})  # type: ignore[arg-type]  # fields of a request


def test_a_request_is_counted_by_the_users_template(tmp_path: Path, hosted: Model) -> None:
    one = counter("qwen-plus").count

    found = Ledgers(tmp_path).tally(said(params=Params(thinking=True)), hosted)

    texts = one("Be brief.").tokens + one("Hi {{ 7 * 7 }} <|im_end|>").tokens
    assert found.of("text") == texts
    assert found.tokens == texts + 5 + 5 + 3 + 2
    assert found.method == "exact"


def test_tools_are_what_the_template_makes_of_them(tmp_path: Path, hosted: Model) -> None:
    tool = {"name": "now", "description": "x < y", "parameters": {}}

    found = Ledgers(tmp_path).tally(said(tools=(tool,)), hosted)

    line = '{"type": "function", "function": ' + json.dumps(tool) + "}\n"
    assert found.of("tools") == 5 + counter("qwen-plus").count(line).tokens


def test_a_text_that_the_template_drops_costs_nothing(tmp_path: Path, hosted: Model) -> None:
    messages = (
        Message(role="user", content="Hi"),
        Message(role="assistant", content="Hello", reasoning="a thought"),
        Message(role="user", content="Bye"),
    )

    found = Ledgers(tmp_path).tally(said(messages=messages), hosted)

    assert found.of("text") == sum(
        counter("qwen-plus").count(t).tokens for t in ("Hi", "Hello", "Bye")
    )


def test_calls_and_pictures_go_through_the_template(tmp_path: Path, hosted: Model) -> None:
    call = ToolCall(id="1", name="f", arguments="not json")
    messages = (
        Message(role="assistant", content="", tool_calls=(call,)),
        Message(role="tool", content="3", tool_call_id="1"),
        Message(role="user", content=(Part(text="See"), Part(image="gone.png"))),
    )

    found = Ledgers(tmp_path).tally(said(messages=messages), hosted)

    assert found.tokens is None
    assert found.of("text") == 2
    assert found.warnings[0].startswith("tokens of a picture are unknown")


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("{% for %}", "is no template, line 1: "),
        ("{{ raise_exception('no system') }}", "fails: no system"),
        ("{{ 1 / 0 }}", "fails: division by zero"),
        ("{{ messages.__class__.__mro__ }}", "fails: "),
        ("{% include 'x' %}", "fails: "),
        ("{% for i in range(99999) %}{{ 'x' * 99 }}{% endfor %}", "makes more than 2,000,000 "),
        ("{% for i in range(99999) %}{% for j in range(99999) %}{% endfor %}{% endfor %}", LOOPS),
        ("{% for i in range(99999) %}{% for j in range(99999) %}x{% endfor %}{% endfor %}", LOOPS),
        ("{{ range(1000000000000) }}", LOOPS),
        ("{{ 'x' * 100000000000 }}", "fails: x * 100000000000 is too long"),
        ("{{ 100000000000 * [1] }}", "fails: 100000000000 * [1] is too long"),
        ("{{ 9 ** (9 ** 9) }}", "fails: 9 ** 387420489 is too long"),
        ("{{ lipsum() }}", "fails: 'lipsum' is undefined"),
        ("{{ raise_exception('\x1b[31mred') }}", "fails: \ufffd[31mred"),
        ("{{ " + "(" * 4000 + "1" + ")" * 4000 + " }}", "is no template: nested too deep"),
    ],
)
def test_a_template_that_fails_is_told(tmp_path: Path, text: str, told: str) -> None:
    (tmp_path / "chat.jinja").write_text(text, encoding="utf-8")

    with pytest.raises(UsageError) as info:
        Ledgers(tmp_path).tally(said(), local(chat_template="chat.jinja"))

    assert str(info.value).startswith(f"model 'house-7b': chat template 'chat.jinja' {told}")
    assert info.value.hint == "give the chat_template.jinja that the server itself uses"


def test_a_template_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="cannot be read: No such file or directory"):
        Ledgers(tmp_path).tally(said(), local(chat_template="no.jinja"))


def test_nothing_of_jinja_is_imported_without_a_template() -> None:
    import subprocess
    import sys

    code = (
        "import sys; from pathlib import Path; from qeval.exchange import *;"
        "from qeval.tokens.ledger import Ledgers;"
        "Ledgers(Path()).tally(Request(model='m', messages=()), None);"
        "print(sorted({'jinja2', 'tokenizers', 'dashscope'} & set(sys.modules)))"
    )

    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert done.stdout == "[]\n"
