"""Validation rules an admin sets on properties, enforced on every version.

Facts: https://developers.hubspot.com/docs/api-reference/latest/crm/property-validations/guide
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, Any

from ml_connector.twin.hubspot.errors import Problem

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from ml_connector.twin.hubspot.settings import Settings

RULE_TYPES = frozenset(
    """AFTER_DATETIME_DURATION AFTER_DURATION ALPHANUMERIC BEFORE_DATETIME_DURATION BEFORE_DURATION
    DAYS_OF_WEEK DECIMAL DOMAIN EMAIL EMAIL_ALLOWED_DOMAINS EMAIL_BLOCKED_DOMAINS END_DATE END_DATETIME FORMAT
    MAX_LENGTH MAX_NUMBER MIN_LENGTH MIN_NUMBER PHONE_NUMBER_WITH_EXPLICIT_COUNTRY_CODE REGEX
    SPECIAL_CHARACTERS START_DATE START_DATETIME URL URL_ALLOWED_DOMAINS URL_BLOCKED_DOMAINS
    WHITESPACE""".split()  # noqa: SIM905 - a list of quoted words would be three times as long
)


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule of one property."""

    kind: str
    arguments: tuple[str, ...]
    normalizes: bool = False

    def wire(self) -> dict[str, Any]:
        """As HubSpot prints it."""
        return {
            "ruleType": self.kind,
            "ruleArguments": list(self.arguments),
            "shouldApplyNormalization": self.normalizes,
        }

    def allows(self, value: str) -> bool:
        """Whether a value keeps the rule; kinds that the twin only stores allow everything."""
        check = _CHECKS.get(self.kind)
        if check is None or not self.arguments:
            return True
        try:
            return check(value, self.arguments[0])
        except (InvalidOperation, ValueError, re.error):
            return False


_CHECKS: dict[str, Callable[[str, str], bool]] = {
    "MIN_LENGTH": lambda value, least: len(value) >= int(least),
    "MAX_LENGTH": lambda value, most: len(value) <= int(most),
    "MIN_NUMBER": lambda value, least: Decimal(value) >= Decimal(least),
    "MAX_NUMBER": lambda value, most: Decimal(value) <= Decimal(most),
    "DECIMAL": lambda value, places: len(value.partition(".")[2]) <= int(places),
    "REGEX": lambda value, pattern: re.fullmatch(pattern, value) is not None,
}


class Rules:
    """The rules of one portal: (object type, property, kind) -> rule."""

    def __init__(self, settings: Settings) -> None:
        self.all: dict[tuple[str, str, str], Rule] = {}
        self._code = settings["rule_code"]
        for entry in settings.listed("property_rules"):
            place, _, rule = entry.partition("=")
            kind, _, argument = rule.partition(":")
            object_type, _, name = place.partition(".")
            if kind not in RULE_TYPES or not name:
                raise ValueError(
                    f"switch property_rules does not take {entry!r}; it takes companies.phone=MAX_LENGTH:20"
                )
            self.all[object_type, name, kind] = Rule(kind, (argument,))

    def of(self, object_type: str, name: str) -> list[Rule]:
        """The rules of one property."""
        return [rule for (kind, prop, _rule), rule in self.all.items() if (kind, prop) == (object_type, name)]

    def check(self, object_type: str, values: Mapping[str, str], problems: list[Problem]) -> None:
        """Add a problem for every value that breaks a rule."""
        for (kind, name, _rule), rule in self.all.items():
            value = values.get(name) if kind == object_type else None
            if value and not rule.allows(value):
                message = f"{value} does not keep the validation rule {rule.kind} of {name}"
                problems.append(Problem(name, self._code, message))
