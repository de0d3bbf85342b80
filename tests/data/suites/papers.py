from qeval.suite import Case, Check, Scenario, Suite

suite = Suite(
    targets=["qwen-plus"],
    scenarios={
        "strict": Scenario(preset="factual_qa", vars={"rule": "Answer from these papers only."}),
        "kind": Scenario(
            preset="factual_qa",
            vars={"rule": "Help as well as you can, from these papers."},
        ),
    },
    system=(
        '{{ rule }} Name the paper in [brackets], or say "not in the papers".\n'
        "{% for d in context %}\n"
        "[{{ d.title }}] {{ d.text }}\n"
        "{% endfor %}\n"
    ),
    context=[
        {"file": "docs/returns.md"},
        {"title": "hours", "text": "Open Monday to Friday, 9 to 17."},
    ],
    cases=[
        Case(
            user="How long can I return a lamp?",
            checks=[
                Check(contains="30 days"),
                Check(contains="[returns]"),
                Check(not_contains="[hours]", severity="warn"),
            ],
        ),
        Case(
            user="Do you ship to the Moon?",
            checks=[Check(contains="not in the papers", ignore_case=True)],
        ),
    ],
)
