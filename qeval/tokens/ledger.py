"""The ledger of a request: its input tokens as they are predicted, item by item."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from qeval.exchange import Request, Response
from qeval.models import Model
from qeval.record import Ledger
from qeval.tokens.counters import Counter, counter
from qeval.tokens.media import Media
from qeval.tokens.own_template import OwnTemplate
from qeval.tokens.templates import (
    FAMILIES,
    Family,
    Setting,
    Tally,
    call_tokens,
    sums_of,
    write,
)

_DEFAULT = "chatml"
"""The family of a model of which none is known: most servers write ChatML or something as long."""


class Ledgers:
    """Counts requests of any number of models; what is loaded is loaded once.

    Args:
        root: Where paths of pictures, tokenizers and templates start.
    """

    def __init__(self, root: Path) -> None:
        self._root = root
        self._counters: dict[tuple[str | None, str | None], Counter] = {}
        """By vocabulary and tokenizer: models that share them share a counter."""
        self._own: dict[str | None, OwnTemplate] = {}
        self.warnings: dict[str, None] = {}
        """Why tokens of some requests are unknown, each once."""

    def load(self, asked: Iterable[Model | None]) -> None:
        """Load vocabularies and templates now: a thread does while the first answers are awaited.

        Args:
            asked: The models, or None for one of which nothing is known.

        Raises:
            UsageError: One of them cannot be used.
        """
        for model in asked:
            self._counter(model).count("")
            if model is not None and model.chat_template is not None:
                self._template(model)

    def tally(self, request: Request, model: Model | None) -> Tally:
        """Return the tokens of a request, item by item, as an estimate if need be.

        Raises:
            UsageError: A vocabulary or template cannot be used.
        """
        counting, media = self._counter(model), self._media(request, model)
        setting = setting_of(request, model)
        if model is not None and model.chat_template is not None:
            found = self._template(model).write(request, setting, counting, media)
        else:
            found = write(request, setting, counting, media)
        self.warnings.update(dict.fromkeys(found.warnings))
        return found

    def ledger(
        self, request: Request, model: Model | None, response: Response | None = None
    ) -> Ledger | None:
        """Return what a run file keeps of it, and of its answer; None instead of an estimate.

        A guess is a fifth of the truth away, so beside a bill it would look like text that the
        service added. It is for plans, before anything was asked.
        """
        if model is not None and model.chat_template is not None:
            sums = self.tally(request, model).sums()
        else:
            counting, media = self._counter(model), self._media(request, model)
            sums = sums_of(request, setting_of(request, model), counting, media)
            if sums.warnings:
                self.warnings.update(dict.fromkeys(sums.warnings))
        if sums.method == "estimate":
            return None
        return Ledger(
            method=sums.method,
            text=sums.text,
            markup=sums.markup,
            tools=sums.tools,
            media=sums.media,
            answer=None if response is None else self.answer(response, model),
            traits=traits(request, model),
        )

    def _media(self, request: Request, model: Model | None) -> Media:
        high = request.params.extra.get("vl_high_resolution_images") is True
        pixels = None if model is None else model.pixels_per_token
        return Media(pixels, self._root, high_resolution=high)

    def answer(self, response: Response, model: Model | None) -> int:
        """Return the tokens of an answer's text and calls, without its reasoning."""
        counting = self._counter(model)
        tokens = counting.count(response.text).tokens
        for call in response.tool_calls:
            tokens += call_tokens(call, family_of(model), counting)
        return tokens

    def _counter(self, model: Model | None) -> Counter:
        key = (None, None) if model is None else (model.vocabulary, model.tokenizer)
        found = self._counters.get(key)
        if found is None:
            found = self._counters[key] = counter(model, self._root)
        return found

    def _template(self, model: Model) -> OwnTemplate:
        found = self._own.get(model.chat_template)
        if found is None:
            found = self._own[model.chat_template] = OwnTemplate(self._root, model)
        return found


def family_of(model: Model | None) -> Family:
    """Return the template of a model; plain ChatML where none is known."""
    name = _DEFAULT if model is None else model.template or _DEFAULT
    return FAMILIES.get(name, FAMILIES[_DEFAULT])


def setting_of(request: Request, model: Model | None) -> Setting:
    """Return the template of a model and whether it thinks on this request."""
    return Setting(family=family_of(model), thinks=thinks(request, model))


def thinks(request: Request, model: Model | None) -> bool:
    """Return whether a model thinks on a request: as it says, else as the model does by default."""
    said = request.params.thinking
    if said is not None:
        return said is not False
    return bool(model is not None and model.thinking)


def traits(request: Request, model: Model | None) -> tuple[str, ...]:
    """Return what of a request makes the service add text of its own; see `Ledger.traits`."""
    form = request.response_format
    found = ["thinking"] if thinks(request, model) else []
    if request.tools:
        found.append("tools")
    if form == "json" or isinstance(form, dict):
        found.append("json" if form == "json" else "schema")
    if request.params.search:
        found.append("search")
    return tuple(found)
