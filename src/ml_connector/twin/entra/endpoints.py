"""The endpoints of Entra ID that the twin answers, and how a path is told to be one of them."""

from __future__ import annotations

import re

from ml_connector.twin.evidence import Endpoint

ENDPOINTS: tuple[Endpoint, ...] = (
    Endpoint(
        "entra",
        "POST",
        "/{tenant}/oauth2/v2.0/token",
        "issues a token for a scope, against a client secret or a signed assertion",
        "MS",
    ),
    Endpoint(
        "entra",
        "POST",
        "/{tenant}/oauth2/token",
        "issues a token for a resource; its numbers arrive as strings",
        "MS",
    ),
    Endpoint(
        "entra",
        "GET",
        "/{tenant}/v2.0/.well-known/openid-configuration",
        "names the endpoints of version 2",
        "MS",
    ),
    Endpoint(
        "entra",
        "GET",
        "/{tenant}/.well-known/openid-configuration",
        "names the endpoints of version 1",
        "MS",
    ),
    Endpoint(
        "entra",
        "GET",
        "/{tenant}/discovery/v2.0/keys",
        "gives the keys that tokens are signed with, with their issuer",
        "MS",
    ),
    Endpoint("entra", "GET", "/{tenant}/discovery/keys", "gives the keys that tokens are signed with", "MS"),
    Endpoint(
        "entra",
        "GET",
        "/common/discovery/instance",
        "tells whether a sign-in host is one of Microsoft's, and its other names",
        "CODE",
    ),
)

TOKEN_PATHS = {"v2": "oauth2/v2.0/token", "v1": "oauth2/token"}
_OWN_PATH = re.compile(
    r"/(?P<tenant>[^/]+)/(?P<what>oauth2/(?:v2\.0/)?token|(?:v2\.0/)?\.well-known/openid-configuration"
    r"|discovery/(?:v2\.0/)?keys|discovery/instance)"
)


def parse_path(path: str) -> tuple[str, str] | None:
    """The tenant and the rest of one of Entra's paths; None when the path is not Entra's."""
    found = _OWN_PATH.fullmatch(path)
    return (found["tenant"], found["what"]) if found is not None else None
