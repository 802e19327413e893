"""``twin``: both systems simulated on this machine until stopped, and the behaviours they can be given."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ml_connector.cli.command import Reply, Terminal, command, noun
from ml_connector.cli.terminal import write_json

if TYPE_CHECKING:
    from collections.abc import Iterator


def register(app: typer.Typer) -> None:
    """Add ``twin``."""
    group = noun(
        app,
        "twin",
        panel="Set up",
        about="Rehearse on simulated systems: serve, switches.",
        examples=(
            "ml-connector twin serve --dynamics-port 8700 --hubspot-port 8701",
            "ml-connector twin serve --customers 1000 --products 0 --rep off",
        ),
    )
    command(
        group,
        "serve",
        examples=(
            "ml-connector twin serve --dynamics-port 8700 --hubspot-port 8701",
            "ml-connector twin serve --latency-ms dynamics=150,hubspot=80 --rep off",
        ),
    )(serve)
    command(
        group,
        "switches",
        examples=("ml-connector twin switches", "ml-connector twin switches --json"),
    )(list_switches)


def _number(flag: str, help: str, *, least: int = 0, metavar: str = "N") -> Any:  # noqa: A002 - Typer's word
    return typer.Option(flag, metavar=metavar, min=least, help=help, show_default=False)


def _text(flag: str, help: str, *, metavar: str) -> Any:  # noqa: A002 - Typer's word
    return typer.Option(flag, metavar=metavar, help=help, show_default=False)


async def serve(
    terminal: Terminal,  # noqa: ARG001 - every command is given one; this one prints its line by itself
    *,
    dynamics_port: Annotated[int, _number("--dynamics-port", "0: any free one.", metavar="PORT")] = 0,
    hubspot_port: Annotated[int, _number("--hubspot-port", "0: any free one.", metavar="PORT")] = 0,
    seed: Annotated[int | None, _number("--seed", "Another world for another seed (1).")] = None,
    customers: Annotated[int | None, _number("--customers", "Over all legal entities (240).")] = None,
    contacts_per_customer: Annotated[
        int | None, _number("--contacts-per-customer", "Contact persons (1).")
    ] = None,
    products: Annotated[int | None, _number("--products", "Over all legal entities (600).")] = None,
    deals: Annotated[int | None, _number("--deals", "Open deals (40).")] = None,
    rep: Annotated[
        str | None, _text("--rep", "Whether a sales rep works on the deals (on).", metavar="on|off")
    ] = None,
    legal_entities: Annotated[
        str | None, _text("--legal-entities", "With commas between (usmf,ussi,demf).", metavar="NAMES")
    ] = None,
    latency_ms: Annotated[
        str | None,
        _text("--latency-ms", "Wait before answers: dynamics=150,hubspot=80 (none).", metavar="WAITS"),
    ] = None,
    hubspot_limit: Annotated[
        str | None, _text("--hubspot-limit", "Calls in a time (190/10s).", metavar="N/TIME")
    ] = None,
    page_size: Annotated[
        int | None, _number("--page-size", "Rows in a page of Dynamics (10000).", least=1)
    ] = None,
    tls: Annotated[
        bool, typer.Option("--tls", help="Serve https; the authority to trust is announced.")
    ] = False,
    certificate_file: Annotated[
        str | None,
        _text("--certificate-file", "Write a certificate and key to sign in with.", metavar="FILE"),
    ] = None,
    switches: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="SWITCH=VALUE", help="Choose a behaviour; may be repeated."),
    ] = None,
) -> None:
    """Serve Dynamics, its sign-in and HubSpot, simulated, until stopped. Prints addresses and credentials as JSON."""
    import asyncio

    from ml_connector.app.twins import serve_twins, twin_options

    given = {
        "dynamics_port": dynamics_port, "hubspot_port": hubspot_port, "seed": seed, "customers": customers,
        "contacts_per_customer": contacts_per_customer, "products": products, "deals": deals, "rep": rep,
        "legal_entities": legal_entities, "latency_ms": latency_ms, "hubspot_limit": hubspot_limit,
        "page_size": page_size, "tls": tls, "certificate_file": certificate_file, "switches": switches,
    }  # fmt: skip
    options = twin_options(**{name: value for name, value in given.items() if value is not None})
    with _stopped_by_signals(), contextlib.suppress(asyncio.CancelledError):
        await serve_twins(options, write_json)


async def list_switches(terminal: Terminal) -> Reply:  # noqa: ARG001 - every command is given one
    """Show what the twins can be told to do either way (serve --set SWITCH=VALUE), and why each choice is there."""
    from ml_connector.app.twins import switches

    rows = switches()
    verdict = f"{len(rows)} behaviours can be chosen with: ml-connector twin serve --set SWITCH=VALUE"
    lines = [
        f"\n{row['service']}  {row['switch']}={row['default']}  (takes: {row['values']})\n  {row['reason']}"
        for row in rows
    ]
    return Reply("twin.switches/1", {"switches": rows}, (verdict, *lines))


@contextlib.contextmanager
def _stopped_by_signals() -> Iterator[None]:
    """SIGINT and SIGTERM end the task that is running now; that is how serving is meant to end."""
    import asyncio
    import signal

    task = asyncio.current_task()
    assert task is not None
    loop = asyncio.get_running_loop()

    def stop(*_: object) -> None:
        loop.call_soon_threadsafe(task.cancel)

    before = {number: signal.signal(number, stop) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
