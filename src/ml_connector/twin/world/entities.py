"""The legal entities of the demo world and the settings they share."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from ml_connector.twin.world.model import LegalEntity
from ml_connector.twin.world.names import GERMANY, UNITED_STATES, Book

if TYPE_CHECKING:
    from collections.abc import Sequence

_EAST, _CENTRAL, _BERLIN = (
    "GMTMINUS0500EASTERNTIME",
    "GMTMINUS0600CENTRALTIME",
    "GMTPLUS0100_AMSTERDAM_BERLIN_BERN_ROME",
)
KNOWN = {
    "usmf": LegalEntity(
        "usmf", "Northfield Industrial Supply", "USD", "US", "USA", "en-US", _CENTRAL, "1", "11"
    ),
    "ussi": LegalEntity("ussi", "Northfield Process Systems", "USD", "US", "USA", "en-US", _EAST, "2", "21"),
    "demf": LegalEntity(
        "demf", "Northfield Industrietechnik GmbH", "EUR", "DE", "DEU", "de", _BERLIN, "4", "41"
    ),
}
SHARES = {"usmf": 45, "ussi": 25, "demf": 30}
OTHER_SHARE = 25
# Settings of an entity that is not in the table, by the country its id begins with.
_BY_COUNTRY = {
    "us": ("USD", "US", "USA", "en-US", _EAST),
    "ca": ("CAD", "CA", "CAN", "en-CA", _EAST),
    "gb": ("GBP", "GB", "GBR", "en-GB", "GMT_DUBLIN_EDINBURGH_LISBON_LONDON"),
    "de": ("EUR", "DE", "DEU", "de", _BERLIN),
    "at": ("EUR", "AT", "AUT", "de-AT", _BERLIN),
    "ch": ("CHF", "CH", "CHE", "de-CH", _BERLIN),
    "fr": ("EUR", "FR", "FRA", "fr", "GMTPLUS0100BRUSSELS_COPENHAGEN_MADRID"),
    "nl": ("EUR", "NL", "NLD", "nl", _BERLIN),
}
_ID = re.compile(r"[a-z0-9]{1,4}")

GROUPS = (
    ("10", "Manufacturers"),
    ("20", "Machine builders"),
    ("30", "Trade and repair shops"),
    ("40", "Utilities and municipalities"),
    ("80", "Sundry customers"),
    ("90", "Intercompany customers"),
)
TERMS = (
    ("Net10", "Payment due in 10 days"),
    ("Net30", "Payment due in 30 days"),
    ("Net45", "Payment due in 45 days"),
    ("Net60", "Payment due in 60 days"),
    ("COD", "Cash on delivery"),
)
DIMENSIONS = ("BusinessUnit", "Department", "CostCenter", "ItemGroup")
DELIMITER = "-"
DIMENSION_VALUES: dict[str, tuple[tuple[str, str], ...]] = {
    "BusinessUnit": (("001", "Industry"), ("002", "Machine builders"), ("003", "Service"), ("004", "Public")),
    "Department": (("021", "Sales inside"), ("022", "Sales field"), ("023", "Service"), ("024", "Projects")),
    "CostCenter": (("007", "Central"), ("008", "East"), ("009", "West"), ("010", "Export")),
    "ItemGroup": (
        ("PUMPS", "Pumps"),
        ("POWER", "Power transmission"),
        ("MRO", "Maintenance"),
        ("SERV", "Services"),
    ),
}
PIPELINES = (
    (
        "Sales Pipeline",
        (
            ("Appointment Scheduled", "appointmentscheduled", False, "0.2"),
            ("Qualified To Buy", "qualifiedtobuy", False, "0.4"),
            ("Presentation Scheduled", "presentationscheduled", False, "0.6"),
            ("Decision Maker Bought-In", "decisionmakerboughtin", False, "0.8"),
            ("Contract Sent", "contractsent", False, "0.9"),
            ("Closed Won", "closedwon", True, "1.0"),
            ("Closed Lost", "closedlost", True, "0.0"),
        ),
    ),
    (
        "Key Accounts",
        (
            ("Needs agreed", "needs", False, "0.3"),
            ("Offer sent", "offer", False, "0.5"),
            ("Negotiation", "negotiation", False, "0.8"),
            ("Order received", "won", True, "1.0"),
            ("Lost", "lost", True, "0.0"),
        ),
    ),
)


def make_entities(ids: Sequence[str]) -> tuple[LegalEntity, ...]:
    """Give every legal entity its settings.

    Raises:
        ValueError: No entity, one named twice, or an id that F&O would not take.
    """
    if not ids:
        raise ValueError("name at least one legal entity, for example usmf")
    for entity_id in ids:
        if not _ID.fullmatch(entity_id):
            raise ValueError(f"a legal entity is 1 to 4 lower-case letters or digits, not {entity_id!r}")
    if len(set(ids)) < len(ids):
        raise ValueError(f"a legal entity is named twice: {', '.join(ids)}")
    return tuple(KNOWN.get(entity_id) or _other(entity_id, place) for place, entity_id in enumerate(ids, 5))


def _other(entity_id: str, place: int) -> LegalEntity:
    currency, country, country3, language, zone = _BY_COUNTRY.get(entity_id[:2], _BY_COUNTRY["us"])
    name = f"Northfield {entity_id.upper()}"
    return LegalEntity(entity_id, name, currency, country, country3, language, zone, str(place), f"{place}1")


def book_of(entity: LegalEntity) -> Book:
    """Where the customers of an entity live: in the United States or in Germany."""
    return UNITED_STATES if entity.country in {"US", "CA"} else GERMANY


def split(total: int, entities: Sequence[LegalEntity]) -> list[int]:
    """Divide a number over the entities by their shares, without a rest."""
    shares = [SHARES.get(entity.id, OTHER_SHARE) for entity in entities]
    counts = [total * share // sum(shares) for share in shares]
    for place in range(total - sum(counts)):
        counts[place] += 1
    return counts
