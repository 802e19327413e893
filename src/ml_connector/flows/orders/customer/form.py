"""The form of a customer that does not exist yet: every field with its rule, and what a person must still say.

Nothing is guessed: what no row and no rule gives is left to F&O, and where F&O demands it, it is left open.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from ml_connector.domain.money import parse_decimal
from ml_connector.domain.text import did_you_mean, fold
from ml_connector.flows.orders.customer.reference_data import LISTED, fitting
from ml_connector.flows.orders.deal.facts import deal_facts
from ml_connector.flows.orders.draft.resolved import FormField
from ml_connector.mapping.documents import RULE_SOURCE
from ml_connector.mapping.model import Number
from ml_connector.mapping.places import country_of, state_code

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from ml_connector.flows.orders.customer.reference_data import ReferenceData
    from ml_connector.flows.orders.deal.snapshot import DealCompany, DealSnapshot
    from ml_connector.flows.orders.draft.choices import Choices
    from ml_connector.flows.orders.draft.resolved import Found
    from ml_connector.mapping.apply import CompiledOrderMapping
    from ml_connector.mapping.model import FieldRow

NAME, GROUP, CURRENCY = REQUIRED = ("OrganizationName", "CustomerGroupId", "SalesCurrencyCode")
COUNTRY, STATE, ACCOUNT, PARTY = "AddressCountryRegionId", "AddressState", "CustomerAccount", "PartyNumber"
ADDRESS = ("AddressStreet", "AddressZipCode", "AddressCity", STATE)
# What rows under customer may read beside the facts: properties of company., deal. and owner., pipeline, currency.
COUNTRY_SOURCE, STATE_SOURCE = "customer.country", "customer.state"
SOURCES = (COUNTRY_SOURCE, STATE_SOURCE, "contact.email", "deal.currency", "legal_entity")
UNRULED = "no rule fits"
Sources = dict[str, tuple[Any, str]]  # source name of the mapping -> value and rule


@dataclass(frozen=True, slots=True)
class Resolved:
    """A value as F&O lists it and the rule that found it; ``open``: a person must say it."""

    value: str
    rule: str
    open: bool = False


@dataclass(frozen=True, slots=True)
class FormMaker:
    """Fills forms for one legal entity from one deal and its company."""

    mapping: CompiledOrderMapping
    listed: ReferenceData
    snapshot: DealSnapshot
    company: DealCompany
    legal_entity: str
    choices: Choices

    async def fields(self, *, email: str = "") -> tuple[tuple[FormField, ...], tuple[str, ...]]:
        """Every row under ``customer:`` and what F&O demands beside them, and notes.

        Args:
            email: Of the deal's only contact.

        Returns:
            The fields in the order of the rows, empty ones included; and what was left out or cut, in words.

        Raises:
            MappingError: a value does not fit its row.
        """
        chosen = self.choices.named("customer")
        country = await self._country(chosen.get(COUNTRY))
        state = await self._state(country, chosen.get(STATE))
        sources = self._sources(country, state, email)
        notes: list[str] = []
        values = self.mapping.customer({name: value for name, (value, _) in sources.items()}, notes)
        rows = self.mapping.document.customer
        fields = [FormField(row.target, values.get(row.target, ""), _rule(row, sources)) for row in rows]
        fields = [_left_open(each, country, state) for each in fields]
        names = {each.name for each in fields}
        fields += [FormField(name, "", "no row fills it") for name in REQUIRED if name not in names]
        fields += await self._number(fields, chosen)
        fields = [self._as_chosen(each, chosen.get(each.name)) for each in fields]
        checked = [await self._as_listed(each) for each in fields]
        return tuple(_demanded(each) for each in checked), tuple(notes)

    async def _country(self, chosen: Found | None) -> Resolved:
        """The company's country as F&O calls it: by its own code, or by ISO's two letters."""
        if chosen is not None:
            return Resolved(chosen.value, chosen.rule)
        text = self.company.properties.get("country", "").strip()
        if not text:
            somewhere = any(self.company.properties.get(name) for name in ("address", "zip", "city"))
            return Resolved("", "the company has no country", open=somewhere)
        countries = await self.listed.countries() or ()
        place = country_of(text)
        wanted = {fold(text), *(fold(code) for code in (place or ())[1:])}  # ISO's two codes
        for code, iso in countries:
            if fold(code) in wanted or (iso and fold(iso) in wanted):
                return Resolved(code, f"the company's country {text}, as AddressCountryRegions lists it")
        near = did_you_mean(place.alpha_3 if place else text, [code for code, _ in countries])
        return Resolved(
            "", f"AddressCountryRegions does not list the company's country {text}.{near}", open=True
        )

    async def _state(self, country: Resolved, chosen: Found | None) -> Resolved:
        """The company's state as F&O calls it within the country; one of a country without states is left out."""
        if chosen is not None:
            return Resolved(chosen.value, chosen.rule)
        text = self.company.properties.get("state", "").strip()
        if not text or not country.value:
            return Resolved("", "the company has no state" if not text else "its country is not known")
        states = await self.listed.states(country.value)
        if not states:
            return Resolved("", f"AddressStates lists none for {country.value}: {text} is left out")
        place = country_of(country.value)
        wanted = {fold(text), fold((place and state_code(place.alpha_2, text)) or text)}
        for code, name in states:
            if fold(code) in wanted or fold(name) in wanted:
                return Resolved(code, f"the company's state {text}, as AddressStates lists it")
        near = did_you_mean(text, [word for pair in states for word in pair])
        return Resolved("", f"AddressStates does not list {text} for {country.value}.{near}", open=True)

    def _sources(self, country: Resolved, state: Resolved, email: str) -> Sources:
        """What rows under ``customer:`` may read."""
        known = {COUNTRY: country.value, STATE: state.value}
        facts = deal_facts(self.snapshot, self.company, legal_entity=self.legal_entity, customer=known)
        sources: Sources = {name: (text, f"the property {name}") for name, text in facts.items()}
        sources |= {
            "company.name": (self.company.name, "the company's name"),
            COUNTRY_SOURCE: (country.value, country.rule),
            STATE_SOURCE: (state.value, state.rule),
            "contact.email": (email, "the e-mail address of the deal's contact"),
            "deal.currency": (self.snapshot.currency, "the deal's currency"),
            "legal_entity": (self.legal_entity, "the legal entity that sells"),
        }
        for row in self.mapping.document.customer:
            for name in row.all_sources:
                if name.startswith(RULE_SOURCE):
                    said = self.mapping.rules.ask(name.removeprefix(RULE_SOURCE), facts)
                    sources[name] = (said.value, said.rule) if said else ("", UNRULED)
        return sources

    async def _number(self, fields: Sequence[FormField], chosen: Mapping[str, Found]) -> list[FormField]:
        """The account number, where people choose it and no row fills it."""
        if any(each.name == ACCOUNT for each in fields):
            return []
        group = chosen[GROUP].value if GROUP in chosen else _value(fields, GROUP)
        if await self.listed.manual_numbers(self.legal_entity, str(group)):
            rule = f"customers in {self.legal_entity} get their numbers by hand"
            return [FormField(ACCOUNT, "", rule, open=True)]
        return []

    def _as_chosen(self, field: FormField, chosen: Found | None) -> FormField:
        if chosen is None:
            return field
        row = next((row for row in self.mapping.document.customer if row.target == field.name), None)
        return FormField(field.name, typed(chosen.value, row), chosen.rule)

    async def _as_listed(self, field: FormField) -> FormField:
        """A field whose value F&O lists, as it is spelled there; one that is not listed is left open."""
        if field.name not in LISTED or field.value == "":
            return field
        values = await self.listed.values(field.name, self.legal_entity)
        if values is None:
            return replace(field, rule=f"{field.rule}; not checked, Dynamics does not show its list")
        found = fitting(str(field.value), values)
        if found:
            return replace(field, value=found)
        where = LISTED[field.name].data_entity
        rule = f"{field.rule}: {where} does not list '{field.value}'.{did_you_mean(str(field.value), values)}"
        return FormField(field.name, "", rule, open=True)


