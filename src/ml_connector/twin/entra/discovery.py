"""What clients read before they ask for a token: metadata, signing keys, and which hosts are Microsoft's.

Sources: https://learn.microsoft.com/entra/identity-platform/v2-protocols-oidc for the metadata;
https://github.com/AzureAD/microsoft-authentication-library-for-python (msal/authority.py) for instance discovery.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from ml_connector.twin.entra.errors import AadError, missing

if TYPE_CHECKING:
    from ml_connector.twin.wire import Request

EVERYONE = frozenset({"common", "organizations", "consumers"})  # stand for any tenant
_CLOUDS: tuple[tuple[str, ...], ...] = (
    ("login.microsoftonline.com", "login.windows.net", "login.microsoft.com", "sts.windows.net"),
    ("login.partner.microsoftonline.cn", "login.chinacloudapi.cn"),
    ("login.microsoftonline.us", "login.usgovcloudapi.net"),
)


def metadata(root: str, tenant: str, *, version: int) -> dict[str, Any]:
    """OpenID metadata; ``root`` is the sign-in service as the client sees it, ``tenant`` a GUID or an alias."""
    base = f"{root}/{tenant}"
    part = "v2.0/" if version == 2 else ""  # noqa: PLR2004  of the two versions
    issued_to = "{tenantid}" if tenant in EVERYONE else tenant
    issuer = f"{root}/{issued_to}/v2.0" if part else f"https://sts.windows.net/{issued_to}/"
    return {
        "token_endpoint": f"{base}/oauth2/{part}token",
        "token_endpoint_auth_methods_supported": [
            "client_secret_post",
            "private_key_jwt",
            "client_secret_basic",
        ],
        "jwks_uri": f"{base}/discovery/{part}keys",
        "response_modes_supported": ["query", "fragment", "form_post"],
        "subject_types_supported": ["pairwise"],
        "id_token_signing_alg_values_supported": ["RS256"],
        "response_types_supported": ["code", "id_token", "code id_token", "token id_token"],
        "scopes_supported": ["openid"],
        "issuer": issuer,
        "request_uri_parameter_supported": False,
        "authorization_endpoint": f"{base}/oauth2/{part}authorize",
        "device_authorization_endpoint": f"{base}/oauth2/{part}devicecode",
        "end_session_endpoint": f"{base}/oauth2/{part}logout",
        "tenant_region_scope": None if tenant in EVERYONE else "EU",
        "cloud_instance_name": "microsoftonline.com",
        "cloud_graph_host_name": "graph.windows.net",
        "msgraph_host": "graph.microsoft.com",
    }


def instance(request: Request, *, own: str) -> dict[str, Any]:
    """Say whether the asked authority is known; ``own`` is this service's URL, known beside Microsoft's.

    A client may leave the port out of what it asks about, as msal does.
    """
    for name in ("api-version", "authorization_endpoint"):
        if not request.param(name):
            raise missing(name)
    asked = urlsplit(request.param("authorization_endpoint") or "")
    tenant = asked.path.strip("/").partition("/")[0]
    here = urlsplit(own)
    known = asked.hostname in {here.hostname, *(name for cloud in _CLOUDS for name in cloud)}
    if not known or asked.scheme not in {"https", here.scheme} or not tenant:
        raise AadError(50049, "invalid_instance", 400, "Unknown or invalid instance.")
    place = here.netloc if asked.hostname == here.hostname else asked.netloc
    scheme = here.scheme if asked.hostname == here.hostname else "https"
    part = "v2.0/" if "/v2.0/" in asked.path else ""
    found: dict[str, Any] = {
        "tenant_discovery_endpoint": f"{scheme}://{place}/{tenant}/{part}.well-known/openid-configuration"
    }
    if request.param("api-version") != "1.0":
        found |= {"api-version": "1.1", "metadata": _clouds(here.netloc)}
    return found


def _clouds(here: str) -> list[dict[str, Any]]:
    clouds = _CLOUDS if any(here in cloud for cloud in _CLOUDS) else ((here,), *_CLOUDS)
    return [
        {"preferred_network": names[0], "preferred_cache": names[1 % len(names)], "aliases": list(names)}
        for names in clouds
    ]
