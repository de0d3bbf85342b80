"""Checks of suites/wire/findings.yaml and answers.yaml: what an answer holds beside its text."""

from __future__ import annotations

from qeval.record import Evidence


def words(_text: str, evidence: Evidence) -> bool:
    """Return whether the words that OCR found are kept."""
    (part,) = evidence.response.extra["message"]["content"]
    return [word["text"] for word in part["ocr_result"]["words_info"]] == ["EXIT"]


def language(_text: str, evidence: Evidence) -> bool:
    """Return whether the language of a sound is kept."""
    (annotation,) = evidence.response.extra["message"]["annotations"]
    return bool(annotation["language"] == "en")


def source(_text: str, evidence: Evidence) -> bool:
    """Return whether the place that an answer cites is kept."""
    ((annotation,),) = [p["annotations"] for p in evidence.response.extra["message"]["content"]]
    return bool(annotation["title"] == "Almanac")


def likely(_text: str, evidence: Evidence) -> bool:
    """Return whether every token of the answer has a logprob and its alternatives."""
    tokens = evidence.response.extra["choice"]["logprobs"]["content"]
    good = all(one["logprob"] <= 0 and len(one["top_logprobs"]) == 2 for one in tokens)
    return good and "".join(one["token"] for one in tokens) == evidence.response.text