def typed(text: str, row: FieldRow | None) -> Any:
    """What a person typed, as F&O takes it: a number where the row gives one.

    Raises:
        MappingError: it is no number.
    """
    if text and row is not None and row.transform and isinstance(row.transform[-1], Number):
        return parse_decimal(text, field=row.target)
    return text


def form_names(mapping: CompiledOrderMapping) -> tuple[str, ...]:
    """The fields that a form can have."""
    return tuple(dict.fromkeys((*(row.target for row in mapping.document.customer), *REQUIRED, ACCOUNT)))


def still_open(fields: Sequence[FormField]) -> list[FormField]:
    """The fields that a person must fill before the customer can be created."""
    return [each for each in fields if each.open]


def _left_open(field: FormField, country: Resolved, state: Resolved) -> FormField:
    """A place that F&O does not list is left for a person."""
    place = {COUNTRY: country, STATE: state}.get(field.name)
    return replace(field, open=place.open and field.value == "") if place else field


def _demanded(field: FormField) -> FormField:
    return replace(field, open=True) if field.name in REQUIRED and field.value == "" else field


def _rule(row: FieldRow, sources: Sources) -> str:
    """The rules of the sources that said something; of one that said nothing why not."""
    named = {name: sources[name] for name in row.named_sources if name in sources}
    said = [rule for value, rule in named.values() if value not in ("", None)]
    if said or not named:
        return "; ".join(said) or "a constant"
    name, (_, rule) = next(iter(named.items()))
    says_why = name in (COUNTRY_SOURCE, STATE_SOURCE) or rule == UNRULED
    return rule if says_why else f"{rule}, which is empty"


def _value(fields: Sequence[FormField], name: str) -> Any:
    return next((each.value for each in fields if each.name == name), "")


def sent(fields: Sequence[FormField]) -> dict[str, Any]:
    """What of a form goes to F&O."""
    return {each.name: each.value for each in fields if each.value not in ("", None)}
