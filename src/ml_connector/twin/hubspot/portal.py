"""The state of one portal and the few ways it changes: create, update, archive, associate."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from ml_connector.twin.hubspot.associations import Links
from ml_connector.twin.hubspot.calculated import API, CALCULATORS, ENTERED
from ml_connector.twin.hubspot.currencies import read_rates
from ml_connector.twin.hubspot.errors import ApiError, Problem, contact_exists, invalid_values
from ml_connector.twin.hubspot.happenings import Happenings
from ml_connector.twin.hubspot.imports import settle
from ml_connector.twin.hubspot.object_types import TYPES
from ml_connector.twin.hubspot.pipelines import Pipelines
from ml_connector.twin.hubspot.rules import creation_defaults, minimum, missing_on_create, update_rules
from ml_connector.twin.hubspot.schema import Note, Property, Schema, labelled, standard_properties
from ml_connector.twin.hubspot.store import Record, Table
from ml_connector.twin.hubspot.validations import Rules
from ml_connector.twin.hubspot.values import stamp

if TYPE_CHECKING:
    import random
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from ml_connector.twin.hubspot.calculated import Calculator
    from ml_connector.twin.hubspot.exports import Export
    from ml_connector.twin.hubspot.imports import Import
    from ml_connector.twin.hubspot.settings import Settings
    from ml_connector.twin.hubspot.versions import Version
    from ml_connector.twin.world.model import World

FIRST_OWNER = 71_000_001
FIRST_TEAM = 178_001
MOST_SELECTIONS = 1_000  # remembered at a time


@dataclass(frozen=True, slots=True)
class Owner:
    """A user who can own records."""

    id: str
    email: str
    first_name: str
    last_name: str
    teams: tuple[tuple[str, str], ...] = ()  # id and name, the primary one first


@dataclass(frozen=True, slots=True)
class Selection:
    """The properties one answer prints, split once into stored and computed ones."""

    stored: tuple[str, ...]
    computed: tuple[tuple[str, Calculator], ...]


@dataclass(frozen=True, slots=True)
class Draft:
    """A checked write that has not happened yet: a new record, or changes to one that exists."""

    table: Table
    values: dict[str, str]
    record: Record | None = None
    revive: bool = False  # the record is archived and comes back
    warnings: tuple[Note, ...] = ()

    def notes(self) -> dict[str, Any]:
        """What an answer to this write says about values that were put right."""
        return {"warnings": [note.wire() for note in self.warnings]} if self.warnings else {}


Claims = dict[tuple[str, str], object]  # unique values taken by earlier inputs of the same request


class Portal:
    """Everything one HubSpot account holds. All changes of records pass through here."""

    def __init__(
        self, world: World, *, rng: random.Random, settings: Settings, portal_id: int, now: datetime
    ) -> None:
        self.world = world
        self.rng = rng
        self.settings = settings
        self.portal_id = portal_id
        self.app_id: int = portal_id % 1_000_000 + 4_000_000
        self.now = stamp(now)
        self.started = self.now
        self.currency, self.other_currencies = _currencies(world)
        self.pipelines = Pipelines(world, rng)
        self.owners = [
            Owner(str(FIRST_OWNER + 11 * place), *person, teams=_teams_of(person[0], world))
            for place, person in enumerate(world.owners)
        ]
        self.happenings = Happenings()
        self.links = Links(self.happenings)
        self.rules = Rules(settings)
        self.rates = read_rates(settings)
        self.imports: dict[str, Import] = {}
        self.exports: dict[str, Export] = {}
        self.blocked_emails: set[str] = set()  # of contacts deleted for privacy
        self._lag = timedelta(seconds=float(settings.number("search_lag_s")))
        self._omit_empty = settings["empty_properties"] == "omit"
        self.keep = bool(self._lag)
        self._moment = now
        self.horizon = stamp(now - self._lag)  # search sees the portal as it stood at this moment
        self.tables = self._tables()
        self._selections: dict[tuple[str, int, Sequence[str] | None], Selection] = {}

    def arrive(self, now: datetime, actor: str = API) -> str:
        """Set the portal's clock for one request; it never runs backwards. Returns it as printed."""
        self.happenings.actor = actor
        if now > self._moment:
            self._moment = now
            self.now = stamp(now)
            self.horizon = stamp(now - self._lag)
            for table in self.tables.values():
                table.drop_older(self.horizon)
        self.happenings.now = self.now
        if self.imports:
            settle(self)
        return self.now

    # -- reading ---------------------------------------------------------------------------------

    def selection(self, table: Table, names: Sequence[str] | None) -> Selection:
        """What to print when a reader names these properties (None: the type's default ones)."""
        kind = table.kind
        key = (kind.name, table.schema.revision, tuple(names) if names is not None else None)
        found = self._selections.get(key)
        if found is None:
            if len(self._selections) > MOST_SELECTIONS:
                self._selections.clear()
            always = ("hs_object_id", "createdate", kind.modified)
            wanted = dict.fromkeys([*(kind.defaults if names is None else names), *always])
            computed = CALCULATORS[kind.name]
            defined = [name for name in wanted if name in table.schema.properties]
            found = Selection(
                tuple(name for name in defined if name not in computed),
                tuple((name, computed[name]) for name in defined if name in computed),
            )
            self._selections[key] = found
        return found

    def render(self, table: Table, record: Record, chosen: Selection) -> dict[str, Any]:
        """One record as HubSpot prints it."""
        stored = record.properties
        values: dict[str, str | None] = {name: stored.get(name) for name in chosen.stored}
        for name, calculate in chosen.computed:
            values[name] = calculate(self, record)
        if self._omit_empty:
            values = {name: value for name, value in values.items() if value is not None}
        record_id = str(record.id)
        body = {
            "id": record_id,
            "properties": values,
            "createdAt": record.created_at,
            "updatedAt": record.updated_at,
            "archived": bool(record.archived_at),
            "url": f"https://app.hubspot.com/contacts/{self.portal_id}/record/{table.kind.type_id}/{record_id}",
        }
        if record.archived_at:
            body["archivedAt"] = record.archived_at
        return body

    def value(self, table: Table, record: Record, name: str) -> str | None:
        """One property of a record, stored or computed."""
        calculate = CALCULATORS[table.kind.name].get(name)
        return calculate(self, record) if calculate else record.properties.get(name)

    # -- checking --------------------------------------------------------------------------------

    def draft_create(self, table: Table, given: Mapping[str, Any], version: Version, claims: Claims) -> Draft:
        """Check the values of a new record; raises ApiError with HubSpot's body when one is wrong."""
        problems: list[Problem] = []
        notes = self._notes(version)
        values = table.schema.clean(given, problems, notes)
        self._validate(table, values, problems)
        values = {name: value for name, value in values.items() if value}
        minimum(self, table.kind.name, values)
        if version.enforces_required:
            missing_on_create(self, table.kind.name, values)
        self._claim(table, values, None, claims)
        return Draft(table, values, warnings=self._told(notes))

    def draft_update(
        self, table: Table, record: Record, given: Mapping[str, Any], version: Version, claims: Claims
    ) -> Draft:
        """Check changes to a record; raises ApiError with HubSpot's body when one is wrong."""
        problems: list[Problem] = []
        notes = self._notes(version)
        changes = table.schema.clean(given, problems, notes)
        self._validate(table, changes, problems)
        update_rules(self, table.kind.name, record.properties, changes, version)
        self._claim(table, changes, record, claims)
        return Draft(table, changes, record, warnings=self._told(notes))

    @staticmethod
    def _notes(version: Version) -> list[Note] | None:
        """Where values that are put right are noted; None where nothing is put right."""
        return [] if version.lenient_dates else None

    def _told(self, notes: list[Note] | None) -> tuple[Note, ...]:
        return tuple(notes or ()) if self.settings["lenient_dates"] == "warn" else ()

    def _validate(self, table: Table, values: Mapping[str, str], problems: list[Problem]) -> None:
        if self.rules.all:
            self.rules.check(table.kind.name, values, problems)
        if problems:
            raise invalid_values(problems, self.portal_id)

    def _claim(self, table: Table, values: Mapping[str, str], own: Record | None, claims: Claims) -> None:
        for name in table.schema.unique:
            value = values.get(name)
            if not value:
                continue
            holder = table.holder(name, value)
            if holder is not None and (own is None or holder != own.id):
                if name == "email":
                    raise contact_exists(holder)
                raise self._conflict(name, value)
            key = (name, table.normal(name, value))
            if key in claims and claims[key] != (own.id if own else None):
                raise self._conflict(name, value)
            claims[key] = own.id if own else object()

    def _conflict(self, name: str, value: str) -> ApiError:
        message = f'The value "{value}" of the unique property "{name}" is already in use by another record'
        return invalid_values([Problem(name, "CONFLICTING_UNIQUE_VALUE", message)], self.portal_id)

    # -- changing --------------------------------------------------------------------------------

    def commit(self, draft: Draft, source: str = API) -> Record:
        """Do what was checked; the only place where records are born or changed."""
        table, record = draft.table, draft.record
        if record is None:
            values = creation_defaults(self, table.kind.name, draft.values)
            return table.insert(values, self.now, source, keep=self.keep)
        if draft.revive:
            table.restore(record, self.now)
        stored = record.properties
        changed = any(stored.get(name, "") != value for name, value in draft.values.items())
        if changed or self.settings.yes("touch_unchanged"):
            values = draft.values
            stage = values.get("dealstage")
            if table.kind.name == "deals" and stage and stage != stored.get("dealstage"):
                values = values | {ENTERED + stage: self.now}
            table.replace(record, values, self.now, keep=self.keep, source=source)
        return record

    def archive(self, table: Table, record: Record) -> None:
        """Put a record into the recycle bin; its line items go with a deal."""
        if table.kind.name == "deals":
            items = self.tables["line_items"]
            for item in list(items.with_ids(list(self.links.of("deals", record.id, "line_items")))):
                items.archive(item, self.now)
                self.links.drop("line_items", item.id)
        self.links.drop(table.kind.name, record.id)
        table.archive(record, self.now)

    def associate(
        self,
        source: str,
        source_id: int,
        target: str,
        target_id: int,
        types: frozenset[int],
        *,
        replace: bool,
    ) -> None:
        """Associate two records that exist."""
        if self.settings.yes("first_company_primary") and not self.links.of(source, source_id, target):
            types |= {"contacts": {1}, "deals": {5}}.get(source, set()) if target == "companies" else set()
        change = self.links.set if replace else self.links.add
        change(source, source_id, target, target_id, types)
        if self.settings.yes("touch_associated"):
            for kind, record_id in ((source, source_id), (target, target_id)):
                record = self.tables[kind].get(record_id)
                if record is not None:
                    self.tables[kind].touch(record, self.now, keep=self.keep)

    def know_pipelines(self) -> None:
        """Let the deal properties follow a change of the pipelines: their options and the stage dates."""
        schema = self.tables["deals"].schema
        stages = labelled((s.id, s.label) for _pipeline, s in self.pipelines.stages.values())
        pipelines = labelled((p.id, p.label) for p in self.pipelines.all.values())
        for name, options in (("dealstage", stages), ("pipeline", pipelines)):
            schema.define(replace(schema.properties[name], options=options))
        for extra in self._portal_properties("deals"):
            schema.define(extra)

    # -- loading ---------------------------------------------------------------------------------

    def _tables(self) -> dict[str, Table]:
        currencies = labelled((code, code) for code in (self.currency, *self.other_currencies))
        supplied = {
            "owners": labelled((o.id, f"{o.first_name} {o.last_name}") for o in self.owners),
            "stages": labelled((s.id, s.label) for _pipeline, s in self.pipelines.stages.values()),
            "pipelines": labelled((p.id, p.label) for p in self.pipelines.all.values()),
            "currencies": currencies,
        }
        fold = self.settings["unique_case"] == "insensitive"
        tables = {}
        for place, kind in enumerate(TYPES):
            properties = standard_properties(kind.name, supplied)
            for extra in self._portal_properties(kind.name):
                properties[extra.name] = extra
            first = self.rng.randrange(10**9, 10**10) + place * 10**10
            schema = Schema(kind.name, properties)
            tables[kind.name] = Table(kind, schema, first, fold_case=fold, happenings=self.happenings)
        return tables

    def _portal_properties(self, kind: str) -> list[Property]:
        """HubSpot-defined properties that depend on the portal: stage dates and prices per currency."""
        if kind == "deals":
            return [
                Property(
                    ENTERED + stage.id,
                    f'Date entered "{stage.label} ({pipeline.label})"',
                    "datetime",
                    "date",
                    "dealinformation",
                    read_only=True,
                    calculated=True,
                    hubspot_defined=True,
                )
                for pipeline, stage in self.pipelines.stages.values()
            ]
        if kind == "products":
            return [
                Property(
                    f"hs_price_{code.lower()}",
                    f"Unit price ({code})",
                    "number",
                    "number",
                    "productinformation",
                    hubspot_defined=True,
                )
                for code in self.other_currencies
            ]
        return []


def _teams_of(email: str, world: World) -> tuple[tuple[str, str], ...]:
    """The teams of an owner: id and name, in the world's order."""
    return tuple(
        (str(FIRST_TEAM + place), name) for place, (name, emails) in enumerate(world.teams) if email in emails
    )


def _currencies(world: World) -> tuple[str, tuple[str, ...]]:
    first, *others = dict.fromkeys(entity.currency for entity in world.legal_entities)
    return first, tuple(others)
