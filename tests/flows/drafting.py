"""Drafts of deals without placing them: a table of situations, each ending in what would be sent or in why not."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ml_connector.app.flows import order_flow
from ml_connector.errors import RecordError
from ml_connector.flows import orders
from ml_connector.flows.orders.draft.choices import Choice, Choices
from ml_connector.flows.orders.set_up import SetUp
from ml_connector.mapping.apply import compile_mapping
from ml_connector.mapping.load import load_mapping

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from tests.flows.office import Office
    from tests.flows.selling import sold

    from ml_connector.flows.orders.deal.snapshot import DealSnapshot
    from ml_connector.flows.orders.draft.order_draft import DraftField, OrderDraft
    from ml_connector.flows.orders.flow import OrderFlow
else:
    from selling import sold  # pytest puts this folder on the path

SHIPPED = Path(orders.__file__).with_name("mapping.yaml").read_text(encoding="utf-8")
Line = tuple[str, dict[str, Any]]


@dataclass(frozen=True)
class Situation:
    """A deal and what is special about it; ``lines`` are SKUs with their other properties."""

    what: str
    lines: Sequence[Line]
    deal: Mapping[str, str] = field(default_factory=dict)
    rules: str = ""  # YAML under the key rules of orders.yaml
    tables: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    settings: Mapping[str, Any] = field(default_factory=dict)
    flow: Mapping[str, Any] = field(default_factory=dict)  # other parts of the flow
    seen: Callable[[DealSnapshot], DealSnapshot] = lambda snapshot: snapshot  # what HubSpot answered instead
    choose: Callable[[list[str]], Mapping[str, str]] = lambda _lines: {}  # of the ids of the deal's lines


@dataclass(frozen=True)
class Outcome:
    """How it ended: with a draft, or parked."""

    draft: OrderDraft | None
    error: RecordError | None

    @property
    def cause(self) -> str:
        assert self.error is not None, self.draft
        return self.error.code

    @property
    def message(self) -> str:
        assert self.error is not None, self.draft
        return self.error.message

    def header(self, *names: str) -> tuple[Any, ...]:
        """Fields of the header, None where one is not sent."""
        return _picked(self._draft.header, names)

    def lines(self, *names: str) -> list[tuple[Any, ...]]:
        """The same of each line."""
        return [_picked(line.fields, names) for line in self._draft.lines]

    def rule(self, name: str) -> str:
        """The rule behind a field of the header, else of the first line that has it."""
        every = (self._draft.header, *(line.fields for line in self._draft.lines))
        return next(found.rule for fields in every for found in fields if found.name == name)

    @property
    def notes(self) -> tuple[str, ...]:
        return self._draft.notes

    @property
    def _draft(self) -> OrderDraft:
        assert self.error is None, self.error.message
        assert self.draft is not None
        return self.draft


def _picked(fields: Sequence[DraftField], names: Sequence[str]) -> tuple[Any, ...]:
    values = {each.name: each.value for each in fields}
    return tuple(values.get(name) for name in names)


async def drafted(shop: Office, situation: Situation) -> Outcome:
    """Make the deal, win it, and draft its order; nothing is written to F&O."""
    deal = await sold(shop, *situation.lines, win=True, **situation.deal)
    return await drafted_again(shop, deal, situation)


async def drafted_again(shop: Office, deal: str, situation: Situation) -> Outcome:
    """Draft a deal that is there already."""
    flow = await _flow(shop, situation)
    snapshot = situation.seen((await flow.gather(deal))[0])
    chosen = situation.choose([line.id for line in snapshot.lines])
    made = tuple(Choice(name, value, by="Kim", reason="asked the buyer") for name, value in chosen.items())
    try:
        return Outcome(await flow.draft(snapshot, Choices(made)), None)
    except RecordError as error:
        return Outcome(None, error)


async def _flow(shop: Office, situation: Situation) -> OrderFlow:
    flow = await order_flow(shop.at, looking=True)
    changed: dict[str, Any] = {"set_up": SetUp(flow.dynamics), **situation.flow}
    changed["settings"] = flow.settings.model_copy(update=dict(situation.settings))
    if situation.rules:
        document = load_mapping(with_rules(SHIPPED, situation.rules), flow="orders", file_name="orders.yaml")
        changed["mapping"] = compile_mapping(document, lookups=situation.tables)
    return replace(flow, **changed)


def with_rules(text: str, rules: str) -> str:
    """``orders.yaml`` with further rules: they stand last in the shipped file."""
    head, key, shipped = text.rpartition("\nrules:\n")
    assert key, "the shipped orders.yaml ends with its rules"
    return f"{head}{key}{shipped.rstrip()}\n{rules}\n"
