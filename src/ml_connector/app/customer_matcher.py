"""Is this company a customer already: compared with all of a legal entity, by the rules of ``match customers``."""

from __future__ import annotations

from collections import defaultdict
from contextlib import aclosing
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from ml_connector.app.mappings import record_mapping_as_it_is
from ml_connector.domain.kept import Kept
from ml_connector.domain.keys import split_key
from ml_connector.domain.matching.companies import company_pairs
from ml_connector.domain.matching.deciding import decide
from ml_connector.errors import ConfigurationError, MissingScopeError
from ml_connector.flows.customers import matching as customers
from ml_connector.flows.customers.flow import KEY_PROPERTY, NAME, OBJECT_TYPE
from ml_connector.flows.customers.flow import customers as customer_flow
from ml_connector.flows.customers.settings import CustomerSettings, MatchingSettings
from ml_connector.flows.orders.customer.match import Alike
from ml_connector.settings import section
from ml_connector.store import links, matches

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ml_connector.app.workplace import Workplace
    from ml_connector.domain.matching.companies import Company
    from ml_connector.domain.matching.deciding import Proposal
    from ml_connector.flows.orders.deal.snapshot import DealCompany
    from ml_connector.store.matches import MatchState

NOT_OFFERED = {"dynamics.unknown_entity", "dynamics.unknown_field"}
REJECTED: tuple[MatchState, ...] = ("rejected",)


@dataclass(slots=True)
class CustomerMatcher:
    """Customers by legal entity, read once while a pass lasts; a new one is read for by ``forget``."""

    place: Workplace
    _customers: Kept[str, dict[str, Company]] = field(default_factory=Kept)

    @property
    def tax_id(self) -> str:
        """The company property that holds the tax number."""
        return str(section(MatchingSettings, self.place.settings.matching, "matching").tax_id_property)

    async def alike(self, company: DealCompany, legal_entity: str) -> list[Alike]:
        """The customers of a legal entity that may be this company.

        One that a person has said no to is left out; one that is linked to another company is never certain.
        """
        known = await self._customers.get(legal_entity, lambda: self._read(legal_entity))
        one = await self._company(company)
        proposals = list(company_pairs(known.values(), [one]))
        rejected, elsewhere = await self._said_before([each.source for each in proposals], company.id)
        decided = decide(proposals, rejected=rejected)
        return [
            _alike(each, known[each.source], elsewhere.get(each.source, ""), certain=certain)
            for certain, found in ((True, decided.certain), (False, decided.doubtful))
            for each in found
        ]

    def forget(self, legal_entity: str) -> None:
        """A customer was created there."""
        self._customers.forget(legal_entity)

    async def _read(self, legal_entity: str) -> dict[str, Company]:
        """Every customer of a legal entity as the load would write it, in scope or not."""
        dynamics, hubspot = await self.place.dynamics(), await self.place.hubspot()
        emails = await self._emails_of_customers(legal_entity)
        flow = customer_flow(
            dynamics,
            hubspot,
            record_mapping_as_it_is(self.place, NAME),
            mapping_version=0,
            legal_entities=(legal_entity,),
            settings=section(CustomerSettings, self.place.settings.customers, "customers"),
            lanes=1,
        )
        found: dict[str, Company] = {}
        async with aclosing(flow.source.pages(None)) as pages:
            async for page in pages:
                for record in page.records:
                    found[record.key] = customers.customer(
                        record, flow.map, emails=emails.get(record.key, ()), tax_id=self.tax_id
                    )
        return found

    async def _emails_of_customers(self, legal_entity: str) -> dict[str, list[str]]:
        """The addresses of people by their customer's key; none where the environment does not offer them."""
        found: dict[str, list[str]] = defaultdict(list)
        try:
            async for row in customers.people(await self.place.dynamics(), [legal_entity]):
                if row["PrimaryEmailAddress"]:
                    found[customers.customer_of(row)].append(row["PrimaryEmailAddress"])
        except MissingScopeError:
            return {}
        except ConfigurationError as missing:
            if missing.code not in NOT_OFFERED:
                raise
        return found

    async def _company(self, company: DealCompany) -> Company:
        """The company with all that can be compared, read afresh; its keys are of other legal entities."""
        hubspot = await self.place.hubspot()
        names = (*customers.COMPANY_PROPERTIES, *([self.tax_id] if self.tax_id else []))
        record = await hubspot.get(OBJECT_TYPE, company.id, properties=names)
        held = record or {"id": company.id, "properties": {"name": company.name}}
        one = customers.company(
            held, key_property=KEY_PROPERTY, emails=await self._emails_of(company.id), tax_id=self.tax_id
        )
        return replace(one, id=company.id, key="")

    async def _emails_of(self, company_id: str) -> list[str]:
        """The addresses of a company's contacts; none where the token may not read contacts."""
        hubspot = await self.place.hubspot()
        try:
            linked = (await hubspot.associations(OBJECT_TYPE, "contacts", [company_id])).get(company_id, [])
            ids = [one.id for one in linked]
            found: dict[str, dict[str, Any]] = (
                await hubspot.read("contacts", ids, properties=customers.CONTACT_PROPERTIES) if ids else {}
            )
        except MissingScopeError:
            return []
        texts = [
            text
            for record in found.values()
            for name in ("email", "hs_additional_emails")
            for text in str(record["properties"].get(name) or "").split(";")
        ]
        return [text for text in texts if text]

    async def _said_before(
        self, keys: Sequence[str], company_id: str
    ) -> tuple[set[tuple[str, str]], dict[str, str]]:
        """Pairs that a person has rejected, and the other companies that customers are linked to."""
        cid = self.place.connection.connection_id
        rejected: set[tuple[str, str]] = set()
        async with self.place.store.read() as tx:
            heads = await links.heads(tx, cid, NAME, list(keys))
            for key in keys:
                pairs = await matches.of_source(tx, cid, NAME, key, REJECTED, self.place.vault)
                rejected |= {(key, pair.target_id) for pair in pairs}
        elsewhere = {key: head.target_id for key, head in heads.items() if head.target_id != company_id}
        return rejected, elsewhere


def _alike(proposal: Proposal, customer: Company, linked_to: str, *, certain: bool) -> Alike:
    further = (f"linked to company {linked_to}",) if linked_to else ()
    return Alike(
        account=split_key(proposal.source)[1],
        name=customer.name,
        certain=certain and not linked_to,
        rule=proposal.rule,
        score=proposal.score,
        reasons=(*proposal.reasons, *further),
    )
