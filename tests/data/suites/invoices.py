from qeval.suite import Case, Check, Suite

suite = Suite(
    targets=["qwen-plus"],
    params={"thinking": False},
    response_format={"schema": "schemas/invoice.json"},
    system="Extract the invoice as JSON.",
    checks=[Check("is_json"), Check("json_schema")],
    cases=[
        Case(
            id="acme",
            user="Invoice 007 from Acme: 2 bolts at 1.50, 1 nut at 0.25. Total 3.25.",
            checks=[
                Check(equals="007", extract={"json": "$.number"}),
                Check(equals_number=3.25, extract={"json": "$.total"}, tolerance=0.001),
                Check(
                    python="checks/invoice.py:adds_up",
                    extract="json",
                    name="sums are right",
                    weight=3,
                ),
            ],
        )
    ],
)
