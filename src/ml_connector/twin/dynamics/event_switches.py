"""What differs between environments or is left to chance about the events F&O sends."""

from __future__ import annotations

from ml_connector.twin.switches import Switch

EVENT_SWITCHES: dict[str, Switch] = {
    switch.name: switch
    for switch in (
        Switch(
            "event_form",
            ("business", "dataverse", "data"),
            "business",
            "with the Power Platform integration events pass through Dataverse, or are data events",
            "MS",
        ),
        Switch("event_duplicates", int, "0", "percent of events sent twice: delivery is at least once", "MS"),
        Switch(
            "event_order", ("any", "kept"), "any", "four threads send events, so their order is lost", "MS"
        ),
        Switch("event_delay_ms", int, "500", "events trail the commit by up to so many milliseconds", "INF"),
    )
}
