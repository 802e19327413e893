"""What rules may look at: the facts of a deal, by the names that ``orders.yaml`` and ``dimensions.yaml`` use."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ml_connector.mapping.rules import wanted_properties

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from ml_connector.flows.orders.deal.snapshot import DealCompany, DealLine, DealSnapshot
    from ml_connector.mapping.rules import Rule

Facts = dict[str, str]


@dataclass(frozen=True, slots=True)
class Wanted:
    """Properties that rules look at beyond those every order needs."""

    deals: tuple[str, ...] = ()
    companies: tuple[str, ...] = ()
    lines: tuple[str, ...] = ()
    products: tuple[str, ...] = ()


NOTHING_MORE = Wanted()


def wanted_by(rules: Iterable[Rule], sources: Iterable[str] = ()) -> Wanted:
    """What must be read so that these rules can be asked, and that rows with these sources find what they send."""
    every, named = tuple(rules), tuple(sources)
    return Wanted(*(_wanted(every, named, head) for head in ("deal", "company", "line", "product")))


def _wanted(rules: tuple[Rule, ...], sources: tuple[str, ...], head: str) -> tuple[str, ...]:
    sent = (source.removeprefix(f"{head}.") for source in sources if source.startswith(f"{head}."))
    return tuple(dict.fromkeys((*wanted_properties(rules, head), *sent)))


def deal_facts(
    snapshot: DealSnapshot,
    company: DealCompany | None,
    *,
    legal_entity: str = "",
    customer: Mapping[str, str] | None = None,
) -> Facts:
    """The facts of a deal as far as they are known; ``customer`` are fields of the F&O customer."""
    facts = {"pipeline": snapshot.pipeline_label, "currency": snapshot.currency, "legal_entity": legal_entity}
    facts |= {f"deal.{name}": text for name, text in snapshot.properties.items()}
    if company is not None:
        facts |= {f"company.{name}": text for name, text in company.properties.items()}
        facts["company.name"] = company.name
    if snapshot.owner is not None:
        facts |= {
            "owner.email": snapshot.owner.email,
            "owner.name": snapshot.owner.name,
            "owner.team": next(iter(snapshot.owner.teams), ""),
        }
    return facts | {f"customer.{name}": text for name, text in (customer or {}).items()}


def line_facts(facts: Facts, line: DealLine) -> Facts:
    """The facts of one line, with those of its deal."""
    own = {f"line.{name}": text for name, text in line.properties.items()}
    own |= {f"product.{name}": text for name, text in line.product.items()}
    return facts | own | {"line.name": line.name, "line.hs_sku": line.sku}
