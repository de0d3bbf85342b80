"""Streams of the native dialects, and what their frames share with whole answers."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from qeval.simulator.asked import Form, Said
from qeval.simulator.base import Frame, Quirks, cache_of, call_of, fragment, sse
from qeval.simulator.pieces import Delta
from qeval.value import Json


def content_of(text: str, *, listed: bool) -> Json:
    """Return a content: a text, or a list of parts, empty where there is no text."""
    if listed:
        return [{"text": text}] if text else []
    return text


def add_findings(message: dict[str, Json], said: Said, *, listed: bool) -> None:
    """Add to a message what was found beside the text."""
    if said.ocr is not None and listed:
        message["content"] = [*message["content"], {"ocr_result": said.ocr}]
    if said.annotations:
        message["annotations"] = list(said.annotations)


def usage_of(said: Said, tokens: int, thought: int, *, listed: bool) -> dict[str, Json]:
    """Return the tokens when so many were generated, so many of them for reasoning."""
    usage: dict[str, Json] = {
        "input_tokens": said.input_tokens,
        "output_tokens": tokens,
        "total_tokens": said.input_tokens + tokens,
        "prompt_tokens_details": cache_of(said),
    }
    if said.reasoning is not None:
        usage["output_tokens_details"] = {"reasoning_tokens": thought}
    if listed:
        media = {f"{medium}_tokens": count for medium, count in said.media.items()}
        text = said.input_tokens - sum(said.media.values())
        usage["input_tokens_details"] = {"text_tokens": text, **media}
        usage.setdefault("output_tokens_details", {})["text_tokens"] = tokens - thought
        usage.update(media)
    return usage


class NativeFrames:
    """The frames of one answer; each has the usage so far.

    Args:
        said: The answer.
        form: Whether each frame has all so far, and whether it has messages.
        quirks: How it departs from what is documented.
        listed: Whether contents are lists.
    """

    def __init__(self, said: Said, form: Form, quirks: Quirks, *, listed: bool) -> None:
        self._said = said
        self._form = form
        self._incremental = form.incremental and "cumulative" not in quirks
        self._quirks = quirks
        self._listed = listed
        self._grown = [Grown() for _ in said.all]
        self._number = self._tokens = self._thought = 0

    def write(self, deltas: Iterable[Delta]) -> Iterator[Frame]:
        """Return the frames."""
        unfinished = None if "null_json" in self._quirks else "null"
        for delta in deltas:
            self._count(delta)
            whole = self._grown[delta.choice]
            whole.add(delta)
            message = self._new(delta) if self._incremental else self._whole(delta.choice)
            data = self._frame(delta.choice, message, unfinished, delta.logprobs)
            yield Frame(data, says=True)
        self._tokens, self._thought = self._said.billed, self._said.thought
        for choice, one in enumerate(self._said.all):
            message = self._end() if self._incremental else self._whole(choice)
            add_findings(message, one, listed=self._listed)
            yield Frame(self._frame(choice, message, one.finish_reason))

    def _count(self, delta: Delta) -> None:
        self._tokens = min(self._tokens + delta.tokens, self._said.billed)
        if delta.kind == "reasoning":
            self._thought = min(self._thought + delta.tokens, self._said.thought)

    def _frame(
        self, choice: int, message: dict[str, Json], finish: str | None, logprobs: Json = None
    ) -> bytes:
        self._number += 1
        output: dict[str, Json] = {"text": message["content"], "finish_reason": finish}
        if not self._form.plain:
            made = {"message": {"role": "assistant", **message}, "finish_reason": finish}
            if logprobs is not None:
                made["logprobs"] = {"content": list(logprobs)}
            output = {"choices": [{"index": choice, **made} if self._said.others else made]}
        usage = usage_of(self._said, self._tokens, self._thought, listed=self._listed)
        body = {"output": output, "usage": usage, "request_id": self._said.identity}
        data = sse(self._number, "result", body)
        return data[:-1] if "no_blank_lines" in self._quirks else data

    def _new(self, delta: Delta) -> dict[str, Json]:
        message = self._end()
        if delta.kind == "text":
            message["content"] = content_of(delta.piece, listed=self._listed)
        elif delta.kind == "reasoning":
            message["reasoning_content"] = delta.piece
        else:
            one = self._said.all[delta.choice]
            message["tool_calls"] = [fragment(one, delta, self._quirks)]
        return message

    def _end(self) -> dict[str, Json]:
        """Return a message that brings nothing new."""
        message: dict[str, Json] = {"content": content_of("", listed=self._listed)}
        if self._said.reasoning is not None:
            message["reasoning_content"] = ""
        return message

    def _whole(self, choice: int) -> dict[str, Json]:
        grown, one = self._grown[choice], self._said.all[choice]
        message: dict[str, Json] = {"content": content_of(grown.text, listed=self._listed)}
        if one.reasoning is not None:
            message["reasoning_content"] = grown.reasoning
        if grown.calls:
            message["tool_calls"] = [
                call_of(one, number, arguments) for number, arguments in enumerate(grown.calls)
            ]
        return message


class Grown:
    """One answer as far as it has streamed, for frames that hold all of it."""

    def __init__(self) -> None:
        self.text = self.reasoning = ""
        self.calls: list[str] = []
        """Arguments so far."""

    def add(self, delta: Delta) -> None:
        """Take a piece."""
        if delta.kind == "text":
            self.text += delta.piece
        elif delta.kind == "reasoning":
            self.reasoning += delta.piece
        else:
            if delta.first:
                self.calls.append("")
            self.calls[delta.call] += delta.piece
