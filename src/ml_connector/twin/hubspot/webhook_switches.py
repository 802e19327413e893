"""What is not proven or is left to chance about HubSpot's webhooks: switches of their sender."""

from __future__ import annotations

from ml_connector.twin.switches import Switch

WEBHOOK_SWITCHES: dict[str, Switch] = {
    switch.name: switch
    for switch in (
        Switch(
            "webhook_signature",
            ("both", "v1", "v3"),
            "both",
            "Whether deliveries to private apps carry version 3 beside version 1 is unconfirmed.",
            "D",
        ),
        Switch(
            "webhook_first_values",
            ("yes", "no"),
            "yes",
            "Whether the values of a new record are told as property changes too is not documented.",
            "I",
        ),
        Switch("webhook_duplicates", int, "0", "Percent of events sent twice: documented as possible.", "D"),
        Switch(
            "webhook_losses", int, "0", "Percent of events never sent; no source promises every one.", "I"
        ),
        Switch(
            "webhook_order",
            ("kept", "any"),
            "any",
            "Events come in no particular order; kept sends them as they happened.",
            "D",
        ),
        Switch("webhook_delay_ms", int, "500", "Events trail changes by up to so many milliseconds.", "I"),
    )
}
