"""Names of records: external keys such as ``usmf:US-001`` and record names such as ``customers/usmf:US-001``."""

from __future__ import annotations

from dataclasses import dataclass

from ml_connector.errors import ConfigurationError


def external_key(legal_entity: str, number: str) -> str:
    """The unique key of an F&O record in HubSpot: entity lower-cased, number verbatim (blanks and zeros kept)."""
    return f"{legal_entity.lower()}:{number}"


def split_key(key: str) -> tuple[str, str]:
    """The legal entity and number of an external key."""
    legal_entity, _, number = key.partition(":")
    return legal_entity, number


@dataclass(frozen=True, slots=True)
class RecordName:
    """A record as people and scripts write it: flow and key."""

    flow: str
    key: str

    def __str__(self) -> str:
        return f"{self.flow}/{self.key}"

    @classmethod
    def parse(cls, text: str) -> RecordName:
        """Read ``customers/usmf:US-001``; only the first slash separates."""
        flow, slash, key = text.partition("/")
        if not slash or not flow or not key:
            raise ConfigurationError(
                f"'{text}' does not name a record. Write it as customers/usmf:US-001 or deals/123.",
                code="usage.record_name",
            )
        return cls(flow, key)
