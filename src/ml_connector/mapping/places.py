"""Countries and their states by ISO 3166: codes, and the English names HubSpot's users expect."""

from __future__ import annotations

from functools import cache, lru_cache
from pathlib import Path
from typing import NamedTuple

import orjson
import pycountry

# Where ISO's English name is not the one people search by. Everything else comes from pycountry.
_EVERYDAY_NAMES = {
    "BN": "Brunei", "CD": "Democratic Republic of the Congo", "FK": "Falkland Islands", "FM": "Micronesia",
    "MF": "Saint Martin", "PS": "Palestine", "RU": "Russia", "SX": "Sint Maarten", "VA": "Vatican City",
    "VG": "British Virgin Islands", "VI": "U.S. Virgin Islands",
}  # fmt: skip
_FURTHER_CODES = {"UK": "GB", "EL": "GR"}  # used by many, not by ISO; Greece's is the European Union's


class Place(NamedTuple):
    """A country in its three spellings."""

    name: str
    alpha_2: str
    alpha_3: str


@lru_cache(maxsize=2048)  # a load asks for the same few three times a record
def country_of(text: str) -> Place | None:
    """The country a code or an English name stands for, letter case ignored."""
    return _countries().get(text.strip().upper())


@lru_cache(maxsize=2048)
def state_name(alpha_2: str, text: str) -> str | None:
    """The name of a state by its code within a country: ``US``, ``WA`` gives Washington."""
    return _state_names().get((alpha_2, text.strip().upper()))


def state_code(alpha_2: str, text: str) -> str | None:
    """The code of a state by its name (or code) within a country."""
    wanted = text.strip().upper()
    return wanted if (alpha_2, wanted) in _state_names() else _state_codes().get((alpha_2, wanted))


@cache
def _countries() -> dict[str, Place]:
    """Every spelling in capitals to its country; built on first use (about 20 ms)."""
    table: dict[str, Place] = {}
    kosovo = Place("Kosovo", "XK", "XKX")  # in use worldwide, and never assigned by ISO
    places = [kosovo, *(_place(country) for country in pycountry.countries)]
    for place in places:
        table.update((spelling.upper(), place) for spelling in place)
    for country in pycountry.countries:
        table.setdefault(country.name.upper(), table[country.alpha_2])
    table.update((code, table[alpha_2]) for code, alpha_2 in _FURTHER_CODES.items())
    return table


def _place(country: pycountry.db.Country) -> Place:
    name = _EVERYDAY_NAMES.get(country.alpha_2) or getattr(country, "common_name", None) or country.name
    return Place(str(name), country.alpha_2, country.alpha_3)


@cache
def _state_names() -> dict[tuple[str, str], str]:
    """(country, code) to name; built on first use (its own objects would take ten times as long as its file)."""
    listed = orjson.loads(Path(pycountry.DATABASE_DIR, "iso3166-2.json").read_bytes())["3166-2"]
    names: dict[tuple[str, str], str] = {}
    for state in listed:
        country, _, code = state["code"].partition("-")
        names[country, code] = _in_reading_order(state["name"])
    return names


@cache
def _state_codes() -> dict[tuple[str, str], str]:
    return {(country, name.upper()): code for (country, code), name in _state_names().items()}


def _in_reading_order(name: str) -> str:
    """ISO writes ``Madrid, Comunidad de`` and ``Girona [Gerona]``; people the reverse, and one name."""
    name = name.partition(" [")[0]
    head, comma, tail = name.partition(", ")
    is_list = any(word in f" {tail} " for word in (" and ", " y ", ", "))
    return f"{tail} {head}" if comma and not is_list else name
