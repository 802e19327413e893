"""HubSpot's answers as they stand on the wire. What we read ignores what it does not know."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

from pydantic import AliasPath, BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from ml_connector.errors import UnavailableError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ml_connector.errors import RejectedError
    from ml_connector.transport.request import Reply

Record = dict[str, Any]  # id, properties and what else was asked for
_Parsed = TypeVar("_Parsed")


class _Wire(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore", coerce_numbers_to_str=True, populate_by_name=True)


class Stage(_Wire):
    """A stage of a pipeline. Won is closed with probability 1.0, lost closed with 0.0; ids are opaque."""

    id: str
    label: str
    closed: bool = Field(default=False, validation_alias=AliasPath("metadata", "isClosed"))
    probability: str = Field(default="", validation_alias=AliasPath("metadata", "probability"))
    archived: bool = False


class Pipeline(_Wire):
    """A pipeline with its stages."""

    id: str
    label: str
    stages: tuple[Stage, ...]
    archived: bool = False


class Team(_Wire):
    """A team that an owner belongs to."""

    id: str
    name: str = ""
    primary: bool = False


class Owner(_Wire):
    """Somebody who can own records."""

    id: str
    email: str = ""
    first_name: str = Field(default="", alias="firstName")
    last_name: str = Field(default="", alias="lastName")
    archived: bool = False
    teams: tuple[Team, ...] = ()

    @property
    def team_names(self) -> tuple[str, ...]:
        """The owner's teams, the primary one first."""
        return tuple(team.name for team in sorted(self.teams, key=lambda team: not team.primary))


class Option(_Wire):
    """A value of an enumeration."""

    value: str
    label: str = ""
    hidden: bool = False


class PropertyDefinition(_Wire):
    """A property as the portal defines it."""

    name: str
    label: str = ""
    type: str
    field_type: str = Field(default="", alias="fieldType")
    group: str = Field(default="", alias="groupName")
    has_unique_value: bool = Field(default=False, alias="hasUniqueValue")
    calculated: bool = False
    read_only: bool = Field(
        default=False, validation_alias=AliasPath("modificationMetadata", "readOnlyValue")
    )
    archived: bool = False
    options: tuple[Option, ...] = ()


class AccountDetails(_Wire):
    """The portal."""

    portal_id: int = Field(alias="portalId")
    company_currency: str = Field(default="", alias="companyCurrency")
    additional_currencies: tuple[str, ...] = Field(default=(), alias="additionalCurrencies")
    time_zone: str = Field(default="", alias="timeZone")
    account_type: str = Field(default="", alias="accountType")
    ui_domain: str = Field(default="", alias="uiDomain")


class TokenInfo(_Wire):
    """What an access token may do."""

    portal_id: int = Field(alias="hubId")
    scopes: frozenset[str] = frozenset()


class WrittenRow(_Wire):
    """One result of a batch upsert."""

    id: str
    new: bool = False
    trace_id: str = Field(default="", alias="objectWriteTraceId")
    properties: dict[str, Any] = Field(default_factory=dict)


class WrittenLink(_Wire):
    """One association that stands now."""

    from_id: str = Field(default="", alias="fromObjectId")
    to_id: str = Field(default="", alias="toObjectId")


class WrittenLinks(_Wire):
    """The envelope of a batch of associations."""

    results: list[WrittenLink]
    errors: list[dict[str, Any]] = Field(default_factory=list)


class WrittenBatch(_Wire):
    """The envelope of a batch upsert; results come in any order."""

    results: list[WrittenRow]
    errors: list[dict[str, Any]] = Field(default_factory=list)


@dataclass(frozen=True, slots=True)
class UpsertInput:
    """One record of a batch upsert: ``id`` is the value of the key property."""

    trace_id: str
    id: str
    properties: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class UpdateInput:
    """One record of a batch update: ``id`` is the record's own."""

    trace_id: str
    id: str
    properties: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class LinkInput:
    """An association to make: ``type_ids`` replace the ones the pair has."""

    from_id: str
    to_id: str
    type_ids: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class LinkReport:
    """What became of associations: the pairs that stand now, and why each other one was refused."""

    made: frozenset[tuple[str, str]]
    refused: dict[tuple[str, str], RejectedError]
    correlation_id: str
    status: int


@dataclass(frozen=True, slots=True)
class Upserted:
    """A record that was written, and whether it is new."""

    id: str
    new: bool


@dataclass(frozen=True, slots=True)
class UpsertReport:
    """What became of a batch, by trace id; each input is in exactly one of the two."""

    done: dict[str, Upserted]
    refused: dict[str, RejectedError]
    correlation_id: str
    status: int


@dataclass(frozen=True, slots=True)
class HubSpotPage:
    """Records of a listing and the cursor of the next page; None on the last one."""

    records: list[Record]
    after: str | None


@dataclass(frozen=True, slots=True)
class SearchPage:
    """Records a search found and how many there are in all."""

    total: int
    records: list[Record]
    after: str | None


@dataclass(frozen=True, slots=True)
class Association:
    """A linked record, with every type of the link."""

    id: str
    type_ids: frozenset[int]


def parse(adapter: TypeAdapter[_Parsed], data: Any, reply: Reply) -> _Parsed:
    """Read an answer into its type.

    Raises:
        UnavailableError: The answer has another shape; it is never taken for an empty one.
    """
    try:
        return adapter.validate_python(data)
    except ValidationError as exc:
        where = ".".join(str(part) for part in exc.errors(include_input=False)[0]["loc"])
        raise unexpected(reply, where) from None


def results(reply: Reply) -> list[Record]:
    """The ``results`` of an answer.

    Raises:
        UnavailableError: There are none to be read.
    """
    found = reply.data.get("results") if isinstance(reply.data, dict) else None
    if not isinstance(found, list) or not all(isinstance(record, dict) for record in found):
        raise unexpected(reply, "results")
    return found


def next_after(data: Any) -> str | None:
    """The cursor of the next page. Links are not followed: they may name another version of the API."""
    paging = data.get("paging") if isinstance(data, dict) else None
    following = paging.get("next") if isinstance(paging, dict) else None
    after = following.get("after") if isinstance(following, dict) else None
    return str(after) if after else None


def unexpected(reply: Reply, where: str) -> UnavailableError:
    """The error of an answer in a shape nobody expects."""
    return UnavailableError(
        f"HubSpot answered with status {reply.status} in an unexpected shape (at {where or 'the top'}).",
        code="hubspot.shape",
        correlation_id=reply.correlation_id,
    )
