"""Steps gather and legal entity: who buys, and which legal entity sells."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ml_connector.domain.keys import split_key
from ml_connector.errors import RecordError
from ml_connector.flows.orders.draft.resolved import Found

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from ml_connector.flows.orders.deal.snapshot import DealCompany, DealSnapshot
    from ml_connector.flows.orders.draft.choices import Choices
    from ml_connector.flows.orders.settings import OrderSettings
    from ml_connector.mapping.rules import RuleBook


def resolve_company(snapshot: DealSnapshot) -> DealCompany:
    """The company that buys: the primary one, else the only one."""
    if not snapshot.companies:
        raise RecordError(
            f"{snapshot.subject} has no company. Add the buying company to the deal.", code="order.no_company"
        )
    first = snapshot.companies[0]
    if first.primary or len(snapshot.companies) == 1:
        return first
    names = ", ".join(company.name for company in snapshot.companies)
    raise RecordError(
        f"{snapshot.subject} has several companies and none is primary: {names}. Make the buying one primary.",
        code="order.company_unclear",
    )


def resolve_legal_entity(
    snapshot: DealSnapshot,
    company: DealCompany,
    *,
    legal_entities: Sequence[str],
    rules: RuleBook,
    facts: Mapping[str, str],
    choices: Choices,
    settings: OrderSettings,
) -> Found:
    """The legal entity that sells: as chosen, as the deal says, the company's own, by rule, else the default."""
    chosen = choices.get("legal_entity")
    if chosen is not None:
        return Found(chosen.value.lower(), chosen.rule)
    opens = choices.get("open_account")
    if opens is not None:
        return Found(opens.value.lower(), f"an account is opened there, {opens.rule}")
    of_company = sorted({split_key(key)[0] for key in company.customer_keys})
    if snapshot.legal_entity:
        _require_fitting(snapshot, company, of_company, legal_entities)
        return Found(snapshot.legal_entity, "the deal's property d365_legal_entity")
    if len(of_company) == 1:
        return Found(of_company[0], "the legal entity of the company's account")
    ruled = rules.ask("legal_entity", facts)
    if ruled is not None:
        return Found(ruled.value.lower(), ruled.rule)
    if settings.default_legal_entity:
        return Found(settings.default_legal_entity.lower(), "the default legal entity")
    if not of_company:
        raise RecordError(
            f"{snapshot.subject}: {company.name} is not linked to a customer in Dynamics.",
            code="order.company_not_linked",
        )
    raise RecordError(
        f"{snapshot.subject}: {company.name} has accounts in {', '.join(of_company)}. Say on the deal which legal "
        "entity sells (d365_legal_entity).",
        code="order.legal_entity_unclear",
    )


def _require_fitting(
    snapshot: DealSnapshot, company: DealCompany, of_company: Sequence[str], legal_entities: Sequence[str]
) -> None:
    """The legal entity that the deal names is connected, and the company has no accounts only elsewhere."""
    if snapshot.legal_entity not in legal_entities:
        raise RecordError(
            f"{snapshot.subject} names the legal entity '{snapshot.legal_entity}', which is not connected. "
            f"Connected are: {', '.join(legal_entities)}.",
            code="order.legal_entity_unknown",
        )
    if of_company and snapshot.legal_entity not in of_company:
        raise RecordError(
            f"{snapshot.subject} names the legal entity '{snapshot.legal_entity}', and {company.name} has "
            f"accounts only in {', '.join(of_company)}.",
            code="order.legal_entity_conflict",
        )
