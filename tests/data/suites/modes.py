from qeval.suite import Case, Check, Scenario, Suite, Target

MODEL = "qwen3.6-plus"
suite = Suite(
    targets={
        "chat": Target(model=MODEL),
        "responses": Target(model=MODEL, dialect="responses"),
        "multimodal": Target(model=MODEL, dialect="dashscope-multimodal"),
    },
    scenarios={
        "modes": Scenario(
            grid={"thinking": [False, True, 500], "stream": [False, True]},
            targets=["chat", "multimodal"],
        ),
        "plain": Scenario(thinking=False),
        "story": Scenario(
            preset="creative_writing",
            thinking=False,
            trials=8,
            seed="each",
            sweep={"temperature": [0, 0.7, 1.5]},
            targets=["chat"],
        ),
    },
    cases=[
        Case(
            user=(
                "A bat and a ball cost 1.10, the bat 1 more than the ball. What does the ball cost?"
            ),
            scenarios=["modes"],
            checks=[Check(equals_number=0.05)],
        ),
        Case(
            id="chart",
            scenarios=["plain"],
            user=[{"image": "pics/chart.png", "max_pixels": 1048576}, "Which month sold most?"],
            checks=[Check(contains="May")],
        ),
        Case(
            id="sunbeam",
            scenarios=["story"],
            user="A story of three sentences about a cat and a sunbeam.",
            checks=[Check(length={"min_words": 20, "max_words": 90})],
        ),
        Case(
            id="prefix",
            scenarios=["plain"],
            targets=["chat"],
            user="Complete the function. Code only.",
            partial="def area(r):",
            checks=[
                Check(not_starts_with="def area"),
                Check(python="checks/code.py:runs", of="completed"),
            ],
        ),
    ],
)
