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
            "With the Power Platform integration events pass through Dataverse, or are data events.",
            "MS",
        ),
        Switch(
            "event_posts",
            ("single", "bundled"),
            "single",
            "It is not known whether several events may share a POST; bundled, they come as an array.",
            "INF",
        ),
        Switch(
            "event_duplicates",
            int,
            "0",
            "So many percent of events are sent twice: delivery is at least once.",
            "MS",
        ),
        Switch(
            "event_order", ("any", "kept"), "any", "Four threads send events, so their order is lost.", "MS"
        ),
        Switch("event_delay_ms", int, "500", "Events trail the commit by up to so many milliseconds.", "INF"),
    )
}
