import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from qeval.loading.texts import wrong_id
from qeval.plan import Plan, PlannedGroup

Planned = Callable[..., Plan]
Told = Callable[..., tuple[str, ...]]

CHECK = "checks: [is_json]"


def ids(plan: Plan) -> list[str]:
    return list(dict.fromkeys(group.case.id for group in plan.groups))


def asked(group: PlannedGroup) -> list[tuple[str, str]]:
    return [(message.role, message.text) for message in group.case.messages]


def labels(group: PlannedGroup) -> list[str]:
    return [check.label for check in group.checks]


# Ids


@pytest.mark.parametrize(
    ("case", "expected"),
    [
        pytest.param("user: Hi there", ["hi-there"], id="automatic"),
        pytest.param("{id: Greets.1, user: Hi}", ["Greets.1"], id="literal"),
        pytest.param(
            "{id: sum, grid: {a: [17, 3], b: [25, 4]}, user: '{{ a }}+{{ b }}'}",
            ["sum-17-25", "sum-17-4", "sum-3-25", "sum-3-4"],
            id="grid-first-key-slowest",
        ),
        pytest.param(
            "{grid: {a: [1, -1]}, user: 'Say {{ a }}'}", ["say-a-1", "say-a--1"], id="signs-differ"
        ),
        pytest.param(
            "{id: r, rows: [{q: New York}, {q: x}], user: '{{ q }}'}", ["r-new-york", "r-x"], id="rows"
        ),
        pytest.param(
            "{id: r, rows: [{q: a}], grid: {to: [German, French]}, user: '{{ q }}{{ to }}'}",
            ["r-a-german", "r-a-french"],
            id="rows-and-grid",
        ),
        pytest.param(
            "{id: 'q-{{ row_number }}', rows: data/q.jsonl, user: '{{ q }}'}",
            ["q-1", "q-2"],
            id="row-number",
        ),
        pytest.param(
            "{id: 'Q {{ row.q }}!', rows: data/q.jsonl, user: '{{ q }}'}",
            ["q-why", "q-who"],
            id="template",
        ),
        pytest.param(
            "{id: f, rows: data/q.jsonl, user: '{{ q }}'}",
            ["f-5eac15f4", "f-6ff86ad2"],
            id="digest-of-file-rows",
        ),
        pytest.param(
            "{id: g, rows: data/q.jsonl, grid: {to: [x]}, user: '{{ q }}{{ to }}'}",
            ["g-5eac15f4-x", "g-6ff86ad2-x"],
            id="digest-and-grid",
        ),
    ],
)  # fmt: skip
def test_ids(planned: Planned, case: str, expected: list[str]) -> None:
    rows = '{"q": "Why?"}\n{"q": "Who?"}\n'
    text = f"  - {case}" if not case.startswith("{") else f"  - {case[:-1]}, {CHECK}}}"
    if not case.startswith("{"):
        text += f"\n    {CHECK}"

    assert ids(planned(text + "\n", files={"data/q.jsonl": rows})) == expected


def test_inserting_a_row_moves_no_id(planned: Planned) -> None:
    case = "  - {id: f, rows: data/q.jsonl, user: '{{ q }}', checks: [is_json]}\n"
    before = ids(planned(case, files={"data/q.jsonl": '{"q":"a"}\n{"q":"b"}\n'}))

    after = ids(planned(case, files={"data/q.jsonl": '{"q":"new"}\n{"q":"a"}\n{"q":"b"}\n'}))

    assert after[1:] == before


