from __future__ import annotations

import traceback
from typing import Any

import pytest

from qeval.errors import TargetError
from qeval.suite import Target
from qeval.transport.hosts import Settings, endpoint, resolve, secrets

KEY = "sk-planted-0123456789"
KEYED = {"DASHSCOPE_API_KEY": KEY}


def find(target: Target, environ: dict[str, str] | None = None, **settings: str) -> Any:
    return resolve(target, "t", Settings(**settings), KEYED if environ is None else environ)


@pytest.mark.parametrize(
    ("target", "base", "source"),
    [
        (Target(), "https://model-studio.invalid/compatible-mode/v1", "model-studio"),
        (
            Target(region="cn-beijing", workspace="w1"),
            "https://model-studio.invalid/compatible-mode/v1",
            "model-studio",
        ),
        (
            Target(dialect="dashscope-text"),
            "https://model-studio.invalid/api/v1",
            "model-studio",
        ),
        (
            Target(base_url="https://dashscope-us.aliyuncs.com/compatible-mode/v1/"),
            "https://model-studio.invalid/compatible-mode/v1",
            "model-studio",
        ),
        (
            Target(base_url="http://127.0.0.1:8000/v1"),
            "https://endpoint.invalid/v1",
            "endpoint",
        ),
        (Target(base_url="${LAB}"), "https://endpoint.invalid", "endpoint"),
        (
            Target(base_url="${LAB:-http://h/x}/${TENANT}/v1"),
            "https://endpoint.invalid/TENANT/v1",
            "endpoint",
        ),
        (
            Target(base_url="https://aliyuncs.com.evil.example/v1"),
            "https://endpoint.invalid/v1",
            "endpoint",
        ),
    ],
)
def test_alias_is_the_same_wherever_the_target_lives(
    target: Target, base: str, source: str
) -> None:
    alias = endpoint(target)

    assert (alias.base, alias.source) == (base, source)


@pytest.mark.parametrize(
    ("region", "host"),
    [
        ("ap-southeast-1", "dashscope-intl.aliyuncs.com"),
        ("cn-beijing", "dashscope.aliyuncs.com"),
        ("us-east-1", "dashscope-us.aliyuncs.com"),
        ("cn-hongkong", "cn-hongkong.dashscope.aliyuncs.com"),
    ],
)
def test_a_region_without_workspace_has_its_shared_host(region: str, host: str) -> None:
    found = find(Target(region=region))

    assert found.base_url == f"https://{host}/compatible-mode/v1"
    assert found.key == KEY


@pytest.mark.parametrize(
    "region", ["ap-southeast-1", "cn-beijing", "eu-central-1", "ap-northeast-1"]
)
def test_a_workspace_has_its_own_host_in_every_region(region: str) -> None:
    found = find(Target(region=region, workspace="${WS:-llm-1}", dialect="dashscope-text"))

    assert found.base_url == f"https://llm-1.{region}.maas.aliyuncs.com/api/v1"
    assert found.key == KEY


def test_the_target_wins_over_the_project_and_that_over_the_environment() -> None:
    environ = {**KEYED, "DASHSCOPE_REGION": "us-east-1", "DASHSCOPE_WORKSPACE": "from-env"}

    assert "from-env.us-east-1" in find(Target(), environ).base_url
    assert "from-env.cn-beijing" in find(Target(), environ, region="cn-beijing").base_url
    assert "mine.cn-hongkong" in find(
        Target(region="cn-hongkong", workspace="mine"), environ, region="cn-beijing"
    ).base_url  # fmt: skip


def test_the_sdks_base_url_variable_is_ignored() -> None:
    environ = {**KEYED, "DASHSCOPE_BASE_URL": "https://evil.example/v1"}

    assert find(Target(), environ).base_url.startswith("https://dashscope-intl.aliyuncs.com/")


@pytest.mark.parametrize(
    ("target", "environ", "message"),
    [
        pytest.param(
            Target(),
            {},
            "target 't': DASHSCOPE_API_KEY is not set (region ap-southeast-1)\n\n"
            "hint: type `export DASHSCOPE_API_KEY=…` with a key for it",
            id="no-key",
        ),
        pytest.param(
            Target(base_url="http://h.example/v1", api_key_env="LAB_KEY"),
            {"LAB_KEY": "  "},
            "target 't': LAB_KEY is not set (at http://h.example/v1)\n\n"
            "hint: type `export LAB_KEY=…` with a key for it",
            id="no-key-elsewhere",
        ),
        pytest.param(
            Target(region="ap-southeast-2"),
            KEYED,
            "target 't': unknown region 'ap-southeast-2'\n\nhint: did you mean 'ap-southeast-1'?",
            id="region",
        ),
        pytest.param(
            Target(region="eu-central-1"),
            KEYED,
            "target 't': region eu-central-1 has no shared host\n\n"
            "hint: set the target's `workspace`, or type `export DASHSCOPE_WORKSPACE=…`",
            id="no-shared-host",
        ),
        pytest.param(
            Target(workspace="evil.example/"),
            KEYED,
            "target 't': workspace 'evil.example/' is not an id\n\n"
            "hint: copy the id from the console: letters, digits and hyphens",
            id="workspace",
        ),
        pytest.param(
            Target(base_url="${LAB}/v1"),
            {},
            "target 't': LAB is not set (for base_url)\n\nhint: type `export LAB=…`",
            id="variable",
        ),
        pytest.param(
            Target(base_url="http://me:secret-word@h.example/v1"),
            {},
            "target 't': its base_url holds a user name\n\n"
            "hint: name the key's variable with `api_key_env`",
            id="password",
        ),
        pytest.param(
            Target(base_url="${LAB}"),
            {"LAB": "ftp://secret-word.example/"},
            "target 't': '${LAB}' is not an address\n\n"
            "hint: write scheme, host and path, such as http://127.0.0.1:8000/v1",
            id="scheme",
        ),
        pytest.param(
            Target(base_url="http://h/v1", headers={"x-token": "${TOKEN}"}),
            {"TOKEN": "secret-word\r\nx-evil: 1"},
            "target 't': the value of header x-token is empty or holds what no header can carry",
            id="header",
        ),
        pytest.param(
            Target(base_url="http://h/v1", headers={"x y": "1"}),
            {},
            "target 't': 'x y' is not a header's name",
            id="header-name",
        ),
        pytest.param(
            Target(),
            {"DASHSCOPE_API_KEY": "sk-ключ secret-word"},
            "target 't': DASHSCOPE_API_KEY holds what no key holds: blanks or non-ASCII characters",
            id="odd-key",
        ),
    ],
)
def test_what_cannot_be_resolved_says_so(
    target: Target, environ: dict[str, str], message: str
) -> None:
    with pytest.raises(TargetError) as caught:
        find(target, environ)

    assert str(caught.value) == message
    shown = "".join(traceback.format_exception(caught.value))
    assert "secret-word" not in shown


