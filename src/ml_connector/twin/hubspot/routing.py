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

from ml_connector.twin.hubspot import (
    account,
    association_routes,
    batch,
    lifecycle,
    objects,
    property_routes,
    search,
)
from ml_connector.twin.hubspot.calls import Call
from ml_connector.twin.hubspot.object_types import object_type
from ml_connector.twin.hubspot.versions import VERSIONS, Version
from ml_connector.twin.wire import Answer

if TYPE_CHECKING:
    from ml_connector.twin.hubspot.account import Account
    from ml_connector.twin.hubspot.limits import Pool

_CRM_PREFIX = 3  # crm, resource and version, in either order
Operation = Callable[[Call], Answer]
Access = Literal[
    "open", "token", "read", "write", "schema", "schema-write", "links", "links-write", "pipelines", "owners"
]


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

    def __init__(self, owner: Account) -> None:
        self._routes: dict[tuple[str, str, int], list[Route]] = {}
        for route in _routes(owner):
            key = (route.resource, route.method, len(route.pattern))
            self._routes.setdefault(key, []).append(route)

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


def locate(raw_path: str) -> tuple[tuple[str, ...], Version, list[str]] | None:
    """The resources a path may name, its version, and the segments after both."""
    parts = [unquote(part) for part in raw_path.strip("/").split("/")]
    if parts[0] == "crm" and len(parts) >= _CRM_PREFIX:
        named, version, rest = (
            (parts[2], parts[1], parts[3:])
            if parts[1] in VERSIONS and parts[1].startswith("v")
            else (parts[1], parts[2], parts[3:])
        )
        if version in VERSIONS and (version == parts[1] or not version.startswith("v")):
            names = ("objects", "object-associations") if named == "objects" else (named,)
            return names, VERSIONS[version], rest
    elif parts[0] == "account-info" and len(parts) > 1 and parts[1] in VERSIONS:
        return ("account-info",), VERSIONS[parts[1]], parts[2:]
    elif parts[0] == "oauth":
        return ("oauth",), VERSIONS["2026-03"], parts[1:]
    return None


def scopes_for(found: Found) -> tuple[str, ...]:
    """Any one of these scopes opens the endpoint; none are needed when empty."""
    access, args = found.route.access, found.args
    if access == "owners":
        return ("crm.objects.owners.read",)
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


def _routes(owner: Account) -> list[Route]:
    return [*_object_routes(), *_association_routes(), *_property_routes(), *_account_routes(owner)]


def _object_routes() -> list[Route]:
    def route(
        method: str,
        pattern: str,
        operation: Operation,
        access: Access,
        pool: Pool = "plain",
        *,
        reads: bool = False,
    ) -> Route:
        return Route("objects", method, tuple(pattern.split("/")), operation, access, pool, reads)

    return [
        route("GET", "{type}", objects.list_records, "read", reads=True),
        route("POST", "{type}", objects.create_record, "write"),
        route("POST", "{type}/search", search.search, "read", "search", reads=True),
        route("POST", "{type}/merge", lifecycle.merge, "write"),
        route("POST", "contacts/gdpr-delete", _privacy, "write"),
        route("POST", "contact/gdpr-delete", _privacy, "write"),
        route("POST", "0-1/gdpr-delete", _privacy, "write"),
        route("GET", "{type}/{id}", objects.get_record, "read", reads=True),
        route("PATCH", "{type}/{id}", objects.update_record, "write"),
        route("DELETE", "{type}/{id}", objects.archive_record, "write"),
        route("POST", "{type}/batch/read", batch.read_batch, "read", reads=True),
        route("POST", "{type}/batch/create", batch.create_batch, "write"),
        route("POST", "{type}/batch/update", batch.update_batch, "write"),
        route("POST", "{type}/batch/upsert", batch.upsert_batch, "write"),
        route("POST", "{type}/batch/archive", batch.archive_batch, "write"),
    ]


def _privacy(call: Call) -> Answer:
    return lifecycle.delete_for_privacy(
        Call(call.portal, call.version, call.request, {**call.args, "type": "contacts"})
    )


def _association_routes() -> list[Route]:
    def route(method: str, pattern: str, operation: Operation, *, reads: bool = False) -> Route:
        resource = "object-associations" if "{id}" in pattern else "associations"
        access: Access = "links" if reads else "links-write"
        return Route(resource, method, tuple(pattern.split("/")), operation, access, "association", reads)

    routes = association_routes
    return [
        route("GET", "{from}/{id}/associations/{to}", routes.read_associations, reads=True),
        route("PUT", "{from}/{id}/associations/default/{to}/{to_id}", routes.set_default),
        route("PUT", "{from}/{id}/associations/{to}/{to_id}", routes.set_labels),
        route("DELETE", "{from}/{id}/associations/{to}/{to_id}", routes.remove_pair),
        route("POST", "{from}/{to}/batch/read", routes.read_batch, reads=True),
        route("POST", "{from}/{to}/batch/create", routes.create_batch),
        route("POST", "{from}/{to}/batch/associate/default", routes.create_default_batch),
        route("POST", "{from}/{to}/batch/archive", routes.archive_batch),
        route("POST", "{from}/{to}/batch/labels/archive", routes.archive_labels_batch),
        route("GET", "{from}/{to}/labels", routes.list_labels, reads=True),
    ]


def _property_routes() -> list[Route]:
    def route(method: str, pattern: str, operation: Operation, *, reads: bool = False) -> Route:
        access: Access = "schema" if reads else "schema-write"
        return Route("properties", method, tuple(pattern.split("/")), operation, access, reads=reads)

    routes = property_routes
    return [
        route("GET", "{type}", routes.list_properties, reads=True),
        route("POST", "{type}", routes.create_property),
        route("GET", "{type}/groups", routes.list_groups, reads=True),
        route("POST", "{type}/groups", routes.create_group),
        route("GET", "{type}/groups/{name}", routes.get_group, reads=True),
        route("PATCH", "{type}/groups/{name}", routes.update_group),
        route("DELETE", "{type}/groups/{name}", routes.delete_group),
        route("POST", "{type}/batch/create", routes.create_properties),
        route("POST", "{type}/batch/read", routes.read_properties, reads=True),
        route("POST", "{type}/batch/archive", routes.archive_properties),
        route("GET", "{type}/{name}", routes.get_property, reads=True),
        route("PATCH", "{type}/{name}", routes.update_property),
        route("DELETE", "{type}/{name}", routes.archive_property),
    ]


def _account_routes(owner: Account) -> list[Route]:
    def route(
        resource: str,
        pattern: str,
        operation: Operation,
        access: Access,
        *,
        method: str = "GET",
        pool: Pool = "plain",
    ) -> Route:
        segments = tuple(pattern.split("/")) if pattern else ()
        return Route(resource, method, segments, operation, access, pool, reads=True)

    return [
        route("pipelines", "{type}", account.list_pipelines, "pipelines"),
        route("pipelines", "{type}/{pipeline}", account.get_pipeline, "pipelines"),
        route("pipelines", "{type}/{pipeline}/stages", account.list_stages, "pipelines"),
        route("owners", "", account.list_owners, "owners"),
        route("owners", "{id}", account.get_owner, "owners"),
        route("account-info", "details", owner.details, "token"),
        route("account-info", "api-usage/daily/private-apps", owner.daily_usage, "token"),
        route(
            "oauth",
            "v2/private-apps/get/access-token-info",
            owner.token_info,
            "open",
            method="POST",
            pool="none",
        ),
    ]
