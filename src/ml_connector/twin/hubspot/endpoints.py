"""The table of endpoints: each path with its operation, its scopes, its quota and the evidence for it.

Facts: https://developers.hubspot.com/docs/guides/crm/using-object-apis and the API specification,
https://github.com/HubSpot/HubSpot-public-api-spec-collection
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ml_connector.twin.hubspot import (
    account,
    association_labels,
    association_routes,
    associations_v3,
    batch,
    currencies,
    exports,
    former,
    imports,
    lifecycle,
    object_schemas,
    objects,
    pipeline_routes,
    property_routes,
    search,
    usage,
    validation_routes,
)
from ml_connector.twin.hubspot.routing import Route

if TYPE_CHECKING:
    from ml_connector.twin.evidence import Evidence
    from ml_connector.twin.hubspot.account import Account
    from ml_connector.twin.hubspot.limits import Pool
    from ml_connector.twin.hubspot.oauth import OAuthApp
    from ml_connector.twin.hubspot.routing import Access, Operation


def make_routes(owner: Account, app: OAuthApp) -> list[Route]:
    """All endpoints of one portal."""
    return [
        *_object_routes(),
        *_association_routes(),
        *_label_routes(),
        *_property_routes(),
        *_pipeline_routes(),
        *_account_routes(owner),
        *_oauth_routes(owner, app),
        *_transfer_routes(),
        *_former_routes(),
    ]


def _route(  # noqa: PLR0917 - the columns of a table, read by their places
    resource: str,
    method: str,
    pattern: str,
    operation: Operation,
    access: Access,
    pool: Pool = "plain",
    *,
    reads: bool | None = None,
    evidence: Evidence = "S",
) -> Route:
    segments = tuple(pattern.split("/")) if pattern else ()
    read_only = method == "GET" if reads is None else reads
    return Route(resource, method, segments, operation, access, pool, read_only, evidence)


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
        return _route("objects", method, pattern, operation, access, pool, reads=reads)

    return [
        route("GET", "{type}", objects.list_records, "read", reads=True),
        route("POST", "{type}", objects.create_record, "write"),
        route("POST", "{type}/search", search.search, "read", "search", reads=True),
        route("POST", "{type}/merge", lifecycle.merge, "write"),
        route("POST", "{type}/gdpr-delete", lifecycle.delete_for_privacy, "write"),
        route("GET", "{type}/{id}", objects.get_record, "read", reads=True),
        route("PATCH", "{type}/{id}", objects.update_record, "write"),
        route("DELETE", "{type}/{id}", objects.archive_record, "write"),
        route("POST", "{type}/batch/read", batch.read_batch, "read", reads=True),
        route("POST", "{type}/batch/create", batch.create_batch, "write"),
        route("POST", "{type}/batch/update", batch.update_batch, "write"),
        route("POST", "{type}/batch/upsert", batch.upsert_batch, "write"),
        route("POST", "{type}/batch/archive", batch.archive_batch, "write"),
    ]


def _association_routes() -> list[Route]:
    def route(method: str, pattern: str, operation: Operation, *, reads: bool = False) -> Route:
        resource = "object-associations" if "{id}" in pattern else "associations"
        access: Access = "links" if reads else "links-write"
        return _route(resource, method, pattern, operation, access, "association", reads=reads)

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
        return _route("properties", method, pattern, operation, access, reads=reads)

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


def _label_routes() -> list[Route]:
    def route(method: str, pattern: str, operation: Operation, *, reads: bool | None = None) -> Route:
        access: Access = "any-object" if "{" not in pattern else "links" if method == "GET" else "links-write"
        return _route("associations", method, pattern, operation, access, "association", reads=reads)

    def old(word: str, operation: Operation, access: Access, *, reads: bool = False) -> Route:
        path = f"{{from}}/{{to}}/batch/{word}"
        return _route("associations-v3", "POST", path, operation, access, "association", reads=reads)

    labels, configured = association_labels, "definitions/configurations/{from}/{to}"
    third = associations_v3
    return [
        route("POST", "{from}/{to}/labels", labels.create_label),
        route("PUT", "{from}/{to}/labels", labels.update_label),
        route("DELETE", "{from}/{to}/labels/{type_id}", labels.delete_label),
        route("GET", "definitions/configurations/all", labels.all_configurations),
        route("GET", configured, labels.list_configurations),
        route("POST", f"{configured}/batch/create", labels.create_configurations),
        route("POST", f"{configured}/batch/update", labels.update_configurations),
        route("POST", f"{configured}/batch/purge", labels.purge_configurations),
        route("POST", "usage/high-usage-report/{user}", labels.report_usage, reads=True),
        old("read", third.read_batch, "links", reads=True),
        old("create", third.create_batch, "links-write"),
        old("archive", third.archive_batch, "links-write"),
    ]


def _pipeline_routes() -> list[Route]:
    def route(method: str, pattern: str, operation: Operation) -> Route:
        return _route(
            "pipelines", method, pattern, operation, "pipelines" if method == "GET" else "schema-write"
        )

    made = pipeline_routes
    return [
        route("GET", "{type}", made.list_pipelines),
        route("POST", "{type}", made.create_pipeline),
        route("GET", "{type}/{pipeline}", made.get_pipeline),
        route("PUT", "{type}/{pipeline}", made.replace_pipeline),
        route("PATCH", "{type}/{pipeline}", made.update_pipeline),
        route("DELETE", "{type}/{pipeline}", made.delete_pipeline),
        route("GET", "{type}/{pipeline}/audit", made.audit_pipeline),
        route("GET", "{type}/{pipeline}/stages", made.list_stages),
        route("POST", "{type}/{pipeline}/stages", made.create_stage),
        route("GET", "{type}/{pipeline}/stages/{stage}", made.get_stage),
        route("PUT", "{type}/{pipeline}/stages/{stage}", made.replace_stage),
        route("PATCH", "{type}/{pipeline}/stages/{stage}", made.update_stage),
        route("DELETE", "{type}/{pipeline}/stages/{stage}", made.delete_stage),
        route("GET", "{type}/{pipeline}/stages/{stage}/audit", made.audit_stage),
    ]


def _account_routes(owner: Account) -> list[Route]:
    def limits(pattern: str, operation: Operation) -> Route:
        return _route("limits", "GET", pattern, operation, "any-object")

    def rules(method: str, pattern: str, operation: Operation) -> Route:
        access: Access = "schema" if method == "GET" else "schema-write"
        return _route("property-validations", method, pattern, operation, access)

    schemas = object_schemas
    return [
        _route("owners", "GET", "", account.list_owners, "owners"),
        _route("owners", "GET", "{id}", account.get_owner, "owners"),
        _route("account-info", "GET", "details", owner.details, "token"),
        _route("account-info", "GET", "api-usage/daily/private-apps", owner.daily_usage, "token"),
        _route("currencies", "GET", "company-currency", currencies.company_currency, "token", evidence="I"),
        _route("currencies", "GET", "codes", currencies.codes, "token", evidence="I"),
        _route("currencies", "GET", "exchange-rates", currencies.exchange_rates, "token", evidence="I"),
        _route(
            "currencies", "GET", "exchange-rates/current", currencies.exchange_rates, "token", evidence="I"
        ),
        limits("records", usage.records),
        limits("pipelines", usage.pipelines),
        limits("custom-properties", usage.custom_properties),
        limits("calculated-properties", usage.calculated_properties),
        limits("custom-object-types", usage.custom_object_types),
        limits("associations/labels", usage.association_labels),
        limits("associations/records/from", usage.near_limit),
        limits("associations/records/{type}/to", usage.near_limit),
        limits("associations/records/{from}/{to}", usage.association_records),
        rules("GET", "{type}", validation_routes.list_all),
        rules("GET", "{type}/{name}", validation_routes.list_rules),
        rules("GET", "{type}/{name}/rule-type/{rule}", validation_routes.get_rule),
        rules("PUT", "{type}/{name}/rule-type/{rule}", validation_routes.set_rule),
        _route("schemas", "GET", "", schemas.list_schemas, "schema-list"),
        _route("schemas", "POST", "batch/read", schemas.read_schemas, "token", reads=True),
        _route("schemas", "GET", "{type}", schemas.get_schema, "token"),
    ]


def _oauth_routes(owner: Account, app: OAuthApp) -> list[Route]:
    def route(
        resource: str, method: str, pattern: str, operation: Operation, evidence: Evidence = "S"
    ) -> Route:
        return _route(resource, method, pattern, operation, "open", "none", reads=True, evidence=evidence)

    return [
        route("oauth-page", "GET", "authorize", app.authorize, "D"),
        route("oauth", "POST", "token", app.ask),
        route("oauth", "POST", "token/introspect", app.introspect),
        route("oauth", "POST", "token/revoke", app.revoke),
        route("oauth-v1", "GET", "access-tokens/{token}", app.access_token),
        route("oauth-v1", "GET", "refresh-tokens/{token}", app.refresh_token),
        route("oauth-v1", "DELETE", "refresh-tokens/{token}", app.delete_refresh_token),
        route("oauth-v2", "POST", "private-apps/get/access-token-info", owner.token_info, "D"),
    ]


def _transfer_routes() -> list[Route]:
    return [
        _route("imports", "GET", "", imports.list_imports, "imports"),
        _route("imports", "POST", "", imports.start_import, "imports"),
        _route("imports", "GET", "{id}", imports.get_import, "imports"),
        _route("imports", "POST", "{id}/cancel", imports.cancel_import, "imports"),
        _route("imports", "GET", "{id}/errors", imports.list_errors, "imports"),
        _route("exports", "POST", "export/async", exports.start_export, "exports", reads=True),
        _route("exports", "GET", "export/async/tasks/{id}/status", exports.task_status, "exports"),
        _route("exports", "GET", "export/{id}", exports.get_export, "exports"),
        _route("export-files", "GET", "{id}", exports.download, "open", "none", evidence="I"),
    ]


def _former_routes() -> list[Route]:
    def route(resource: str, pattern: str, operation: Operation, access: Access = "schema") -> Route:
        return _route(resource, "GET", pattern, operation, access, evidence="I")

    return [
        route("properties-v1", "{type}/properties", former.list_properties),
        route("properties-v1", "{type}/properties/named/{name}", former.get_property),
        route("properties-v1", "{type}/groups", former.list_groups),
        route("properties-v2", "{type}/properties", former.list_properties),
        route("properties-v2", "{type}/properties/named/{name}", former.get_property),
        route("properties-v2", "{type}/groups", former.list_groups),
        route("pipelines-v1", "{type}", former.list_pipelines, "pipelines"),
    ]
