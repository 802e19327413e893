"""Both sides of one truth, as the two systems would hold them, and how well an answer fits the truth."""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from ml_connector.twin.world.labelled.blemishes import Hand
from ml_connector.twin.world.labelled.truth import Firm, Founding

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

SHARE_IN_BOTH = 0.64
SHARE_ONLY_IN_DYNAMICS = 0.18  # the rest is only in HubSpot
SHARE_TWICE_IN_HUBSPOT = 0.02
SHARE_TWICE_IN_DYNAMICS = 0.01


@dataclass(slots=True)
class LabelledSet:
    """Two systems and the truth about them.

    Args:
        customers: Rows of ``CustomersV3``.
        people: Rows of ``CDSContactPersonsV2``.
        companies: HubSpot records: ``id`` and ``properties``.
        contacts: The same; ``associatedcompanyid`` says whose.
        truth: The companies that are the same as a customer, by its key; customers without one are left out.
    """

    customers: list[dict[str, Any]] = field(default_factory=list)
    people: list[dict[str, Any]] = field(default_factory=list)
    companies: list[dict[str, Any]] = field(default_factory=list)
    contacts: list[dict[str, Any]] = field(default_factory=list)
    truth: dict[str, set[str]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Quality:
    """How well an answer fits the truth. ``needless`` counts customers held for a person who has nothing to find."""

    known: int
    certain: int
    wrong: int
    found: int
    doubtful: int
    needless: int

    @property
    def precision(self) -> float:
        """The share of the certain links that are right."""
        return 1 - self.wrong / self.certain if self.certain else 1.0

    @property
    def recall(self) -> float:
        """The share of the customers with a company that are linked to it, or shown it."""
        return self.found / self.known if self.known else 1.0

    @property
    def settled(self) -> float:
        """The share of them that needed no person."""
        return (self.certain - self.wrong) / self.known if self.known else 1.0


def judge(
    truth: Mapping[str, set[str]], certain: Mapping[str, str], doubtful: Mapping[str, Collection[str]]
) -> Quality:
    """Compare links and proposals, both by the customer's key, with the truth."""
    wrong = sum(company not in truth.get(key, ()) for key, company in certain.items())
    found = sum(
        certain.get(key) in companies or not companies.isdisjoint(doubtful.get(key, ()))
        for key, companies in truth.items()
    )
    needless = sum(key not in truth for key in doubtful)
    return Quality(len(truth), len(certain), wrong, found, len(doubtful), needless)


def labelled_set(seed: int, size: int, *, strength: float = 1.0) -> LabelledSet:
    """About ``size`` records on each side.

    Args:
        seed: The same seed gives the same set, on every Python.
        size: Of each side.
        strength: How careless people were in HubSpot: 0.5 tidy, 1 ordinary, 1.5 sloppy. F&O is kept better.
    """
    rng = random.Random(seed)  # noqa: S311 - repeatable on purpose
    firms = Founding(rng).firms(round(size / (SHARE_IN_BOTH + SHARE_ONLY_IN_DYNAMICS)))
    clerk, rep = Clerk(Hand(rng, 0.35 * strength)), Rep(Hand(rng, strength), firms)
    made = LabelledSet()
    for firm in firms:
        draw = rng.random()
        in_dynamics = draw < SHARE_IN_BOTH + SHARE_ONLY_IN_DYNAMICS
        in_hubspot = draw < SHARE_IN_BOTH or not in_dynamics
        keys = [clerk.enters(made, firm)] if in_dynamics else []
        if keys and rng.random() < SHARE_TWICE_IN_DYNAMICS:
            keys.append(clerk.enters(made, firm, legal_entity="demf"))
        ids = [rep.enters(made, firm)] if in_hubspot else []
        if ids and rng.random() < SHARE_TWICE_IN_HUBSPOT:
            ids.append(rep.enters(made, firm))
        if ids:
            made.truth.update((key, set(ids)) for key in keys)
    rng.shuffle(made.companies)
    return made


class Clerk:
    """Enters customers in F&O."""

    def __init__(self, hand: Hand) -> None:
        self._hand = hand
        self._number = 0

    def enters(self, made: LabelledSet, firm: Firm, *, legal_entity: str = "usmf") -> str:
        """Add a customer with its people; the key comes back."""
        self._number += 1
        account, slips = f"C-{self._number:06d}", self._hand.slips
        town, postcode = (firm.town, firm.postcode)
        made.customers.append({
            "dataAreaId": legal_entity, "CustomerAccount": account, "PartyType": "Organization",
            "OrganizationName": self._hand.name(firm.name, firm.form, firm.town), "KnownAs": "", "NameAlias": "",
            "PrimaryContactPhone": "" if slips(0.4) else self._hand.phone(firm.phone, firm.country.dialling[0]),
            "PrimaryContactPhoneExtension": "",
            "PrimaryContactURL": f"https://www.{firm.domain}" if firm.domain and not slips(1.2) else "",
            "PrimaryContactEmail": "" if slips(0.5) else firm.email,
            "AddressStreet": firm.street, "AddressCity": "" if slips(0.05) else self._hand.town(town),
            "AddressState": "", "AddressZipCode": "" if slips(0.08) else self._hand.postcode(postcode),
            "AddressCountryRegionId": firm.country.code3, "AddressCountryRegionISOCode": firm.country.code,
            "TaxExemptNumber": "" if slips(0.6) else firm.tax_id, "InvoiceAccount": "", "CustomerGroupId": "10",
            "SalesCurrencyCode": "USD", "PaymentTerms": "Net30", "OnHoldStatus": "No",
        })  # fmt: skip
        made.people += [
            {
                "dataAreaId": legal_entity, "AssociatedContactType": "Customer", "AssociatedContactNumber": account,
                "ContactPersonPartyNumber": f"{self._number:06d}{place}", "FirstName": one.first_name,
                "LastName": one.last_name, "PrimaryEmailAddress": "" if slips(0.3) else one.email,
            }
            for place, one in enumerate(firm.people)
        ]  # fmt: skip
        return f"{legal_entity}:{account}"


class Rep:
    """Enters companies and contacts in HubSpot, from business cards, forms and memory."""

    def __init__(self, hand: Hand, firms: list[Firm]) -> None:
        self._hand = hand
        self._firms = firms
        self._id = 7_000_000_000
        self._emails: set[str] = set()

    def enters(self, made: LabelledSet, firm: Firm) -> str:
        """Add a company with its contacts; the id comes back."""
        hand, slips = self._hand, self._hand.slips
        self._id += 1 + int(hand.draw() * 9)
        name, town, postcode = hand.name(firm.name, firm.form, firm.town), firm.town, firm.postcode
        if slips(0.01):  # a trade name nobody in finance knows
            name = hand.pick(self._firms).name.split(" ")[0] + " Solutions"
        if slips(0.03):  # it has moved, and only one side was told
            other = hand.pick(self._firms)
            if other.country is firm.country:
                town, postcode = other.town, other.postcode
        phone = hand.phone(firm.phone, firm.country.dialling[0])
        if slips(0.3):  # somebody's own line
            phone = phone[:-2] + f"{int(hand.draw() * 100):02d}"
        made.companies.append({
            "id": str(self._id),
            "properties": {
                "name": name, "domain": self._domain(firm), "phone": "" if slips(0.25) else phone,
                "city": "" if slips(0.10) else hand.town(town), "zip": "" if slips(0.15) else hand.postcode(postcode),
                "country": "" if slips(0.10) else hand.pick(firm.country.spellings),
                "address": "" if slips(0.2) else firm.street, "vat_number": "" if slips(0.5) else firm.tax_id,
            },
        })  # fmt: skip
        company = str(self._id)
        self._contacts(made, firm, company)
        return company

    def _domain(self, firm: Firm) -> str:
        """A company's domain: left out, moved to another name, a shop's, or a mistaken one of a kindred firm."""
        if not firm.domain or self._hand.slips(0.15):
            return ""
        if self._hand.slips(0.05):
            return self._moved(firm)
        if self._hand.slips(0.02):
            return f"shop.{firm.domain}"
        return firm.domain

    def _moved(self, firm: Firm) -> str:
        """The domain the firm had before, or has now."""
        label, _, rest = firm.domain.partition(".")
        ways = (
            f"{label}-group.{rest}",
            f"{label}.eu.example",
            f"{label[:4]}online.{rest}",
            f"my{label}.{rest}",
        )
        return self._hand.pick(ways)

    def _contacts(self, made: LabelledSet, firm: Firm, company: str) -> None:
        """Some of the firm's people; now and then one who has changed jobs, or an adviser of many firms."""
        hand = self._hand
        emails = [one.email for one in firm.people if hand.draw() < 0.55]  # noqa: PLR2004 - a rep knows half of them
        if hand.draw() < 0.15:  # noqa: PLR2004 - forms sent from the firm's mailbox
            emails.append(firm.email)
        if hand.slips(0.01) and (others := hand.pick(self._firms).people):
            emails.append(others[0].email)
        if hand.slips(0.01):
            emails.append(f"office@adviser{int(hand.draw() * 40)}.example")
        for email in emails:
            if email in self._emails:  # HubSpot keeps one contact of an address, with its first company
                continue
            self._emails.add(email)
            self._id += 1
            made.contacts.append(
                {"id": str(self._id), "properties": {"email": email.lower(), "associatedcompanyid": company}}
            )
