from qeval.suite import Case, Check, Suite

suite = Suite(
    targets=["qwen-plus", "qwen3-max"],
    scenarios=["factual_qa"],
    system="Answer in one short sentence.",
    checks=[Check(max_output_tokens=80)],
    cases=[
        Case(
            user="What is the capital of France?",
            checks=[Check(contains="Paris"), Check(not_contains="Lyon")],
        ),
        Case(user="In which year did the Berlin Wall fall?", checks=[Check(contains="1989")]),
        Case(
            user="Is Pluto a planet? Answer yes or no.",
            passes="4/5",
            checks=[Check(one_of=["no"], ignore_case=True, extract={"regex": r"^\W*(\w+)"})],
        ),
        Case(
            id="sum",
            grid={"a": [17, 3], "b": [25, 4]},
            user="What is {{ a }} + {{ b }}?",
            checks=[Check(equals_number="{{ a + b }}")],
        ),
    ],
)
