"""``sync``: one pass."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path  # noqa: TC003 - the command line reads the annotations
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ml_connector.cli.command import Reply, Table, Terminal, command, workplace
from ml_connector.cli.failures import PARKED, exit_code
from ml_connector.cli.flows import confirmed
from ml_connector.cli.progress import progress
from ml_connector.cli.words import listed
from ml_connector.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from ml_connector.app.workplace import Workplace
    from ml_connector.domain.records import Counters
    from ml_connector.engine.runs import RunReport

    Watch = Callable[[str, Counters], None]

RESULTS = ("read", "created", "updated", "unchanged", "held", "waiting", "parked", "skipped")
ALWAYS = frozenset({"read", "created", "updated", "unchanged"})  # columns that are shown even when empty


def register(app: typer.Typer) -> None:
    """Add ``sync``."""
    command(
        app,
        "sync",
        panel="Work",
        examples=("ml-connector sync customers products", "ml-connector sync customers --first 100"),
    )(sync)


async def sync(
    terminal: Terminal,
    flows: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="FLOW", help="customers, contacts, products, orders, order_status; those that are on."
        ),
    ] = None,
    *,
    yes: Annotated[
        bool, typer.Option("--yes", "-y", help="Run flows that are off, too, without a question.")
    ] = False,
    accept_new: Annotated[
        bool,
        typer.Option("--accept-new", help="Load even though HubSpot holds records that are not linked."),
    ] = False,
    first: Annotated[
        int | None,
        typer.Option("--first", metavar="N", min=1, help="Write so many records and no more."),
    ] = None,
    key: Annotated[
        list[str] | None,
        typer.Option("--key", metavar="KEY", help="Only this record (usmf:US-001); may be repeated."),
    ] = None,
    here: Annotated[
        bool, typer.Option("--here", help="Work here; refused while a process serves (exit code 6).")
    ] = False,
    full: Annotated[
        bool, typer.Option("--full", help="Read everything, also where changes alone would be read.")
    ] = False,
    plan: Annotated[
        Path | None,
        typer.Option("--plan", metavar="FILE", help="Write exactly what plan --out FILE found."),
    ] = None,
) -> Reply:
    """Make one pass over the flows that are on, or over the flows named."""
    from ml_connector.app.asking import who_serves
    from ml_connector.app.flow_switch import confirm, to_confirm
    from ml_connector.app.look import known_records
    from ml_connector.domain.records import Counters

    part = Part(first or 0, tuple(key or ()), plan, full)
    part.require_one(flows or ())
    async with workplace(terminal) as place:
        statements = await to_confirm(place, flows or ())
        sure = confirmed(terminal, statements, yes=yes)
        names = await _chosen(terminal, place, flows or (), yes=yes) if sure else []
        if not names:
            return Reply("sync/1", {"flows": {}, "confirmed": []}, ("Nothing was moved.",))
        await confirm(place, statements)
        served = await who_serves(place)
        if served and here:
            raise ConfigurationError(
                f"This database is served by {served}: work beside it is refused.",
                code="serve.refused",
                hint="Without --here it is asked to do the work.",
            )
        with progress(terminal, await known_records(place), place.around.clock.elapsed_s) as watch:
            watch(names[0], Counters())  # a long read says nothing before its first write
            reports = await part.run(place, names, accept_new=accept_new, watch=watch, served=bool(served))
    missing = max(0, len(set(part.keys)) - sum(report.counters.read for report in reports))
    return answer(reports, "sync/1", missing=missing, confirmed=[asdict(each) for each in statements])


@dataclass(frozen=True, slots=True)
class Part:
    """What is to be moved of a flow, where a person has chosen."""

    first: int = 0
    keys: tuple[str, ...] = ()
    plan: Path | None = None
    full: bool = False

    def require_one(self, named: Sequence[str]) -> None:
        """Refuse words that do not go together."""
        options = [
            name
            for name, given in (("--first", self.first), ("--key", self.keys), ("--plan", self.plan))
            if given
        ]
        if self.full and options:
            raise ConfigurationError(f"--full and {options[0]} do not go together.", code="usage.sync")
        if len(options) > 1:
            raise ConfigurationError(f"{listed(options)} do not go together.", code="usage.sync")
        if options and len(named) != 1:
            raise ConfigurationError(f"{options[0]} goes with exactly one flow.", code="usage.sync")

    async def run(
        self, place: Workplace, names: Sequence[str], *, accept_new: bool, watch: Watch, served: bool
    ) -> list[RunReport]:
        """Move it here, or have it moved by the process that serves; a plan's file is here."""
        from ml_connector.app import chosen
        from ml_connector.app.asking import ask_sync
        from ml_connector.app.sync import sync as run_flows

        if served and self.plan is None:
            what = {"first": self.first, "keys": list(self.keys), "full": self.full, "accept_new": accept_new}
            return await ask_sync(place, names, what, on_progress=watch)
        if self.first:
            return [await chosen.sync_first(place, names[0], self.first, accept_new=accept_new)]
        if self.keys:
            return [await chosen.sync_keys(place, names[0], self.keys, accept_new=accept_new)]
        if self.plan is not None:
            name, path = names[0], self.plan
            return [await chosen.sync_plan(place, name, path, accept_new=accept_new, on_progress=watch)]
        return await run_flows(place, names, accept_new=accept_new, full=self.full, on_progress=watch)


