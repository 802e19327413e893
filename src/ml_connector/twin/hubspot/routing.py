"""From a request to the operation that answers it: paths of every version, as one table.

``{type}``, ``{from}`` and ``{to}`` take a plural name, a singular name or a type id.
Facts: https://developers.hubspot.com/docs/guides/crm/using-object-apis and
https://developers.hubspot.com/docs/developer-tooling/platform/versioning
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal
from urllib.parse import unquote

from ml_connector.twin.evidence import Endpoint, Evidence
from ml_connector.twin.hubspot.calls import Call
from ml_connector.twin.hubspot.object_types import TYPES, object_type
from ml_connector.twin.hubspot.versions import VERSIONS, Version
from ml_connector.twin.wire import Answer

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ml_connector.twin.hubspot.limits import Pool

_CRM_PREFIX = 3  # crm, resource and version, in either order
Operation = Callable[[Call], Answer]
Access = Literal[
    "open",
    "token",
    "read",
    "write",
    "schema",
    "schema-write",
    "links",
    "links-write",
    "pipelines",
    "owners",
    "imports",
    "exports",
    "schema-list",
    "any-object",
]
# Where a resource is found: the roots of its paths, with {v} for the date versions.
FORMS: dict[str, tuple[str, ...]] = {
    "objects": ("/crm/objects/{v}", "/crm/v3/objects"),
    "object-associations": ("/crm/objects/{v}", "/crm/v4/objects"),
    "associations": ("/crm/associations/{v}", "/crm/v4/associations", "/crm/associations/v4"),
    "associations-v3": ("/crm/v3/associations",),
    "properties": ("/crm/properties/{v}", "/crm/v3/properties"),
    "property-validations": ("/crm/property-validations/{v}", "/crm/v3/property-validations"),
    "pipelines": ("/crm/pipelines/{v}", "/crm/v3/pipelines"),
    "owners": ("/crm/owners/{v}", "/crm/v3/owners"),
    "limits": ("/crm/limits/{v}", "/crm/v3/limits"),
    "imports": ("/crm/imports/{v}", "/crm/v3/imports"),
    "exports": ("/crm/exports/{v}", "/crm/v3/exports"),
    "schemas": ("/crm-object-schemas/{v}/schemas", "/crm-object-schemas/v3/schemas", "/crm/v3/schemas"),
    "account-info": ("/account-info/{v}", "/account-info/v3"),
    "oauth": ("/oauth/{v}", "/oauth/v3", "/oauth/v1"),
    "oauth-v1": ("/oauth/v1",),
    "oauth-v2": ("/oauth/v2",),
    "oauth-page": ("/oauth",),
    "properties-v1": ("/properties/v1",),
    "properties-v2": ("/properties/v2",),
    "pipelines-v1": ("/crm-pipelines/v1/pipelines",),
    "currencies": ("/settings/v3/currencies",),
    "export-files": ("/export-files",),
}
_FIXED_SCOPES: dict[Access, tuple[str, ...]] = {
    "owners": ("crm.objects.owners.read",),
    "imports": ("crm.import",),
    "exports": ("crm.export",),
    "schema-list": ("crm.schemas.custom.read", "crm.objects.custom.read"),
    "any-object": tuple(scope for kind in TYPES for scope in (*kind.read_scopes(), *kind.write_scopes())),
}


@dataclass(frozen=True, slots=True)
class Route:
    """One endpoint: where it is, what it does, which scopes open it, which quota it uses."""

    resource: str
    method: str
    pattern: tuple[str, ...]
    operation: Operation
    access: Access
    pool: Pool = "plain"
    reads: bool = False  # whether it leaves the portal unchanged
    evidence: Evidence = "S"

    def match(self, segments: list[str]) -> dict[str, str] | None:
        """The path's arguments when its segments fit."""
        args = {}
        for mine, given in zip(self.pattern, segments, strict=True):
            if mine.startswith("{"):
                args[mine[1:-1]] = given
            elif mine != given:
                return None
        return args


@dataclass(frozen=True, slots=True)
class Found:
    """A request's route, version and path arguments."""

    route: Route
    version: Version
    args: dict[str, str]