@pytest.mark.parametrize(
    "base_url",
    [
        "http://127.0.0.1:8000/v1",
        "https://model.example/v1",
        "http://dashscope.aliyuncs.com/compatible-mode/v1",  # not even there without TLS
        "https://dashscope.aliyuncs.com.evil.example/v1",
        "https://evil-maas.aliyuncs.com/v1",
        "https://dashscope.aliyuncs.com:8443/v1",
    ],
)
def test_the_key_goes_to_no_host_it_was_not_named_for(base_url: str) -> None:
    assert find(Target(base_url=base_url)).key is None


def test_a_key_goes_where_it_is_named_and_nowhere_with_null() -> None:
    environ = {**KEYED, "LAB_KEY": " lab-0123456789\n"}

    assert find(Target(base_url="http://h/v1", api_key_env="LAB_KEY"), environ).key == (
        "lab-0123456789"
    )
    assert find(Target(api_key_env=None), environ).key is None
    assert find(Target(api_key_env=None), {}).key is None


def test_an_own_authorization_header_replaces_the_key() -> None:
    target = Target(headers={"Authorization": "Bearer ${TOKEN}"})

    found = find(target, {"TOKEN": "token-0123456789"})

    assert found.key is None
    assert found.headers == (("authorization", "Bearer token-0123456789"),)


@pytest.mark.parametrize(
    ("override", "base"),
    [
        ("http://127.0.0.1:8765", "http://127.0.0.1:8765/compatible-mode/v1"),
        ("http://127.0.0.1:8765/", "http://127.0.0.1:8765/compatible-mode/v1"),
        ("http://127.0.0.1:8765/v1", "http://127.0.0.1:8765/v1"),
    ],
)
def test_a_stand_in_gets_neither_key_nor_headers(override: str, base: str) -> None:
    target = Target(headers={"x-token": "${TOKEN}"}, timeout_s=9, region="nowhere")

    found = find(target, KEYED, base_url=override)

    assert (found.base_url, found.key, found.headers) == (base, None, ())
    assert (found.source, found.timeout_s) == ("endpoint", 9)


@pytest.mark.parametrize("path", ["/api/v1", "/compatible-mode/v1", ""])
@pytest.mark.parametrize(
    ("dialect", "base"),
    [
        ("chat", "/compatible-mode/v1"),
        ("responses", "/compatible-mode/v1"),
        ("dashscope-text", "/api/v1"),
        ("dashscope-multimodal", "/api/v1"),
    ],
)
def test_any_address_of_a_service_stands_in_for_all_dialects(
    dialect: str, base: str, path: str
) -> None:
    found = find(Target(dialect=dialect), base_url=f"http://127.0.0.1:8765{path}")

    assert found.base_url == f"http://127.0.0.1:8765{base}"


def test_the_path_of_a_stand_in_is_kept_for_a_target_with_an_address_of_its_own() -> None:
    found = find(Target(base_url="http://h.example/v1"), base_url="http://127.0.0.1:1/api/v1")

    assert found.base_url == "http://127.0.0.1:1/api/v1"


def test_a_resolved_address_shows_no_secret() -> None:
    found = find(Target(headers={"x-token": "${TOKEN}"}), {**KEYED, "TOKEN": "token-0123456789"})

    assert repr(found) == "Resolved('https://dashscope-intl.aliyuncs.com/compatible-mode/v1')"
    assert KEY not in f"{found} {found!r}"


def test_secrets_are_keys_and_what_headers_take_from_variables() -> None:
    targets = [
        Target(api_key_env="LAB_KEY", headers={"x-a": "Bearer ${TOKEN}", "x-b": "plain-value"}),
        Target(headers={"x-c": "${UNSET}", "x-d": "${ENV_NAME}"}),
    ]
    environ = {
        **KEYED,
        "LAB_KEY": "lab-0123456789\n",
        "TOKEN": "token-0123456789",
        "ENV_NAME": "staging",
        "HOME": "/root/of/nothing",
    }

    assert secrets(targets, environ) == ("lab-0123456789", KEY, "token-0123456789")
