"""`qeval tokens TEXT|SUITE`: what a prompt or a whole suite takes, before anything is sent."""

from __future__ import annotations

import argparse
import sys

from qeval.cli import choosing
from qeval.cli.terminal import give, give_json, say

TYPE_CHECKING = False  # `typing` itself is slow to import; checkers know the name
if TYPE_CHECKING:
    from typing import Any

    from qeval.exchange import Request
    from qeval.models import Model
    from qeval.session.forecast import Forecast, Share
    from qeval.tokens.templates import Item, Tally

_METHODS = {
    "exact": "exact: the model's own vocabulary, and a template that recorded bills agree with",
    "model": "model: by an older vocabulary of the same maker, or a template that no recorded "
    "bill has proven for such a request",
    "estimate": "estimate: a guess",
}


def add(command: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    command.description = (
        "Count a text as a model is billed for it (with --model), or forecast a suite. "
        "Nothing is sent."
    )
    command.add_argument("what", metavar="TEXT|SUITE", help="a text, - for stdin, or a suite file")
    command.add_argument(
        "--model", metavar="NAME", help="whose template and vocabulary to count by"
    )
    command.add_argument("--system", metavar="TEXT", help="a system message before the text")
    command.add_argument(
        "--thinking", metavar="ON|OFF|EFFORT", help="on, off, or a degree (default: the model's)"
    )
    for unit, what in (("rpm", "requests"), ("tpm", "tokens")):
        command.add_argument(
            f"--{unit}", type=choosing.positive, metavar="N", help=f"{what} a minute allowed"
        )
    choosing.add(command)
    command.add_argument(
        "--format", choices=("table", "markdown", "json"), default="table", help="what to print"
    )
    command.add_argument("--json", dest="format", action="store_const", const="json")


def execute(arguments: argparse.Namespace) -> int:
    """Count, and print the items."""
    if arguments.model is not None:
        return _text(arguments)
    from pathlib import Path

    if Path(arguments.what).suffix in {".yaml", ".yml", ".py"}:
        return _suite(arguments)
    from qeval.errors import UsageError

    raise UsageError(
        f"{arguments.what[:60]!r} is no suite file, and no model is named to count it as a text",
        hint="name one: qeval tokens TEXT --model qwen-plus",
    )


def _text(arguments: argparse.Namespace) -> int:
    from pathlib import Path

    from qeval import models
    from qeval.exchange import Message, Params, Request
    from qeval.loading.project import find_project
    from qeval.tokens.ledger import Ledgers

    project = find_project(Path.cwd())
    model = models.find(arguments.model, project.models)
    text = arguments.what
    if text == "-":
        text = sys.stdin.buffer.read().decode("utf-8", "replace")
    system = [] if arguments.system is None else [Message(role="system", content=arguments.system)]
    request = Request(
        model=arguments.model,
        messages=(*system, Message(role="user", content=text)),
        params=Params(thinking=_thinking(arguments.thinking)),
    )
    tally = Ledgers(project.root).tally(request, model)
    if arguments.format == "json":
        _print_json(_text_json(request, model, tally))
    else:
        _print_text(request, model, tally, arguments.format)
    _advise(tally.method, arguments.model)
    if _is_file(arguments.what):
        again = f"qeval tokens - --model {arguments.model} < {arguments.what}"
        _hint(f"its name was counted; for what the file {arguments.what!r} holds: {again}")
    return 0


def _is_file(what: str) -> bool:
    from pathlib import Path

    try:
        return Path(what).is_file()
    except (OSError, ValueError):  # a text too long for a name, or with a NUL
        return False


def _thinking(said: str | None) -> bool | str | None:
    from qeval.errors import UsageError
    from qeval.loading.keys import EFFORTS

    if said in {None, "on", "off"}:
        return None if said is None else said == "on"
    if said not in EFFORTS:
        raise UsageError(
            f"--thinking {said!r} is none of on, off, {', '.join(EFFORTS)}",
            hint="type --thinking on, or leave it out for the model's own way",
        )
    return said


def _print_text(request: Request, model: Model | None, tally: Tally, form: str) -> None:
    from qeval import units
    from qeval.report import text

    give(_head(request, model))
    give()
    rows: list[dict[str, Any]] = [
        {"tokens": units.count(item.tokens), "what": _what(item, request)} for item in tally.items
    ]
    rows.append({"tokens": units.count(tally.tokens), "what": "in all"})
    give(text.rows(rows, form, right=("tokens",)))
    give()
    words, total = units.count(tally.of("text")), units.count(tally.tokens)
    give(f"{words} for the text, {total} with the template.")
    last = tally.items[-1]
    if last.kind == "generation" and last.note.endswith(r"\n") and tally.tokens is not None:
        shown = tally.tokens - 1
        give(
            f"A page that prints this prompt without its last newline shows {units.count(shown)}: "
            "that newline is a token, and it is billed."
        )
    give(f"Counted by {_METHODS[tally.method]}.")


def _head(request: Request, model: Model | None) -> str:
    from qeval.tokens.ledger import thinks

    if model is None:
        return f"{request.model} · not in the table of models: counted as ChatML"
    template = model.chat_template or model.template or "chatml"
    said = request.params.thinking
    thinking = "on" if thinks(request, model) else "off"
    by = "" if said is not None else ", its default"
    return f"{request.model} · template {template} · thinking {thinking}{by}"


def _what(item: Item, request: Request) -> str:
    """Return what an item is, in words."""
    place = "" if item.message is None else f"message {item.message + 1}, {item.role}"
    if item.kind == "text" and item.message is not None:
        text = request.messages[item.message].text
        shown = " ".join(text[:80].split())
        return f"{place}, text: {shown[:40]}{'…' if len(shown) > 40 or len(text) > 80 else ''}"
    named = {"overhead": "markup", "generation": "opening of the answer"}.get(item.kind, item.kind)
    head = f"{place}, {named}" if place else named
    return f"{head}: {item.note}"


def _text_json(request: Request, model: Model | None, tally: Tally) -> dict[str, Any]:
    return {
        "model": request.model,
        "template": None if model is None else model.chat_template or model.template,
        "method": tally.method,
        "text_tokens": tally.of("text"),
        "tokens": tally.tokens,
        "items": [
            {"kind": i.kind, "tokens": i.tokens, "message": i.message, "note": i.note}
            for i in tally.items
        ],
        "warnings": list(tally.warnings),
    }


def _suite(arguments: argparse.Namespace) -> int:
    from contextlib import redirect_stdout

    from qeval.session import Options
    from qeval.session.forecast import Limits, forecast

    options = Options(mode="replay", selection=choosing.selection(arguments))
    with redirect_stdout(sys.stderr):  # what a suite's own code prints is talk, not data
        found = forecast(
            arguments.what, options, Limits(requests=arguments.rpm, tokens=arguments.tpm)
        )
    for warning in found.warnings:
        say(f"warning: {warning}")
    if arguments.format == "json":
        _print_json(_suite_json(found))
    else:
        _print_suite(found, arguments.format)
    if any(share.method == "estimate" for share in found.shares):
        _advise("estimate", None)
    return 0 if found.shares else 5


def _print_suite(found: Forecast, form: str) -> None:
    from qeval import units
    from qeval.report import text

    right = ("trials", "tokens in", "overhead", "out at most", "cost")
    give(text.rows([_share_row(share) for share in found.shares], form, right=right))
    give()
    give(f"{units.count(found.trials)} trials. {_money(found)}")
    if found.minutes is not None:
        open_ = any(share.most_output_tokens is None for share in found.shares)
        least = "at least " if open_ else "at most "
        give(f"At the limits given: {least}{units.seconds(found.minutes * 60)}.")
    for share in found.shares:
        if share.over:
            more = f" and {len(share.over) - 5} more" if len(share.over) > 5 else ""
            give(f"Too long for {share.target}: {', '.join(share.over[:5])}{more}")
    if found.residuals:
        give()
        give("Recorded bills beside the prediction:")
        for residual in found.residuals:
            mean = units.tokens(residual.mean_absolute)
            trials = units.count(residual.trials)
            give(f"  {residual.dialect}: {mean} tokens off a request, mean of {trials} trials")
        for kind, fit in found.learned:
            slope = f" and {units.percent(abs(fit.slope))} of the prompt" if fit.slope else ""
            give(f"  {kind}: constant {fit.constant:g}{slope}, {fit.n} trials")


def _share_row(share: Share) -> dict[str, str]:
    from qeval import units

    part = None
    if share.overhead_tokens is not None and share.input_tokens:
        part = share.overhead_tokens / share.input_tokens
    return {
        "target": share.target,
        "scenario": share.scenario,
        "trials": units.count(share.trials),
        "tokens in": units.count(share.input_tokens),
        "overhead": units.percent(part),
        "out at most": units.count(share.most_output_tokens),
        "cost": _range(share.least_cost, share.most_cost, share.currency),
        "counted": share.method,
    }


def _range(least: float | None, most: float | None, currency: str | None) -> str:
    from qeval import units

    if least is None:
        return units.UNKNOWN
    if most is None:
        return f"from {units.money(least, currency)}"
    return f"{units.money(least)} … {units.money(most, currency)}"


def _money(found: Forecast) -> str:
    """Say what the whole plan costs, by currency."""
    unpriced = sorted({share.target for share in found.shares if share.currency is None})
    if unpriced:
        return f"Cost unknown: no price of {', '.join(unpriced)} is given."
    totals: dict[str, list[Share]] = {}
    for share in found.shares:
        totals.setdefault(share.currency or "", []).append(share)
    parts = []
    for currency, shares in totals.items():
        least = [share.least_cost for share in shares]
        most = [share.most_cost for share in shares]
        parts.append(_range(_total(least), _total(most), currency))
    return f"Cost {' + '.join(parts)}: input alone … with all output that is allowed."


def _total(parts: list[float | None]) -> float | None:
    known = [part for part in parts if part is not None]
    return sum(known) if len(known) == len(parts) else None


def _suite_json(found: Forecast) -> dict[str, Any]:
    import msgspec

    document: dict[str, Any] = {
        "suite": found.suite,
        "trials": found.trials,
        "minutes": found.minutes,
        "shares": [msgspec.structs.asdict(share) for share in found.shares],
        "residuals": [msgspec.structs.asdict(residual) for residual in found.residuals],
        "learned": [
            {
                "model": kind.model,
                "dialect": kind.dialect,
                "traits": list(kind.traits),
                "constant_tokens": fit.constant,
                "slope": fit.slope,
                "trials": fit.n,
            }
            for kind, fit in found.learned
        ],
        "warnings": list(found.warnings),
    }
    return document


def _print_json(document: dict[str, Any]) -> None:

    give_json(document)


def _advise(method: str, model: str | None) -> None:
    """Say on stderr what would make a count better."""
    from qeval.tokens import vocabulary

    if vocabulary.shared() is None:
        _hint(vocabulary.INSTALL_HINT)
    elif method == "estimate" and model is not None:
        _hint(f'give its tokenizer.json: [tool.qeval.models."{model}"] tokenizer = …')


def _hint(text: str) -> None:

    say(f"\nhint: {text}")
