"""What a person may say about one deal before it counts: a known choice, and a value that F&O or the connection has."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ml_connector.domain.text import did_you_mean
from ml_connector.errors import ConfigurationError, MappingError
from ml_connector.flows.orders.customer.form import ACCOUNT, COUNTRY, STATE, form_names, typed
from ml_connector.flows.orders.customer.reference_data import LISTED, fitting
from ml_connector.flows.orders.draft.choices import FIELDS, Choice

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from ml_connector.flows.orders.draft.order_draft import OrderDraft
    from ml_connector.flows.orders.flow import OrderFlow

NEW = "customer."


@dataclass(frozen=True, slots=True)
class ChoiceCheck:
    """Looks at what a person gives for one deal; ``draft`` is the one that waits, where there is one."""

    flow: OrderFlow
    draft: OrderDraft | None

    async def checked(self, given: Mapping[str, str], *, by: str, reason: str) -> list[Choice]:
        """The choices as they are kept.

        Args:
            given: Value by name of the choice, as in ``choices.FIELDS``.
            by: Who chooses.
            reason: Why; it stands in the audit and in the draft.

        Raises:
            ConfigurationError: there is no such choice or value; the sentence says which come near.
        """
        if not reason.strip():
            raise ConfigurationError("Say why it is chosen.", code="usage.choice", hint='Add --because "..."')
        # a country before its state
        names = sorted(given, key=lambda name: name == f"{NEW}{STATE}")
        return [
            Choice(name, await self._value(name, given[name].strip(), given), by, reason) for name in names
        ]

    async def _value(self, name: str, value: str, given: Mapping[str, str]) -> str:
        if name.startswith(NEW):
            return await self._of_form(name.removeprefix(NEW), value, given)
        if name not in FIELDS and not any(each.endswith(".") and name.startswith(each) for each in FIELDS):
            raise ConfigurationError(
                f"'{name}' cannot be chosen.{did_you_mean(name, FIELDS)}",
                code="usage.choice",
                hint=f"Choose {', '.join(each + 'NAME' if each.endswith('.') else each for each in FIELDS)}.",
            )
        if not value:
            raise ConfigurationError(f"'{name}' needs a value.", code="usage.choice")
        if name in ("legal_entity", "open_account"):
            return self._one_of(name, value.lower(), self.flow.legal_entities, "the connected legal entities")
        return await self._account(value) if name == "account" else value

    async def _account(self, account: str) -> str:
        """An account that stands in the legal entity that sells, as far as that is known."""
        if self.draft is None:
            return account
        key = {"dataAreaId": self.draft.legal_entity, ACCOUNT: account}
        row = await self.flow.dynamics.row("CustomersV3", key, select=(ACCOUNT,))
        if row is not None:
            return str(row[ACCOUNT])
        form = self.draft.customer_form
        near = [each.account for each in form.candidates] if form else []
        raise ConfigurationError(
            f"There is no customer {account} in {self.draft.legal_entity}.{did_you_mean(account, near)}",
            code="usage.choice",
        )

    async def _of_form(self, name: str, value: str, given: Mapping[str, str]) -> str:
        """A field of the new customer, with a value that F&O lists where it has a list; empty: left to F&O."""
        names = self._form_names()
        if name not in names:
            raise ConfigurationError(
                f"The form of the new customer has no field {name}.{did_you_mean(name, names)}",
                code="usage.choice",
                hint=f"Its fields are {', '.join(names)}.",
            )
        if not value:
            return ""
        row = next((row for row in self.flow.mapping.document.customer if row.target == name), None)
        try:
            typed(value, row)
        except MappingError as wrong:
            raise ConfigurationError(wrong.message, code="usage.choice") from wrong
        if name == STATE:
            return await self._state(value, given.get(f"{NEW}{COUNTRY}", ""))
        entity = self.draft.legal_entity if self.draft else ""
        if name not in LISTED or (LISTED[name].per_company and not entity):
            return value
        values = await self.flow.customers.listed.values(name, entity)
        return value if values is None else self._one_of(name, value, values, LISTED[name].data_entity)

    async def _state(self, value: str, country: str) -> str:
        form = self.draft.customer_form if self.draft else None
        held = next((each.value for each in form.fields if each.name == COUNTRY), "") if form else ""
        states = await self.flow.customers.listed.states(country or str(held)) if country or held else None
        if not states:
            return value
        return self._one_of(STATE, value, [code for code, _ in states], "AddressStates")

    def _form_names(self) -> Sequence[str]:
        """The fields that may be edited: those of the form that waits; without a draft those it could have."""
        possible = form_names(self.flow.mapping)
        if self.draft is None:
            return possible
        form = self.draft.customer_form
        if form is None:
            raise ConfigurationError(
                f"deals/{self.draft.deal_id} opens no customer, so there is no form to edit.",
                code="usage.choice",
            )
        return [each.name for each in form.fields if each.name in possible]

    def _one_of(self, name: str, value: str, choices: Sequence[str], where: str) -> str:
        found = fitting(value, choices)
        if not found:
            raise ConfigurationError(
                f"{where[:1].upper()}{where[1:]} {'do' if where.startswith('the ') else 'does'} not list '{value}' "
                f"for {name}.{did_you_mean(value, choices)}",
                code="usage.choice",
                hint=f"Listed are: {', '.join(list(choices)[:20])}.",
            )
        return found
