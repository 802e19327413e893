"""The page about the twins tells every endpoint, switch, fault and control call, and none that is not there."""

from __future__ import annotations

import json
from pathlib import Path

from tests.twin.events_at import Scene

from ml_connector.twin import reference
from ml_connector.twin.control import CONTROL_CALLS
from ml_connector.twin.faults import MEANS, Kind
from ml_connector.twin.options import SWITCHES

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "twin.md"


def test_the_page_about_the_twins_is_the_one_they_write() -> None:
    """After a change: ``python -m ml_connector.twin.reference > docs/reference/twin.md``."""
    assert PAGE.read_text(encoding="utf-8") == "\n".join(reference.page())


def test_each_fault_is_explained() -> None:
    assert set(MEANS) == set(Kind)


async def test_each_control_call_of_the_page_is_answered() -> None:
    """A call that is listed is known: whatever else is wrong with an empty one, it is never unknown."""
    scene = Scene()
    for method, path, _does in CONTROL_CALLS:
        named = path.replace("LEGAL_ENTITY:NUMBER/ACT", "usmf:SO-1/confirm").replace("ID", "1")
        _, told = await scene.ask(f"{method} {named}", {})
        assert "no control call" not in json.dumps(told), path
    await scene.close()


def test_each_reason_of_a_switch_is_a_sentence() -> None:
    """A list of choices is read by people: each reason begins with a capital and ends with a full stop."""
    assert [
        switch.name
        for switch in SWITCHES.values()
        if not (switch.reason[0].isupper() and switch.reason.endswith("."))
    ] == []
