"""``demo`` tells the whole circle on twins of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ml_connector.app.demo import run_demo
from ml_connector.app.flow_switch import enable, flows_on

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

    from ml_connector.app.workplace import Workplace


async def test_the_demo_switches_its_own_flows_on_and_touches_no_home_of_anybody(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing is on by default, in the demo as elsewhere; its order is placed and its second run writes nothing."""
    on: list[list[str]] = []

    async def watched(place: Workplace, names: list[str]) -> None:
        on.append(await flows_on(place))
        await enable(place, names)
        on.append(await flows_on(place))

    monkeypatch.setattr("ml_connector.app.demo.enable", watched)
    said: list[str] = []
    assert await run_demo(said.append, customers=40, products=60) == 0
    assert on == [[], ["customers", "products", "orders", "order_status"]]
    story = "\n".join(said)
    assert "Sales order " in story
    assert " records compared, 0 writes." in story
    assert home not in list(home.parent.iterdir()), "its own folder is a passing one"
