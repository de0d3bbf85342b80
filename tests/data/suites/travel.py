from typing import Any

from qeval.suite import Case, Check, Suite


def parameters(*names: str, required: str) -> dict[str, Any]:
    properties = {name: {"type": "string"} for name in names}
    return {"type": "object", "properties": properties, "required": required.split()}


suite = Suite(
    targets=["qwen-plus"],
    tools={
        "find_flights": {
            "description": "Lists flights between two cities.",
            "parameters": parameters("from", "to", required="from to"),
            "result": [{"id": "LH1", "price": 90}, {"id": "AF2", "price": 75}],
        },
        "book": {
            "description": "Books a flight.",
            "parameters": parameters("id", required="id"),
            "result": {"state": "booked", "id": "{{ arguments.id }}"},
        },
    },
    cases=[
        Case(
            user="Book the cheapest flight from Rome to Paris.",
            checks=[
                Check(calls=["find_flights", {"book": {"id": "AF2"}}]),
                Check(contains="AF2"),
                Check(max_total_tokens=3000),
            ],
        ),
        Case(
            id="sold-out",
            user="Book the cheapest flight from Rome to Paris.",
            results={"find_flights": []},
            checks=[Check(not_calls="book"), Check(matches="(?i)no flight|none")],
        ),
        Case(
            id="asks-before-booking",
            turns=[
                {"user": "I want to go from Rome to Paris.", "checks": [Check(not_calls="book")]},
                {"user": "The cheaper one, please."},
            ],
            checks=[Check(calls={"book": {"id": "AF2"}})],
        ),
    ],
)