@pytest.mark.parametrize(
    ("cases", "mistake"),
    [
        pytest.param(
            "  - {user: Hi!, checks: [is_json]}\n  - {user: hi, checks: [is_json]}\n",
            "suites/s.yaml:4: case id 'hi' is that of suites/s.yaml:3 and of suites/s.yaml:4",
            id="automatic",
        ),
        pytest.param(
            "  - {id: '{{ q }}', rows: data/q.jsonl, user: '{{ q }}', checks: [is_json]}\n",
            "suites/s.yaml:3: case id 'a-b' is that of "
            "suites/data/q.jsonl:1 and of suites/data/q.jsonl:2",
            id="rows",
        ),
        pytest.param(
            "  - {id: A-B, user: x, checks: [is_json]}\n"
            "  - {id: '{{ q }}', rows: [{q: a/b}], user: '{{ q }}', checks: [is_json]}\n",
            "suites/s.yaml:4: case id 'a-b' is that of suites/s.yaml:3 and of suites/s.yaml:4",
            id="literal-and-rendered-with-case-ignored",
        ),
        pytest.param(
            "  - {id: '{{ q }}', rows: [{q: '?'}], user: '{{ q }}', checks: [is_json]}\n",
            "suites/s.yaml:3: id: '?' leaves nothing of which to make an id",
            id="nothing-left",
        ),
    ],
)  # fmt: skip
def test_ids_that_collide_name_both(told: Told, cases: str, mistake: str) -> None:
    assert told(cases, files={"data/q.jsonl": '{"q":"a/b"}\n{"q":"A b"}\n'}) == (mistake,)


@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(texts=st.lists(st.text(min_size=1, max_size=30), min_size=1, max_size=6, unique=True))
def test_ids_of_rows_are_unique_and_valid_whatever_the_text(
    planned: Planned, texts: list[str]
) -> None:
    rows = "".join(json.dumps({"q": text}) + "\n" for text in texts)

    plan = planned(
        "  - {id: r, rows: data/q.jsonl, user: 'Q: {{ q }}.', checks: [contains: '{{ q }}']}\n",
        files={"data/q.jsonl": rows},
    )

    assert len({name.lower() for name in ids(plan)}) == len(texts)
    assert not any(wrong_id(name) for name in ids(plan))
    assert [group.case.messages[0].text for group in plan.groups] == [f"Q: {t}." for t in texts]


# Texts


@pytest.mark.parametrize(
    ("case", "expected"),
    [
        pytest.param("user: Hi", [("system", "Be brief."), ("user", "Hi")], id="inherited"),
        pytest.param("{user: Hi, system: Be long.}", [("system", "Be long."), ("user", "Hi")], id="own"),
        pytest.param("{user: Hi, system: null}", [("user", "Hi")], id="none"),
        pytest.param(
            "{user: {file: a.txt}}", [("system", "Be brief."), ("user", "{{ x }}\n")], id="file"
        ),
        pytest.param(
            "{user: {template: a.txt}, vars: {x: 1}}", [("system", "Be brief."), ("user", "1\n")], id="template"
        ),
        pytest.param(
            "{user: {file: '{{ x }}.txt'}, vars: {x: a}}",
            [("system", "Be brief."), ("user", "{{ x }}\n")],
            id="path-from-a-template",
        ),
        pytest.param(
            "{user: [One, {text: Two}], system: null}", [("user", "OneTwo")], id="parts"
        ),
        pytest.param(
            "{messages: [{role: system, content: S}, {role: user, content: A}, "
            "{role: assistant, content: B}, {role: user, content: '{{ 1 + 1 }}'}]}",
            [("system", "S"), ("user", "A"), ("assistant", "B"), ("user", "2")],
            id="messages",
        ),
        pytest.param('{user: "a\\r\\n", system: "é\\n\\n"}', [("system", "é\n"), ("user", "a")], id="line-breaks"),
    ],
)  # fmt: skip
def test_messages(planned: Planned, case: str, expected: list[tuple[str, str]]) -> None:
    text = case if case.startswith("{") else f"{{{case}}}"
    plan = planned(
        f"  - {text[:-1]}, id: c, {CHECK}}}\n",
        head="system: Be brief.\n",
        files={"a.txt": "{{ x }}\n\n"},
    )

    assert asked(plan.groups[0]) == expected


def test_texts_are_sent_as_written_and_not_normalised(planned: Planned) -> None:
    decomposed = "e\u0301"

    plan = planned(f"  - {{id: c, user: '{decomposed}', {CHECK}}}\n")

    assert plan.groups[0].case.messages[0].text == decomposed


