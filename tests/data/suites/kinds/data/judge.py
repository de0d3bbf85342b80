from typing import Any


def defines_area(value: Any, _evidence: Any) -> bool:
    return "def area" in str(value)
