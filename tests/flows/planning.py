"""Plans beside what was written: a plan's file, the twin's log, and people as a small flow with e-mail addresses."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import orjson

from ml_connector.app.flows import breaker_limits
from ml_connector.app.plan import Wanted, plan
from ml_connector.app.plan_file import _plain
from ml_connector.domain.records import Counters, Page, SourceRecord, TargetRecord, digest
from ml_connector.engine.foresight import Foreseen
from ml_connector.engine.plan import Outlook, Plan
from ml_connector.engine.ports import RecordFlow, Traits
from ml_connector.engine.runs import RunReport, sync_records
from ml_connector.errors import RunStoppedError
from ml_connector.systems.hubspot.properties import SPECS, create
from ml_connector.systems.hubspot.sink import UpsertSink

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Collection, Sequence
    from pathlib import Path

    from tests.flows.office import Office, check_sum
else:  # pytest puts this folder on the path
    from office import check_sum

KEYS = {"companies": "d365_customer_key", "products": "d365_product_key", "contacts": "d365_contact_key"}
TYPES = {
    "customers": "companies",
    "contacts": "contacts",
    "products": "products",
}  # of the flows that are compared
QUIET_TABLES = (
    "mlc_link",
    "mlc_parked",
    "mlc_progress",
    "mlc_audit",
    "mlc_run",
    "mlc_seen",
    "mlc_stage",
    "mlc_call",
)
Write = tuple[str, tuple[tuple[str, str], ...]]  # a key or an id, and the properties sent


async def planned(office: Office, *names: str, **wanted: Any) -> dict[str, Any]:
    """The plan's answer."""
    return await plan(office.at, names, Wanted(**wanted))


async def planned_of(office: Office, name: str, **wanted: Any) -> dict[str, Any]:
    """The answer about one flow."""
    found: dict[str, Any] = (await planned(office, name, **wanted))["flows"][name]
    return found


def content(path: Path) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """A plan's file: its header and its lines."""
    header, *lines = [orjson.loads(line) for line in path.read_bytes().splitlines()]
    return header, lines


def promised(lines: Sequence[dict[str, Any]], of: str) -> Counter[Write]:
    """What a plan's lines say will be written, record by record and field by field."""
    lines = [line for line in lines if line["kind"] != "park" and line["foreseen"]["what"] != "wait"]
    made = {line["identity"]: line["key"] for line in lines if line["foreseen"]["what"] == "create"}
    found: Counter[Write] = Counter()
    listed: set[Write] = set()  # further keys of one record are listed by one write
    for line in lines:
        foreseen = line["foreseen"]
        where, values = foreseen["target_id"], foreseen["send"]
        if foreseen["what"] == "follow":
            listed.add((where or f"of {made[line['identity']]}", tuple(sorted(values.items()))))
        elif where:
            found[where, tuple(sorted(values.items()))] += 1
        else:
            found[line["key"], tuple(sorted({**values, KEYS[of]: line["key"]}.items()))] += 1
    return found + Counter(listed)


def ids(office: Office, of: str) -> dict[str, str]:
    """The keys of the records that stand now, by their ids."""
    return {str(row["id"]): row["properties"].get(KEYS[of]) or "" for row in office.records(of)}


def written(office: Office, mark: int, of: str, before: Collection[str]) -> Counter[Write]:
    """What was written since the mark; a record that did not stand before is named by its key.

    Inputs that HubSpot refused are left out. Nothing else but associations of contacts was written.
    """
    keys = ids(office, of)
    found: Counter[Write] = Counter()
    for row in office.writes(mark):
        assert row.side == "hubspot"
        if "/objects/" not in row.path:
            assert (of, "/associations/" in row.path) == ("contacts", True), row.path
            continue
        assert f"/{of}/batch/" in row.path, row.path
        landed = {*row.keys, *(keys.get(record_id) for record_id in row.keys)}
        for entry in row.body["inputs"]:
            if (where := entry["id"]) in landed:
                where = f"of {keys[where]}" if where in keys and where not in before else where
                found[where, tuple(sorted(entry["properties"].items()))] += 1
    return found