def answer(reports: Sequence[RunReport], schema: str, *, missing: int = 0, **more: Any) -> Reply:
    """The figures of what ran; ``missing`` records were asked for by key and are not there."""
    flows_run = {report.flow: _figures(report) for report in reports}
    text = _text(reports)
    if missing and all(report.error is None for report in reports):
        is_are = "record is" if missing == 1 else "records are"
        text.append(f"{missing} {is_are} not in Dynamics, in the chosen legal entities and for this flow.")
    return Reply(schema, {**more, "flows": flows_run}, text, _code(reports))


async def _chosen(terminal: Terminal, place: Workplace, named: Sequence[str], *, yes: bool) -> list[str]:
    """The flows to run: those named, else those that are on; one that is off only when a person agrees."""
    from ml_connector.app.flow_switch import FLOW_NAMES, flows_on, known_flow

    on = await flows_on(place)
    if not named:
        if not on:
            raise ConfigurationError(
                "No flow is on, so there is nothing to do.",
                code="usage.no_flow_on",
                hint="Run: ml-connector flows enable customers",
            )
        return on
    off = [name for name in dict.fromkeys(known_flow(name) for name in named) if name not in on]
    if off and not yes:
        words = f"{listed(off)} {'is' if len(off) == 1 else 'are'} off"
        agreed = terminal.confirm(f"{words}. Run one pass anyway?", otherwise=f"{words}; nothing was moved.")
        if not agreed:
            return []
    return [name for name in FLOW_NAMES if name in named]


def _figures(report: RunReport) -> dict[str, Any]:
    counters = report.counters
    figures: dict[str, Any] = {name: getattr(counters, name) for name in RESULTS}
    figures["requests"] = {side: counters.requests.get(side, 0) for side in ("dynamics", "hubspot")}
    figures["throttled"] = counters.throttled
    figures["seconds"] = round(counters.seconds, 3)
    if report.reading is not None and report.error is None:
        figures["reading"] = {**asdict(report.reading), "sentence": report.reading.sentence}
    if report.error is not None:
        figures["error"] = {"code": report.error.code, "message": report.error.message}
    return figures


def _code(reports: Sequence[RunReport]) -> int:
    """The first error decides; without one, a parked record does."""
    for report in reports:
        if report.error is not None:
            return exit_code(report.error)
    return PARKED if any(report.counters.parked for report in reports) else 0


def _text(reports: Sequence[RunReport]) -> list[str | Table]:
    failed = [report for report in reports if report.error is not None]
    parked = sum(report.counters.parked for report in reports)
    waiting = sum(report.counters.waiting for report in reports)
    text: list[str | Table] = [_verdict(reports), _table(reports)]
    for report in failed:
        assert report.error is not None
        text.append(f"{report.flow} stopped: {report.error.message}")
        text += [f"  {report.error.hint}"] if report.error.hint else []
    text += [
        f"{report.flow}: {report.reading.sentence}"
        for report in reports
        if report.reading is not None and report.error is None
    ]
    if parked:
        text.append("Next: ml-connector errors list")
    if waiting:
        text.append("Waiting deals: ml-connector deals list")
    return text


def _verdict(reports: Sequence[RunReport]) -> str:
    failed = [report.flow for report in reports if report.error is not None]
    written = sum(report.counters.created + report.counters.updated for report in reports)
    parked = sum(report.counters.parked for report in reports)
    moved = (
        f"{written:,} record{'' if written == 1 else 's'} written" if written else "Nothing had to be written"
    )
    waiting = sum(report.counters.waiting for report in reports)
    stuck = f"; {waiting:,} waiting" if waiting else ""
    stuck += f"; {parked:,} parked, {'it needs' if parked == 1 else 'they need'} someone" if parked else ""
    if failed:
        return f"{listed(failed)} stopped before the end; {moved[0].lower()}{moved[1:]}{stuck}."
    return f"{moved}{stuck}."


def _table(reports: Sequence[RunReport]) -> Table:
    """A row a flow; columns of results that nobody had are left out."""
    shown = [
        name for name in RESULTS if name in ALWAYS or any(getattr(each.counters, name) for each in reports)
    ]
    rows = [
        (
            report.flow,
            *(getattr(report.counters, name) for name in shown),
            sum(report.counters.requests.values()),
            report.counters.seconds,
        )
        for report in reports
    ]
    headers = ("flow", *shown, "calls", "s")
    return Table(headers, rows, right=frozenset(headers[1:]))