def test_documents_are_seen_by_templates_and_scorers(planned: Planned) -> None:
    plan = planned(
        "  - id: c\n"
        "    user: How long?\n"
        "    system: |\n"
        "      Papers:\n"
        "      {% for d in context %}\n"
        "      [{{ d.title }}] {{ d.index }} {{ d.text }}\n"
        "      {% endfor %}\n"
        "    context: [{file: 'docs/*.md'}, {title: hours, text: 'Nine to {{ end }}.'}]\n"
        "    vars: {end: 17}\n"
        f"    {CHECK}\n",
        files={"docs/b.md": "B {{ x }}\n", "docs/a.md": "A\n"},
    )

    assert asked(plan.groups[0])[0][1] == "Papers:\n[a] 1 A\n[b] 2 B {{ x }}\n[hours] 3 Nine to 17."
    assert plan.groups[0].context == (
        {"text": "A", "title": "a", "index": 1},
        {"text": "B {{ x }}", "title": "b", "index": 2},
        {"text": "Nine to 17.", "title": "hours", "index": 3},
    )


# Values


def test_inner_values_win(planned: Planned) -> None:
    plan = planned(
        "  - id: 'c-{{ row_number }}'\n"
        "    vars: {c: case, g: case, r: case}\n"
        "    grid: {g: [grid], r: [grid]}\n"
        "    rows: [{r: row}]\n"
        "    user: '{{ s }} {{ o }} {{ c }} {{ g }} {{ r }}'\n"
        f"    {CHECK}\n",
        head="vars: {s: suite, o: suite, c: suite, g: suite, r: suite}\n"
        "scenarios: {x: {vars: {o: scenario, c: scenario}}}\n",
    )

    group = plan.groups[0]
    assert asked(group)[0][1] == "suite scenario case grid row"
    assert group.vars == {"s": "suite", "o": "scenario", "c": "case", "g": "grid", "r": "row"}


def test_prompt_variants_are_scenarios(planned: Planned) -> None:
    plan = planned(
        f"  - {{user: Hi, {CHECK}}}\n  - {{user: Ho, system: null, {CHECK}}}\n",
        head="system: '{{ persona }}'\nscenarios: {a: {vars: {persona: A}}, b: {vars: {persona: B}}}\n",
    )

    assert [asked(g)[0][1] for g in plan.groups] == ["A", "B", "Ho", "Ho"]
    assert [g.per_scenario for g in plan.groups] == [True, True, False, False]
    digests = [g.case.digest for g in plan.groups]
    assert digests[0] != digests[1]
    assert digests[2] == digests[3]
    assert plan.groups[2].vars == {"persona": "A"}


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        ("{file: data/q.jsonl, where: n > 1}", ["2", "3", "4"]),
        ("{file: data/q.jsonl, where: 'n is odd', limit: 1}", ["1"]),
        ("{file: data/q.jsonl, where: n > least, limit: 2}", ["3", "4"]),
        ("{file: [data/q.jsonl, data/b.jsonl]}", ["1", "2", "3", "4", "9"]),
        ("{file: 'data/*.jsonl', limit: 2}", ["9", "1"]),
    ],
)
def test_rows_are_chosen(planned: Planned, rows: str, expected: list[str]) -> None:
    plan = planned(
        f"  - {{id: 'c-{{{{ n }}}}', vars: {{least: 2}}, rows: {rows}, user: '{{{{ n }}}}', {CHECK}}}\n",
        files={
            "data/q.jsonl": "".join(f'{{"n": {n}}}\n' for n in (1, 2, 3, 4)),
            "data/b.jsonl": '{"n": 9}\n',
        },
    )

    assert [group.case.messages[0].text for group in plan.groups] == expected


def test_tags_come_from_suite_case_and_columns(planned: Planned) -> None:
    plan = planned(
        "  - {id: 'c-{{ row_number }}', rows: [{t: x}, {t: y}], tags: ['{{ t }}', own], user: hi, "
        f"{CHECK}}}\n",
        head="tags: [all, own]\n",
    )

    assert [group.case.tags for group in plan.groups] == [("all", "own", "x"), ("all", "own", "y")]


# Checks


def test_checks_are_appended_and_dropped_by_name(planned: Planned) -> None:
    plan = planned(
        "  - {id: c, user: hi, without: [max_output_tokens, mine], checks: [contains: x]}\n",
        head="checks: [max_output_tokens: 80, {contains: y, name: mine}, is_json]\n",
    )

    assert labels(plan.groups[0]) == ["is_json", "contains 'x'"]


