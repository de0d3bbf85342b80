"""The rules of suites.md sections 5 to 7: ids, inheritance, texts, and what identifies a case."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from qeval.errors import SuiteError
from qeval.loading import read
from qeval.loading.texts import wrong_id
from qeval.plan import Plan, plan
from qeval.value import Json

Planned = Callable[..., Plan]
BASE = {"targets": ["qwen-plus"]}
CASE = {"user": "Hi?", "checks": [{"contains": "x"}]}


def one(**entries: Json) -> Json:
    """Return a suite of one case, which has these entries too."""
    return {**BASE, "cases": [{**CASE, **entries}]}


def ids(found: Plan) -> list[str]:
    return list(dict.fromkeys(group.case.id for group in found.groups))


# Ids


@pytest.mark.parametrize(
    ("case", "expected"),
    [
        ({}, ["hi"]),
        ({"id": "Own"}, ["Own"]),
        ({"user": "What is the capital of France?"}, ["what-is-the-capital-of-france"]),
        ({"user": "Sum {{ a }}", "grid": {"a": [1, 2], "b": ["X", "Y"]}}, None),
        (
            {"id": "s", "grid": {"a": [17, 3], "b": [25, 4]}},
            ["s-17-25", "s-17-4", "s-3-25", "s-3-4"],
        ),
        ({"id": "s", "rows": [{"a": "New York"}, {"a": True}]}, ["s-new-york", "s-true"]),
        ({"id": "Q {{ a }}!", "rows": [{"a": "Köln"}, {"a": "x" * 90}]}, None),
        ({"id": "{{ a }}", "rows": [{"a": "con"}, {"a": "b/../c"}]}, ["case-con", "b-..-c"]),
    ],
)
def test_ids_are_written_or_made_of_what_is_asked(
    planned: Planned, case: Json, expected: list[str] | None
) -> None:
    found = ids(planned(one(**case)))

    assert all(wrong_id(name) is None for name in found)
    if expected is None:
        assert len({name.lower() for name in found}) == len(found) > 1
    else:
        assert found == expected


def test_inserting_a_case_or_a_row_moves_no_id(planned: Planned) -> None:
    case = {"id": "r", "user": "{{ q }}?", "checks": [{"contains": "x"}]}
    rows = [{"q": "one"}, {"q": "two"}]
    first = ids(planned({**BASE, "cases": [{**case, "rows": rows}]}))
    text = "".join(json.dumps(row) + "\n" for row in rows)
    more = '{"q": "zero"}\n' + text

    of_file = ids(
        planned({**BASE, "cases": [{**case, "rows": "data/q.jsonl"}]}, data__q_jsonl=text)
    )
    of_more = ids(
        planned({**BASE, "cases": [CASE, {**case, "rows": "data/q.jsonl"}]}, data__q_jsonl=more)
    )

    assert first == ["r-one", "r-two"]
    assert of_more[2:] == of_file


@settings(
    max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None
)
@given(st.lists(st.text(min_size=1), min_size=1, max_size=5, unique=True))
def test_whatever_the_text_ids_are_unique_and_valid_or_it_is_a_mistake(
    planned: Planned, texts: list[str]
) -> None:
    cases = [{"user": text, "checks": [{"contains": "x"}]} for text in texts]
    try:
        found = ids(planned({**BASE, "cases": cases}))
    except SuiteError:
        return

    assert len({name.lower() for name in found}) == len(cases)
    assert [wrong_id(name) for name in found] == [None] * len(cases)


@settings(
    max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None
)
@given(
    st.text(st.characters(exclude_categories=["Cs"])),
    st.sampled_from(["{{ 1 + 1 }}", "{% if %}", "{{ q }}", "${HOME}"]),
)
def test_data_is_never_a_template(planned: Planned, text: str, bait: str) -> None:
    row = {"q": text + bait + text, "n": 1}

    found = planned(
        {
            **BASE,
            "cases": [
                {
                    "id": "{{ n }}",
                    "rows": "data/q.jsonl",
                    "user": "Q: {{ q }}!",
                    "checks": [{"contains": "{{ q }}"}],
                }
            ],
        },
        data__q_jsonl=json.dumps(row),
    )

    assert found.groups[0].request(0).user == f"Q: {row['q']}!"
    assert found.groups[0].vars == row


# Inheritance


def test_a_case_lies_over_the_suite(planned: Planned) -> None:
    found = planned(
        {
            **BASE,
            "system": "Be brief.",
            "vars": {"a": 1, "b": 1},
            "tags": ["all"],
            "checks": [{"contains": "one"}, {"length": {"max_words": 9}, "name": "short"}],
            "cases": [
                {
                    "id": "own",
                    "system": None,
                    "vars": {"b": 2},
                    "user": "{{ a }} {{ b }}",
                    "tags": ["mine"],
                    "without": ["short"],
                    "checks": [{"contains": "two"}],
                },
                {**CASE, "id": "inherits", "user": "{{ b }}\n"},
            ],
        }
    )
    own, inherits = found.groups

    assert [(m.role, m.content) for m in own.request(0).messages] == [("user", "1 2")]
    assert [check.label for check in own.checks] == ["contains 'one'", "contains 'two'"]
    assert own.case.tags == ("all", "mine")
    assert own.vars == {"a": 1, "b": 2}
    assert [(m.role, m.content) for m in inherits.request(0).messages] == [
        ("system", "Be brief."),
        ("user", "1"),
    ]


def test_the_inner_variable_wins(planned: Planned) -> None:
    names = ("suite", "scenario", "case", "grid", "line")
    levels = {level: dict.fromkeys(names[at:], level) for at, level in enumerate(names)}

    found = planned(
        {
            **BASE,
            "vars": levels["suite"],
            "scenarios": {"s": {"top_k": 1, "vars": levels["scenario"]}},
            "cases": [
                {
                    **CASE,
                    "id": "x",
                    "user": " ".join(f"{{{{ {name} }}}}" for name in names),
                    "vars": levels["case"],
                    "grid": dict.fromkeys(names[3:], ("grid",)),
                    "rows": [levels["line"]],
                }
            ],
        }
    )

    assert found.groups[0].request(0).user == "suite scenario case grid line"


def test_a_variant_of_the_prompt_is_a_scenario(planned: Planned) -> None:
    found = planned(
        {
            **one(),
            "system": "{{ rule }}",
            "scenarios": {"a": {"vars": {"rule": "Do."}}, "b": {"vars": {"rule": "Do not."}}},
        }
    )

    assert [g.request(0).messages[0].content for g in found.groups] == ["Do.", "Do not."]
    assert [g.per_scenario for g in found.groups] == [True, True]
    assert found.groups[0].case.digest != found.groups[1].case.digest


def test_scenarios_that_change_parameters_alone_share_the_question(planned: Planned) -> None:
    found = planned({**one(), "scenarios": ["factual_qa", "translation"]})

    assert [g.per_scenario for g in found.groups] == [False, False]
    assert found.groups[0].case.digest == found.groups[1].case.digest


# Identity


def test_the_digest_is_the_same_in_another_folder_and_differs_with_what_is_asked(
    tmp_path: Path,
) -> None:
    def digests(name: str, question: str) -> tuple[str, str]:
        suites = tmp_path / name / "suites"
        suites.mkdir(parents=True)
        (suites / "q.txt").write_text(question)
        suite = {**BASE, "cases": [{"id": "a", "user": {"file": "q.txt"}, "checks": ["is_json"]}]}
        (suites / "s.yaml").write_text(json.dumps(suite))
        found = plan(read(suites / "s.yaml"))
        return found.digest, found.groups[0].case.digest

    here, there, other = digests("a", "Why?"), digests("b", "Why?"), digests("c", "How?")

    assert here == there
    assert here[0] != other[0]
    assert here[1] != other[1]
    assert len(here[1]) == 16


@pytest.mark.parametrize(
    "change",
    [
        {"params": {"top_k": 3}},
        {"targets": ["qwen3-max"]},
        {"trials": 2},
        {"passes": "any"},
        {"tags": ["x"]},
        {"checks": ["is_json"]},
        {"system": "Be brief."},
        {"response_format": "json", "system": "In JSON."},
    ],
)
def test_whatever_changes_the_run_changes_the_plans_digest(planned: Planned, change: Json) -> None:
    assert planned(one()).digest != planned({**one(), **change}).digest


_PROBE = """
import sys
from pathlib import Path
from qeval.loading import read
from qeval.plan import plan
found = plan(read(Path(sys.argv[1])))
print(found.digest, [g.case.digest for g in found.groups], [g.case.id for g in found.groups])
print("jinja2" in sys.modules)
"""


def probe(suite: Path, **environment: str) -> list[str]:
    command = [sys.executable, "-c", _PROBE, str(suite)]
    root = str(Path(__file__).parents[4])
    result = subprocess.run(
        command,
        env={**os.environ, "PYTHONPATH": root, **environment},
        capture_output=True,
        text=True,
        check=True,
    )
    return result.stdout.splitlines()


def test_a_plan_does_not_depend_on_hash_seed_time_zone_or_region(
    planned: Planned, folder: Path
) -> None:
    grid = {"a": [1, 2], "b": ["x", "y"]}
    planned(one(id="c", user="{{ a }}{{ b }}", grid=grid, vars={"v": {"z": 1, "y": 2}}))

    first = probe(folder / "s.yaml", PYTHONHASHSEED="1", TZ="UTC")
    second = probe(
        folder / "s.yaml",
        PYTHONHASHSEED="2",
        TZ="Asia/Tokyo",
        DASHSCOPE_REGION="cn-beijing",
    )

    assert first == second


@pytest.mark.parametrize(
    ("question", "needed"), [("Who is {{ name }}?", False), ("Who is {{ name | upper }}?", True)]
)
def test_jinja_is_loaded_only_where_a_template_needs_it(
    planned: Planned, folder: Path, question: str, *, needed: bool
) -> None:
    planned(one(user=question, vars={"name": "Ada"}))

    assert probe(folder / "s.yaml")[1] == str(needed)


# Texts and documents


def test_texts_come_from_files_and_templates_without_their_last_line_break(
    planned: Planned,
) -> None:
    found = planned(
        one(system={"file": "literal.txt"}, user={"template": "made.txt"}, vars={"name": "Ada"}),
        literal_txt="{{ name }} stays.\n\n",
        made_txt="Hello, {{ name }}!\r\n",
    )

    assert [m.content for m in found.groups[0].request(0).messages] == [
        "{{ name }} stays.\n",
        "Hello, Ada!",
    ]


def test_documents_are_there_for_templates_and_for_scorers(planned: Planned) -> None:
    context = ["Plain.", {"file": "*.txt"}, {"text": "{{ a }}", "title": "hours"}]

    found = planned(
        one(
            context=context,
            vars={"a": 9},
            user="{% for d in context %}{{ d.index }}:{{ d.title }}:{{ d.text }} {% endfor %}",
        ),
        b_txt="B\n",
        a_txt="A",
    )
    group = found.groups[0]

    assert group.request(0).user == "1:null:Plain. 2:a:A 3:b:B 4:hours:9 "
    assert [document["text"] for document in group.context] == ["Plain.", "A", "B", "9"]


def test_a_scripted_conversation_brings_its_own_system_message(planned: Planned) -> None:
    messages = [
        {"role": "system", "content": "Mine."},
        {"role": "user", "content": "A"},
        {"role": "assistant", "content": "B"},
        {"role": "user", "content": ["C", {"text": "D"}]},
    ]

    found = planned(
        {**BASE, "system": "Ours.", "cases": [{"messages": messages, "checks": ["is_json"]}]}
    )
    request = found.groups[0].request(0)

    assert [(m.role, m.text) for m in request.messages] == [
        ("system", "Mine."),
        ("user", "A"),
        ("assistant", "B"),
        ("user", "CD"),
    ]
    assert found.groups[0].case.id == "c-d"


def test_the_schema_of_the_answer_is_read_once_for_request_and_check(planned: Planned) -> None:
    schema = {"type": "object", "required": ["n"]}

    found = planned(
        one(response_format={"schema": "n.json"}, checks=["json_schema"]), n_json=json.dumps(schema)
    )
    group = found.groups[0]

    assert group.request(0).response_format == {"schema": schema, "name": "answer", "strict": True}
    assert group.checks[0].scorer.schema == schema


def test_a_check_keeps_the_type_of_its_value(planned: Planned) -> None:
    checks = [
        {"equals_number": "{{ a + b }}"},
        {"contains_any": "{{ names }}"},
        {"contains": "{{ a }}"},
        {"any": [{"contains": "{{ names[0] }}"}]},
    ]

    found = planned(one(vars={"a": 1, "b": 2, "names": ["x", "y"]}, checks=checks))

    assert [check.label for check in found.groups[0].checks] == [
        "equals_number 3",
        'contains_any ["x", "y"]',
        "contains 1",
        "any (contains 'x')",
    ]


def test_schemas_and_names_of_functions_are_no_templates(planned: Planned) -> None:
    schema = {"type": "string", "pattern": "^{{x}}$"}

    found = planned(one(checks=[{"json_schema": schema}]))

    assert found.groups[0].checks[0].scorer.schema == schema


def test_a_case_that_is_skipped_is_planned(planned: Planned) -> None:
    found = planned(one(skip="not yet"))

    assert found.groups[0].case.skip == "not yet"
