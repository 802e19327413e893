"""The grammar of a mapping file: documents, rows, the closed set of transforms and their named arguments.

What the words mean is in ``transforms``; how a file becomes these values is in ``load``.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal, Self, get_args

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints, model_validator

RULES = ConfigDict(frozen=True, extra="forbid")

Name = Annotated[str, StringConstraints(min_length=1)]


def _one_or_several(value: Any) -> Any:
    """One name is written plainly, several as a list."""
    return (value,) if isinstance(value, str) else value


Names = Annotated[tuple[Name, ...], BeforeValidator(_one_or_several)]
Unknown = Literal["park", "keep", "empty"]


class Text(BaseModel):
    """Text cleaned of control characters; line breaks become a blank, a comma, or stay."""

    model_config = RULES
    name: Literal["text"] = "text"
    line_breaks: Literal["space", "comma", "keep"] = "space"


class Key(BaseModel):
    """A number that names a record: not one character is changed."""

    model_config = RULES
    name: Literal["key"] = "key"


class Phone(BaseModel):
    """International notation; ``country`` and ``extension`` name the source fields that help."""

    model_config = RULES
    name: Literal["phone"] = "phone"
    country: Names = ()
    extension: Name | None = None


class Country(BaseModel):
    """A country code or name as an English name or as an ISO 3166 code."""

    model_config = RULES
    name: Literal["country"] = "country"
    to: Literal["name", "alpha-2", "alpha-3"] = "name"


class State(BaseModel):
    """A state code (``WA``) as a name, or the reverse; ``country`` names the sources of its country."""

    model_config = RULES
    name: Literal["state"] = "state"
    country: Names
    to: Literal["name", "code"] = "name"


class Date(BaseModel):
    """A day; with ``time: keep`` a moment."""

    model_config = RULES
    name: Literal["date"] = "date"
    time: Literal["drop", "keep"] = "drop"


class Number(BaseModel):
    """An exact decimal; ``digits`` rounds half up, ``zero: empty`` treats 0 as no value."""

    model_config = RULES
    name: Literal["decimal"] = "decimal"
    digits: Annotated[int, Field(ge=0, le=20)] | None = None
    zero: Literal["keep", "empty"] = "keep"


class ValueMap(BaseModel):
    """One word for another; ``unknown`` says what happens to a word that is not listed."""

    model_config = RULES
    name: Literal["map"] = "map"
    values: dict[Name, str]
    unknown: Unknown = "park"


class Lookup(BaseModel):
    """The same from a table beside the mapping file."""

    model_config = RULES
    name: Literal["lookup"] = "lookup"
    table: Name
    unknown: Unknown = "park"


class FirstOf(BaseModel):
    """The first of several sources that is not empty."""

    model_config = RULES
    name: Literal["first-of"] = "first-of"


class Join(BaseModel):
    """Several sources in one text; empty ones leave no gap."""

    model_config = RULES
    name: Literal["join"] = "join"
    separator: str = " "


class Constant(BaseModel):
    """The same value for every record."""

    model_config = RULES
    name: Literal["constant"] = "constant"
    value: str


class Domain(BaseModel):
    """The internet domain of the first source that has one: a web address or a company's e-mail."""

    model_config = RULES
    name: Literal["domain"] = "domain"


class Email(BaseModel):
    """A well-formed e-mail address in lower case; a malformed one is left out with a note."""

    model_config = RULES
    name: Literal["email"] = "email"


class Cut(BaseModel):
    """The beginning of a text."""

    model_config = RULES
    name: Literal["cut"] = "cut"
    max_length: Annotated[int, Field(ge=1)]


TransformCall = (
    Text | Key | Phone | Country | State | Date | Number | ValueMap | Lookup | FirstOf | Join | Constant
    | Domain | Email | Cut
)  # fmt: skip
CALLS: dict[str, type[BaseModel]] = {
    call.model_fields["name"].default: call for call in get_args(TransformCall)
}
COLLAPSING = (FirstOf, Join, Domain)  # the only transforms that take several sources
# What sales says about its companies and people: filled once while empty, unless a row names another owner.
_OF_SALES = frozenset({"domain", "lifecyclestage", "hubspot_owner_id", "description"})
FIRST_WRITE = {"companies": _OF_SALES, "contacts": _OF_SALES}


class FieldRow(BaseModel):
    """One row: where a value comes from, what is done to it, where it goes and who owns it."""

    model_config = RULES
    target: Name
    source: Name | tuple[Name, ...] | None = None
    transform: tuple[Annotated[TransformCall, Field(discriminator="name")], ...] = ()
    owner: Literal["dynamics", "hubspot", "first-write"] = "dynamics"
    on_empty: Literal["clear", "keep"] = "clear"
    on_too_long: Literal["cut", "park"] = "park"
    max_length: Annotated[int, Field(ge=1)] | None = None
    note: str = ""
    line: int = Field(default=0, repr=False)  # of the file, for messages

    @property
    def named_sources(self) -> tuple[str, ...]:
        """The sources the row itself names, in order."""
        if self.source is None:
            return ()
        return (self.source,) if isinstance(self.source, str) else self.source

    @property
    def all_sources(self) -> tuple[str, ...]:
        """The row's sources and those its transforms look at."""
        return self.named_sources + tuple(name for call in self.transform for name in call_sources(call))

    @property
    def is_verbatim(self) -> bool:
        """Whether the value is a key, of which no character may change."""
        return any(isinstance(call, Key) for call in self.transform)

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        first = self.transform[0] if self.transform else None
        if (self.source is None) != isinstance(first, Constant):
            raise ValueError("a row has a source, or no source and 'constant' as its first transform")
        if any(isinstance(call, Constant) for call in self.transform[1:]):
            raise ValueError("'constant' can only stand first")
        if len(self.named_sources) > 1 and not isinstance(first, COLLAPSING):
            raise ValueError("several sources need 'first-of', 'join' or 'domain' as the first transform")
        if isinstance(self.source, tuple) and not self.source:
            raise ValueError("the list of sources is empty")
        if self.is_verbatim and (self.on_too_long == "cut" or len(self.transform) > 1):
            raise ValueError("a key stays as it is: it takes no other transform and is never cut")
        return self


def call_sources(call: TransformCall) -> tuple[str, ...]:
    """The source fields a transform looks at beside its own value."""
    match call:
        case Phone():
            return call.country + ((call.extension,) if call.extension else ())
        case State():
            return call.country
        case _:
            return ()


class MappingDocument(BaseModel):
    """A record flow's mapping: records of one side to objects of HubSpot."""

    model_config = RULES
    flow: Name
    object: Name  # HubSpot's object type, such as companies
    key: Name  # the target that is unique
    fields: tuple[FieldRow, ...] = Field(min_length=1)

    @model_validator(mode="after")
    def _key_is_mapped(self) -> Self:
        row = next((row for row in self.fields if row.target == self.key), None)
        if row is None or not row.is_verbatim or row.owner != "dynamics":
            raise ValueError(f"the key {self.key} needs a row of its own with 'transform: key'")
        return self

    @property
    def rows(self) -> tuple[FieldRow, ...]:
        """Every row."""
        return self.fields