def test_templates_in_checks_keep_their_types(planned: Planned) -> None:
    plan = planned(
        "  - id: c\n    vars: {a: 17, words: [x, y]}\n    user: hi\n"
        "    checks: [equals_number: '{{ a + 1 }}', contains_any: '{{ words }}',"
        " any: [{contains: '{{ a }}'}, is_json]]\n"
    )

    assert labels(plan.groups[0])[:2] == ["equals_number 18", 'contains_any ["x", "y"]']


def test_the_schema_of_the_answer_reaches_its_check(planned: Planned) -> None:
    plan = planned(
        "  - {id: c, user: hi, checks: [json_schema]}\n",
        head="response_format: {schema: schemas/x.json}\n",
        files={"schemas/x.json": '{"type": "object"}'},
    )

    assert plan.groups[0].request(0).response_format == {
        "schema": {"type": "object"},
        "name": "answer",
        "strict": True,
    }


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("user: hi, checks: [contains: x]", "user: hi, checks: [{contains: x}], tags: [t]", True),
        ("user: hi, checks: [contains: x]", "user: hi, checks: [contains: y]", False),
        ("user: hi, checks: [contains: x]", "user: ho, checks: [contains: x]", False),
        ("user: hi, checks: [json_schema: a.json]", "user: hi, checks: [json_schema: b.json]", True),
        ("user: {file: a.txt}, checks: [is_json]", "user: hi, checks: [is_json]", True),
        ("user: JSON, checks: [is_json]", "user: JSON, checks: [is_json], response_format: json", False),
        ("user: hi, checks: [is_json]", "user: hi, checks: [is_json], system: s", False),
        ("user: hi, checks: [is_json]", "user: hi, checks: [is_json], params: {top_k: 1}", True),
    ],
)  # fmt: skip
def test_digests_cover_what_is_asked_and_expected(
    planned: Planned, one: str, other: str, *, same: bool
) -> None:
    files = {"a.json": "{}", "b.json": "{ }", "a.txt": "hi\n"}
    plan = planned(f"  - {{id: a, {one}}}\n  - {{id: b, {other}}}\n", files=files)

    first, second = (group.case.digest for group in plan.groups)
    assert (first == second) is same
    assert len(first) == 16


# Mistakes


@pytest.mark.parametrize(
    ("cases", "mistakes"),
    [
        pytest.param(
            "  - {user: 'A {{ qestion }}', rows: data/q.jsonl, checks: [is_json]}\n",
            ["suites/s.yaml:3: user: no variable 'qestion' (rows of suites/data/q.jsonl have question, answer, context)"],
            id="misspelt",
        ),
        pytest.param(
            "  - {user: 'A {{ context }}', rows: data/q.jsonl, checks: [is_json]}\n",
            ["suites/s.yaml:3: user: no variable 'context' (rows of suites/data/q.jsonl have question, answer, context)"],
            id="reserved-column",
        ),
        pytest.param(
            "  - {user: '{{ question }}', rows: data/q.jsonl, checks: [contains: '{{ answer }}']}\n",
            [
                "suites/s.yaml:3: suites/data/q.jsonl:2: no 'answer'",
                "suites/s.yaml:3: suites/data/q.jsonl:3: no 'answer'",
                "suites/s.yaml:3: suites/data/q.jsonl:4: no 'answer'; and 1 more row",
            ],
            id="rows-that-lack-a-variable",
        ),
        pytest.param(
            "  - {user: '{{ a / 0 }}', vars: {a: 1}, checks: [is_json]}\n",
            ["suites/s.yaml:3: user: zero division error: division by zero"],
            id="wrong-in-itself",
        ),
        pytest.param(
            "  - {user: hi, context: [text], checks: [is_json]}\n",
            ["suites/s.yaml:3: context is used by no message"],
            id="unused-context",
        ),
        pytest.param(
            "  - {user: {file: nosuch.txt}, checks: [is_json]}\n",
            ["suites/s.yaml:3: user: 'nosuch.txt' is not there"],
            id="no-such-file",
        ),
        pytest.param(
            "  - {user: {file: '{{ p }}'}, vars: {p: ../../x}, checks: [is_json]}\n",
            ["suites/s.yaml:3: user: '../../x' leads out of the project"],
            id="path-out-of-the-project",
        ),
        pytest.param(
            "  - {id: r, user: '{{ question }}', rows: data/nosuch.jsonl, checks: [is_json]}\n",
            ["suites/s.yaml:3: rows: 'data/nosuch.jsonl' is not there"],
            id="no-such-data",
        ),
        pytest.param(
            "  - {id: r, user: hi, rows: {file: data/q.jsonl, where: question == 1}, checks: [is_json]}\n",
            ["suites/s.yaml:3: rows: no row is left after `where`"],
            id="no-row-left",
        ),
        pytest.param(
            "  - {id: r, user: hi, rows: {file: data/q.jsonl, where: qestion}, checks: [is_json]}\n",
            ["suites/s.yaml:3: where: no variable 'qestion'"],
            id="where-of-unknown",
        ),
        pytest.param(
            "  - {id: c, user: hi, checks: [equals_number: '{{ a }}'], vars: {a: x}}\n",
            ["suites/s.yaml:3: equals_number: wants a number, got text: 'x'"],
            id="argument-of-another-type",
        ),
        pytest.param(
            "  - {id: c, user: hi, checks: [matches: '{{ a }}'], vars: {a: '('}}\n",
            ["suites/s.yaml:3: matches: '(' is no regular expression: missing ), unterminated subpattern at position 0"],
            id="argument-refused-by-the-scorer",
        ),
    ],
)  # fmt: skip
def test_mistakes_of_filling(told: Told, cases: str, mistakes: list[str]) -> None:
    rows = '{"question":"q","answer":"a","context":1}\n'
    rows += "".join(f'{{"question":"q{i}"}}\n' for i in range(4))

    assert list(told(cases, files={"data/q.jsonl": rows})) == mistakes


