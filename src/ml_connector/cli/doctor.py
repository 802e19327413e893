"""``doctor``: is this machine set up as it must be."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ml_connector.cli.command import Reply, Table, Terminal, command
from ml_connector.cli.failures import USAGE

if TYPE_CHECKING:
    import typer


def register(app: typer.Typer) -> None:
    """Add ``doctor``."""
    command(
        app,
        "doctor",
        panel="Start",
        examples=("ml-connector doctor", "ml-connector doctor --json"),
    )(doctor)


async def doctor(terminal: Terminal) -> Reply:
    """Check this machine: settings, key, database, clock, disk, versions. Talks to neither system."""
    from ml_connector.app.doctor import check
    from ml_connector.app.system import surroundings

    checks = await check(terminal.settings(), surroundings())
    bad = [each for each in checks if not each.ok]
    verdict = (
        f"{bad[0].name.capitalize()}: {bad[0].detail}"
        + (f" ({len(bad) - 1} more below)" if len(bad) > 1 else "")
        if bad
        else "This machine is set up as it must be."
    )
    rows: list[tuple[str, str, str]] = []
    for each in checks:
        rows.append(("ok" if each.ok else "no", each.name, each.detail))
        if each.fix:
            rows.append(("", "", f"-> {each.fix}"))
    data = {"ok": not bad, "checks": checks}
    return Reply(
        "doctor/1", data, (verdict, Table(("", "check", "what was seen"), rows)), USAGE if bad else 0
    )
