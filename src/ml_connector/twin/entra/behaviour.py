"""Entra ID's switches: what an administrator may have set, what can go wrong, and what no source settles."""

from __future__ import annotations

from ml_connector.twin.switches import Switch

SWITCHES: dict[str, Switch] = {
    switch.name: switch
    for switch in (
        Switch(
            "token_seconds", int, "3599", "Entra gives 60 to 90 minutes and a tenant may change it.", "MS"
        ),
        Switch(
            "secret", ("valid", "expired"), "valid", "A client secret runs out after at most two years.", "MS"
        ),
        Switch(
            "application",
            ("enabled", "disabled"),
            "enabled",
            "An administrator can disable an application, which then gets no tokens.",
            "MS",
        ),
        Switch(
            "token_failures",
            int,
            "0",
            "The token service has passing faults: so many first requests are answered with 503.",
            "MS",
        ),
        Switch(
            "loop_after",
            int,
            "0",
            "Entra stops a client that asks for the same token in a loop but does not say at which "
            "number of requests; 0 never stops it.",
            "INF",
        ),
        Switch(
            "token_version",
            ("1.0", "2.0"),
            "1.0",
            "The resource, not the token endpoint, decides on the format of its tokens, and no source says "
            "which one F&O asks for.",
            "INF",
        ),
        Switch(
            "token_signature",
            ("rs256", "opaque"),
            "rs256",
            "Tokens are signed so that anybody can verify them; a run that needs the same bytes every time "
            "can do without.",
            "MS",
        ),
        Switch(
            "resource_slash",
            ("other_audience", "refused"),
            "other_audience",
            "A resource with a slash too many gets a token for an audience that F&O refuses, or is unknown "
            "already to Entra.",
            "INF",
        ),
        Switch(
            "assertion_replay",
            ("accepted", "refused"),
            "accepted",
            "Microsoft's own clients send one assertion for several tokens until it runs out, although the "
            "jti of each is documented to be unique.",
            "CODE",
        ),
    )
}
