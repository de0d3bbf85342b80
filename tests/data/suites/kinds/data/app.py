from typing import Any


def answer(request: Any) -> str:
    return f"Ada hears {request.user!r}"
