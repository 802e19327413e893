"""What a person chooses for one deal: read from ``field=value``, kept with its process, for this order only."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

from ml_connector.app.deals import find_process
from ml_connector.app.flows import order_flow
from ml_connector.domain.text import did_you_mean
from ml_connector.engine.decisions import choose
from ml_connector.errors import ConfigurationError
from ml_connector.flows.orders.draft.choices import FIELDS, KEPT, Choice

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ml_connector.app.workplace import Workplace

SHOWN = {"item.": "item.LINE", "dimension.": "dimension.NAME", "customer.": "customer.FIELD"}


def read_choices(words: Sequence[str], *, by: str, reason: str) -> list[Choice]:
    """Choices as a person wrote them.

    Raises:
        ConfigurationError: no reason, no value, or a field that nobody may choose.
    """
    if not reason.strip():
        raise ConfigurationError(
            "A choice needs its reason.", code="usage.because", hint="Add: --because 'why it is so'"
        )
    return [_choice(each, by=by, reason=reason.strip()) for each in words]


def _choice(text: str, *, by: str, reason: str) -> Choice:
    field, sign, value = text.partition("=")
    field, value = field.strip(), value.strip()
    if not sign or not value:
        raise ConfigurationError(
            f"'{text}' is not FIELD=VALUE.", code="usage.choice", hint="For example: --set account=US-001"
        )
    if not any(_names(known, field) for known in FIELDS):
        names = [SHOWN.get(known, known) for known in FIELDS]
        near = did_you_mean(field, [known for known in FIELDS if not known.endswith(".")])
        raise ConfigurationError(
            f"Nobody can choose '{field}'; these can be chosen: {', '.join(names)}.{near}",
            code="usage.choice",
        )
    return Choice(field, value, by, reason)


def _names(known: str, field: str) -> bool:
    """Whether a field is this one; a name that ends in a dot takes what it is for."""
    return field == known if not known.endswith(".") else field.startswith(known) and field != known


async def choose_for_deal(place: Workplace, deal_id: str, choices: Sequence[Choice]) -> None:
    """Keep the choices with the deal's process; it goes on from its draft.

    Raises:
        ConfigurationError: the deal is not known.
        ConnectorError: its order stands already, or may.
    """
    process = await find_process(place, deal_id)
    kept = [asdict(choice) for choice in choices]
    await choose(await order_flow(place), place.engine, process, KEPT, kept)
