"""Switches: where nobody outside knows how a system behaves, its twin can be set to behave either way."""

from __future__ import annotations

from dataclasses import dataclass
from difflib import get_close_matches
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ml_connector.twin.evidence import Evidence


@dataclass(frozen=True, slots=True)
class Switch:
    """One behaviour that can be chosen."""

    name: str
    allowed: tuple[str, ...] | type[int | str]  # the values; or int: 0 or more; or str: any text
    default: str
    reason: str  # why the twin offers the choice, for the list of switches
    evidence: Evidence  # what the default rests on

    @property
    def takes(self) -> str:
        """Its values in words."""
        if isinstance(self.allowed, tuple):
            return ", ".join(self.allowed)
        return "a whole number" if self.allowed is int else "a text"

    def check(self, value: str) -> str:
        """Return the value as the twin stores it; ValueError with a sentence when it is not allowed."""
        if self.allowed is str:
            return value
        if self.allowed is int:
            if value.isascii() and value.isdigit():
                return value
            raise ValueError(f"switch {self.name} takes a whole number of 0 or more, not {value!r}")
        assert isinstance(self.allowed, tuple)
        if value in self.allowed:
            return value
        raise ValueError(
            f"switch {self.name} does not take {value!r}{did_you_mean(value, self.allowed)}; "
            f"it takes {', '.join(self.allowed)}"
        )


def resolve(switches: Mapping[str, Switch], given: Mapping[str, str]) -> dict[str, str]:
    """Give every switch its value: the chosen one or the default.

    Raises:
        ValueError: An unknown switch or a value it does not take, with the nearest name.
    """
    for name in given:
        if name not in switches:
            raise ValueError(
                f"there is no switch {name!r}{did_you_mean(name, tuple(switches))}; "
                f"the twins know {', '.join(sorted(switches))}"
            )
    return {name: switch.check(given.get(name, switch.default)) for name, switch in switches.items()}


def did_you_mean(word: str, known: tuple[str, ...]) -> str:
    """Name the nearest known word as the end of a sentence; empty when nothing is near."""
    near = get_close_matches(word, known, n=1)
    return f" (did you mean {near[0]!r}?)" if near else ""
