"""The nine steps of one deal: which are done, what came in and out of each, and at which one it stands or stopped."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ml_connector.flows.orders.draft.resolved import PLACE, STEPS, WRITE_BACK

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from ml_connector.store.processes import Process


def nine_steps(process: Process, story: Sequence[Mapping[str, Any]]) -> list[dict[str, str]]:
    """Each step by its name: ``state`` is done, here (it waits or stopped at it) or open.

    Args:
        process: The deal's process.
        story: What happened to it, oldest first, as the audit has it.
    """
    told: dict[str, tuple[str, str]] = {}
    stopped = ""
    for event in story:
        if event["kind"] == "drafted":
            told = {step["name"]: (step["took"], step["gave"]) for step in event.get("steps", ())}
            stopped = ""
        elif event["kind"] == "placed":
            told[PLACE] = (_reference(process), f"order {event['number']}")
            stopped = ""
        elif event["kind"] == "done":
            told[WRITE_BACK] = (f"order {event['number']}", "status Open and the number on the deal")
        elif event["kind"] == "parked":
            stopped = str(event.get("step", ""))
        elif event["kind"] in ("decided", "replayed", "chosen"):
            stopped = ""
            told = told if process.state == "done" else {}
    here = stopped if process.state == "parked" else _next(process, told)
    return [_step(name, told.get(name), here) for name in STEPS]


def _step(name: str, told: tuple[str, str] | None, here: str) -> dict[str, str]:
    took, gave = told or ("", "")
    state = "here" if name == here else "done" if told else "open"
    return {"step": name, "state": state, "took": took, "gave": gave}


def _next(process: Process, told: Mapping[str, Any]) -> str:
    """Where a process stands that is not parked."""
    if process.state in ("done", "ignored"):
        return ""
    return next((name for name in STEPS if name not in told), "")


def _reference(process: Process) -> str:
    return str(process.result.get("reference", "the approved draft"))