@dataclass(slots=True)
class People:
    """People of a made-up list, as a record flow into HubSpot's contacts."""

    office: Office
    rows: dict[str, dict[str, str]] = field(default_factory=dict)

    async def pages(self, cursor: str | None) -> AsyncGenerator[Page, None]:  # noqa: ARG002 - one page
        yield Page(await self.read(list(self.rows)), None)

    async def read(self, keys: Sequence[str]) -> list[SourceRecord]:
        rows = {key: self.rows[key] for key in keys if key in self.rows}
        return [SourceRecord(key, dict(row), digest(row)) for key, row in rows.items()]

    async def flow(self) -> RecordFlow:
        """Values of an adopted contact stay; the first key of an address owns it."""
        hubspot = await self.office.at.hubspot()
        return RecordFlow(
            name="contacts",
            source=self,
            sink=UpsertSink(hubspot, "contacts", "d365_contact_key", identity="email"),
            map=_contact,
            mapping_version=1,
            properties=("d365_contact_key", "d365_status", "email", "firstname", "lastname", "jobtitle"),
            traits=Traits(status="d365_status", further_keys="d365_contact_keys", keeps_adopted=True),
        )

    async def ready(self) -> None:
        """The portal has the properties."""
        specs = [spec for spec in SPECS if spec.object_type == "contacts"]
        await create(await self.office.at.hubspot(), specs)

    async def plan(self) -> tuple[list[Foreseen], Outlook]:
        """What a sync would do."""
        flow = await self.flow()
        made = Plan(flow, self.office.at.engine, breaker_limits(self.office.at), Counters())
        lines = [line async for portion in made.lines(flow.source.pages(None)) for line in portion]
        return [line for line in lines if isinstance(line, Foreseen)], made.outlook

    async def sync(self) -> RunReport:
        at = self.office.at
        report = await sync_records(await self.flow(), at.engine, at.traffic, limits=breaker_limits(at))
        assert report.error is None, report.error
        return report


def _contact(record: SourceRecord) -> TargetRecord:
    properties = {"d365_contact_key": record.key, "d365_status": "Active", **record.fields}
    return TargetRecord(
        key=record.key,
        properties=properties,
        fingerprint=digest(properties),
        source_digest=record.digest,
        identity=record.fields["email"],
    )


async def agrees(people: People) -> None:
    """The next sync writes what the plan says, and no more."""
    lines, _ = await people.plan()
    office, mark = people.office, people.office.mark()
    before = ids(office, "contacts")
    counters = (await people.sync()).counters
    check_sum(counters)
    assert counters.parked == 0
    assert written(office, mark, "contacts", before) == promised([_plain(line) for line in lines], "contacts")


async def compare(office: Office, tmp_path: Path) -> None:
    """Flow by flow: the plan, then the pass; what the twin saw written is what the plan said."""
    for name, of in TYPES.items():
        path = tmp_path / "plan.jsonl"
        figures = await planned_of(office, name, out=path, force=True)
        header, lines = content(path)
        assert header["lines"] == len(lines)
        mark, before = office.mark(), ids(office, of)
        report = (await office.sync(name))[name]
        if figures["verdict"]:
            assert isinstance(report.error, RunStoppedError)
            continue
        assert report.error is None, report.error
        assert written(office, mark, of, before) == promised(lines, of)
        assert report.counters.parked == figures["counts"]["park"] + figures["counts"]["parked"]
        assert report.counters.unchanged >= figures["counts"]["unchanged"]


async def loaded(office: Office, count: int = 3) -> None:
    for number in range(1, count + 1):
        await office.customer(f"usmf:US-{number:03}", PrimaryContactPhone="+1 312 555 0101")
    await office.figures("customers")


async def stored(office: Office) -> dict[str, list[Any]]:
    """Everything of ours that a pass would change."""
    async with office.at.store.read() as tx:
        return {
            table: list(await tx.connection.exec_driver_sql(f"SELECT * FROM {table}"))  # noqa: S608 - names of ours
            for table in QUIET_TABLES
        }