def test_a_variable_that_only_some_scenarios_set_is_a_mistake(told: Told) -> None:
    head = "system: '{{ persona }}'\nscenarios: {a: {vars: {persona: A}}, b: {temperature: 1}}\n"

    assert told(f"  - {{user: hi, {CHECK}}}\n", head=head) == (
        "suites/s.yaml:2: system: no variable 'persona' under scenario 'b'",
    )


def test_an_id_that_differs_by_scenario_is_a_mistake(told: Told) -> None:
    head = "scenarios: {a: {vars: {persona: A}}}\n"

    assert told(f"  - {{id: '{{{{ persona }}}}', user: hi, {CHECK}}}\n", head=head) == (
        "suites/s.yaml:4: id: 'persona' differs by scenario, which this may not",
    )


def test_a_template_of_the_suite_is_complained_of_once(told: Told) -> None:
    cases = f"  - {{user: a, {CHECK}}}\n  - {{user: b, {CHECK}}}\n"

    assert told(cases, head="system: '{{ persna }}'\nvars: {}\n") == (
        "suites/s.yaml:2: system: no variable 'persna' for the case on line 5",
    )


def test_a_context_that_one_case_leaves_unused_is_told_at_that_case(told: Told) -> None:
    head = "context: [a]\nsystem: '{{ context }}'\n"
    cases = f"  - {{user: a, {CHECK}}}\n  - {{user: b, system: x, {CHECK}}}\n"

    assert told(cases, head=head) == (
        "suites/s.yaml:6: the suite's context is used by no message of the case",
    )
    assert told(f"{cases}  - {{user: c, system: x, context: [], {CHECK}}}\n", head=head) == told(
        cases, head=head
    )


def test_a_file_that_is_no_template_is_named(told: Told) -> None:
    mistakes = told(
        f"  - {{user: {{template: t.txt}}, {CHECK}}}\n", files={"t.txt": "a {{ b | nosuch }}"}
    )

    assert mistakes == ("suites/s.yaml:3: user: t.txt: no filter 'nosuch'",)


def test_data_is_never_rendered(planned: Planned) -> None:
    evil: dict[str, Any] = {"q": "{{ 1/0 }}{% include 'x' %}", "a": "{{ ''.__class__ }}"}

    plan = planned(
        "  - {id: r, rows: data/q.jsonl, user: '{{ q }}', system: '{{ row.a ~ 1 }}', checks: [contains: '{{ a }}']}\n",
        files={"data/q.jsonl": json.dumps(evil)},
    )  # fmt: skip

    assert [text for _, text in asked(plan.groups[0])] == [evil["a"] + "1", evil["q"]]