class Router:
    """The table of all endpoints of one portal."""

    def __init__(self, routes: Iterable[Route]) -> None:
        self.routes = tuple(routes)
        self._routes: dict[tuple[str, str, int], list[Route]] = {}
        for route in self.routes:
            key = (route.resource, route.method, len(route.pattern))
            self._routes.setdefault(key, []).append(route)
        self._methods = sorted({route.method for route in self.routes})

    def find(self, method: str, raw_path: str) -> Found | None:
        """The endpoint a request is for; None when there is none."""
        located = locate(raw_path)
        if located is None:
            return None
        resources, version, segments = located
        for resource in resources:
            if version.only and resource not in version.only:
                continue
            for route in self._routes.get((resource, method, len(segments)), ()):
                args = route.match(segments)
                if args is not None:
                    return Found(route, version, args)
        return None

    def methods(self, raw_path: str) -> list[str]:
        """The methods a path takes."""
        return [method for method in self._methods if self.find(method, raw_path) is not None]


def locate(raw_path: str) -> tuple[tuple[str, ...], Version, list[str]] | None:
    """The resources a path may name, its version, and the segments after both."""
    parts = [unquote(part) for part in raw_path.strip("/").split("/")]
    if parts[0] == "crm" and len(parts) >= _CRM_PREFIX:
        return _locate_crm(parts)
    outside = _OUTSIDE.get(parts[0])
    if outside is None:
        return None
    names, after = outside
    version = VERSIONS.get(parts[1]) if len(parts) > 1 else None
    if parts[0] in _UNVERSIONED or parts[:2] == ["oauth", "authorize"]:
        return ("oauth-page",) if parts[0] == "oauth" else names, VERSIONS["2026-03"], parts[1:]
    if version is None or parts[2 : 2 + len(after)] != after:
        return None
    named = tuple(f"{name[:-1]}{version.name}" if name.endswith("*") else name for name in names)
    return named, version, parts[2 + len(after) :]


# First segment -> the resources it may mean ("*" stands for the version) and what must follow the version.
_OUTSIDE: dict[str, tuple[tuple[str, ...], list[str]]] = {
    "account-info": (("account-info",), []),
    "oauth": (("oauth", "oauth-*"), []),
    "properties": (("properties-*",), []),
    "crm-object-schemas": (("schemas",), ["schemas"]),
    "crm-pipelines": (("pipelines-*",), ["pipelines"]),
    "settings": (("currencies",), ["currencies"]),
    "export-files": (("export-files",), []),
}
_UNVERSIONED = frozenset({"export-files"})


def _locate_crm(parts: list[str]) -> tuple[tuple[str, ...], Version, list[str]] | None:
    """``/crm/{resource}/{date}/...`` or ``/crm/v3/{resource}/...``; association schemas put v4 last as well."""
    old = parts[1] in VERSIONS and parts[1].startswith("v")
    named, version = (parts[2], parts[1]) if old else (parts[1], parts[2])
    if version not in VERSIONS or (
        not old and version.startswith("v") and (named, version) != ("associations", "v4")
    ):
        return None
    names: tuple[str, ...] = (named,)
    if named == "objects":
        names = ("objects", "object-associations")
    elif (named, version) == ("associations", "v3"):
        names = ("associations-v3",)
    return names, VERSIONS[version], parts[3:]


def endpoints(routes: Iterable[Route]) -> list[Endpoint]:
    """Every endpoint under every form of its path."""
    found = []
    for route in routes:
        does = (route.operation.__doc__ or "").strip().splitlines()[0]
        for form in FORMS[route.resource]:
            path = "/".join((form, *route.pattern))
            found.append(Endpoint("hubspot", route.method, path, does, route.evidence))
    return found


def scopes_for(found: Found) -> tuple[str, ...]:
    """Any one of these scopes opens the endpoint; none are needed when empty."""
    access, args = found.route.access, found.args
    if access in _FIXED_SCOPES:
        return _FIXED_SCOPES[access]
    names = [args[name] for name in ("type", "from", "to") if name in args]
    kinds = [kind for name in names if (kind := object_type(name)) is not None]
    scopes: list[str] = []
    for kind in kinds:
        readable = [*kind.read_scopes(), f"crm.schemas.{kind.name}.read"]
        if access == "read":
            scopes += kind.read_scopes()
        elif access in {"write", "links-write"}:
            scopes += kind.write_scopes()
        elif access == "schema-write":
            scopes += kind.schema_write_scopes()
        elif access == "links":
            scopes += [*kind.read_scopes(), *kind.write_scopes()]
        elif access in {"schema", "pipelines"}:
            scopes += [*readable, *kind.write_scopes()]
    return tuple(dict.fromkeys(scopes))
