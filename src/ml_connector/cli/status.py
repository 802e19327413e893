"""``status``: how do we stand."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ml_connector.cli.command import Reply, Table, Terminal, command, workplace
from ml_connector.cli.ping import TITLES

if TYPE_CHECKING:
    import typer


def register(app: typer.Typer) -> None:
    """Add ``status``."""
    command(
        app,
        "status",
        panel="Look",
        examples=("ml-connector status", "ml-connector status --json"),
    )(status)


async def status(terminal: Terminal) -> Reply:
    """Say how the connection stands: both sides, each flow, what waits and what needs someone."""
    from ml_connector.app.look import status as look

    async with workplace(terminal) as place:
        seen = await look(place)
    sides = [
        (
            TITLES[side["side"]],
            side["identity"] if side["connected"] else "not connected",
            side["verified_at"],
        )
        for side in seen["sides"]
    ]
    flows = [
        (flow["flow"], _state(flow), flow["links"], flow["parked"], *_last(flow["last_run"]), flow["next_at"])
        for flow in seen["flows"]
    ]
    text = [
        seen["verdict"],
        f"Served by {seen['served_by']}." if seen["served_by"] else "No process serves: flows run by sync.",
        "",
        Table(("side", "environment or portal", "saved (UTC)"), sides),
        "",
        Table(
            ("flow", "state", "linked", "parked", "last run (UTC)", "ended", "next (UTC)"),
            flows,
            right=frozenset({"linked", "parked"}),
        ),
    ]
    following = _following(seen)
    return Reply("status/1", seen, [*text, *([f"Next: {following}"] if following else [])])


def _state(flow: dict[str, Any]) -> str:
    return "paused" if flow["paused_until"] else str(flow["state"])


def _last(run: dict[str, Any] | None) -> tuple[Any, str]:
    if run is None:
        return "never", ""
    return run["started_at"], f"{run['state']}{': ' + run['message'] if run['message'] else ''}"


def _following(seen: dict[str, Any]) -> str:
    """The one command that helps most now."""
    missing = [f"ml-connector connect {side['side']}" for side in seen["sides"] if not side["connected"]]
    held = [f"ml-connector plan {flow['flow']}" for flow in _last_ended(seen, "stopped")]
    wishes = (
        *missing[:1],
        "ml-connector ping" if _last_ended(seen, "failed") else "",
        *held[:1],
        "ml-connector errors list" if seen["parked"] else "",
        "ml-connector deals list" if seen["deals"]["for_approval"] else "",
        ""
        if any(flow["state"] != "off" for flow in seen["flows"])
        else "ml-connector flows enable customers",
    )
    return next((wish for wish in wishes if wish), "")


def _last_ended(seen: dict[str, Any], state: str) -> list[dict[str, Any]]:
    """The flows whose last run ended like this."""
    return [flow for flow in seen["flows"] if flow["last_run"] and flow["last_run"]["state"] == state]
