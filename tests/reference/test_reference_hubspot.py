"""The HubSpot twin beside the interface facts of HubSpot's API specification, file by file.

The folder of facts is named by MLC_REFERENCE_DIR and is no part of the project; without it these tests are
skipped. What differs is in one of the tables below with its reason; anything else fails.
"""

from __future__ import annotations

import json
import os
import re
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import orjson
import pytest
from tests.reference.hubspot_bench import Bench, good, oauth_form

pytestmark = pytest.mark.reference

PARTS = (
    "account-info",
    "crm-associations-schema",
    "crm-associations",
    "crm-exports",
    "crm-imports",
    "crm-limits-tracking",
    "crm-objects-companies",
    "crm-objects-contacts",
    "crm-objects-deals",
    "crm-objects-generic",
    "crm-objects-line-items",
    "crm-objects-products",
    "crm-owners",
    "crm-pipelines",
    "crm-properties",
    "crm-property-validations",
    "crm-schemas",
    "oauth",
)
VERSIONS = ("2026-03", "2026-09", "v3", "v4")

LEFT_OUT = {
    r"(POST|PATCH|DELETE) /crm-object-schemas/[^/]+/schemas(/\{objectType\}(/associations.*)?)?$": (
        "the twin has no object types of the portal's own, so nothing changes a schema"
    ),
}
# Required members that the twin does not insist on: "body type.member" -> why.
LENIENT = {
    "SimplePublicObjectInputForCreate.associations": "the guides' examples create without associations",
    "SimplePublicObjectBatchInputForCreate.associations": "the guides' examples create without associations",
    "BatchReadInputSimplePublicObjectId.properties": "a read without properties returns the default ones",
    "BatchReadInputSimplePublicObjectId.propertiesWithHistory": "a read without it returns no history",
    "PublicObjectSearchRequest.after": "optional in practice, as the search guide's examples show",
    "PublicObjectSearchRequest.filterGroups": "optional in practice, as the search guide's examples show",
    "PublicObjectSearchRequest.limit": "optional in practice, as the search guide's examples show",
    "PublicObjectSearchRequest.properties": "optional in practice, as the search guide's examples show",
    "PublicObjectSearchRequest.sorts": "optional in practice, as the search guide's examples show",
    "BatchReadInputPropertyName.archived": "public clients leave it out; it then reads live definitions",
    "BatchReadInputPropertyName.dataSensitivity": "public clients leave it out; it then reads plain definitions",
    "PublicExportViewRequest.associatedObjectType": "an export without associated objects names none",
    "PublicExportViewRequest.exportInternalValuesOptions": "an export of labels names no options",
    "PublicExportViewRequest.includeLabeledAssociations": "false when left out",
    "PublicExportViewRequest.includePrimaryDisplayPropertyForAssociatedObjects": "false when left out",
    "PublicExportViewRequest.overrideAssociatedObjectsPerDefinitionPerRowLimit": "false when left out",
}
# Fields of answers that the schema does not name: "schema.field" -> why.
MORE = {
    "*.warnings": "2026-09 pages show it, its older specification files leave it out",
    "*.url": "captures show it",
    "*.numErrors": "a batch's errors are counted where some failed",
    "*.errors": "a batch's errors are listed where some failed",
    "TokenInfoResponseBaseIF.*": "the base of two schemas that name the rest",
    "TokenResponseIF.*": "the base of two schemas that name the rest",
}


def folder() -> Path:
    named = os.environ.get("MLC_REFERENCE_DIR", "")
    if not named:
        pytest.skip("MLC_REFERENCE_DIR does not name a folder with the interface facts")
    return Path(named) / "hubspot"


def names() -> list[str]:
    named = os.environ.get("MLC_REFERENCE_DIR", "")
    if not named:
        return ["crm-objects-companies.2026-03"]
    found = [f"{part}.{version}" for part in PARTS for version in VERSIONS]
    return [name for name in found if (Path(named) / "hubspot" / f"{name}.json").exists()]


def facts(name: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((folder() / f"{name}.json").read_text(encoding="utf-8"))
    return found


def left_out(method: str, path: str) -> bool:
    if path.endswith("/batch/read"):
        return False
    return any(re.fullmatch(pattern.rstrip("$"), f"{method} {path}") for pattern in LEFT_OUT)


ENDPOINTS = [
    pytest.param(name, place, id=f"{name} {place}")
    for name in names()
    for place in range(len(facts(name)["endpoints"]) if os.environ.get("MLC_REFERENCE_DIR") else 1)
]


@pytest.mark.parametrize(("name", "place"), ENDPOINTS)
def test_each_endpoint_is_known_and_answers_as_the_specification_says(name: str, place: int) -> None:
    """Method and path are known, a good request gets a status of the list, and the answer has its fields."""
    file = facts(name)
    endpoint = file["endpoints"][place]
    if left_out(endpoint["method"], endpoint["path"]):
        return
    bench = Bench()
    if endpoint["path"].endswith("batch/update") and "configurations" in endpoint["path"]:
        bench.machine.portal.links.most[280] = 3
    target, body = good(bench, endpoint)
    accepted = {p["name"]: value(p) for p in endpoint.get("params", []) if p["in"] == "query"}
    query = f"?{urlencode(accepted)}" if accepted else ""
    answer = bench.send(endpoint["method"], target + query, body)
    statuses = {*endpoint["responses"], *later_statuses(endpoint)}
    assert str(answer.status) in statuses, (answer.status, answer.body)
    schema = (endpoint["responses"].get(str(answer.status)) or {}).get("application/json")
    if schema and answer.body:
        assert not differences(file["schemas"], schema, orjson.loads(answer.body))


def later_statuses(endpoint: dict[str, Any]) -> set[str]:
    """Statuses that the 2026-09 files leave out but their pages show, as in 2026-03."""
    if not endpoint["responses"]:
        return {"200"}  # nothing is said; a success has to be one of the plain kind
    if "2026-09" not in endpoint["path"]:
        return set()
    return {"201", "207"} if endpoint["path"].endswith("/create") else {"207"}


def value(parameter: dict[str, Any]) -> str:
    known = {
        "archived": "false",
        "limit": "5",
        "idProperty": "hs_object_id",
        "properties": "name",
        "propertiesWithHistory": "name",
        "associations": "contacts",
        "after": "0",
        "email": "kim@example.com",
        "fromObjectTypeId": "0-2",
        "toObjectTypeId": "0-1",
    }
    if parameter.get("enum"):
        return str(parameter["enum"][0])
    return known.get(parameter["name"], "false")


def differences(schemas: dict[str, Any], schema: str, got: Any) -> list[str]:
    """Required fields that are absent and fields that nobody names, through all nested schemas."""
    listed = re.fullmatch(r"array<(.+)>", schema)
    if listed:
        return (
            [word for one in got for word in differences(schemas, listed[1], one)]
            if isinstance(got, list)
            else []
        )
    mapped = re.fullmatch(r"map<(.+)>", schema)
    if mapped:
        return [word for one in got.values() for word in differences(schemas, mapped[1], one)]
    fields = schemas.get(schema)
    if not isinstance(fields, dict) or not isinstance(got, dict) or not fields or schema == "StandardError":
        return []
    found = [
        f"{schema} lacks {name}" for name, kind in fields.items() if kind.get("required") and name not in got
    ]
    for name, inside in got.items():
        if name in fields:
            found += differences(schemas, fields[name]["type"], inside)
        elif not {f"*.{name}", f"{schema}.{name}", f"{schema}.*"} & set(MORE):
            found.append(f"{schema} does not name {name}")
    return found


@pytest.mark.parametrize(("name", "place"), ENDPOINTS)
def test_a_required_member_left_out_is_refused(name: str, place: int) -> None:
    """Every required member of a body, missing, gets a refusal, or the list says why it does not."""
    file = facts(name)
    endpoint = file["endpoints"][place]
    schema = (endpoint.get("body") or {}).get("application/json", "")
    if not schema or left_out(endpoint["method"], endpoint["path"]):
        return
    if schema == "PublicExportRequest":
        schema = "PublicExportViewRequest"
    wrong = []
    for label, path in required(file["schemas"], schema):
        if label in LENIENT:
            continue
        bench = Bench()
        target, body = good(bench, endpoint)
        if not remove(body, path):
            continue
        answer = bench.send(endpoint["method"], target, body)
        refused = answer.status >= 400 or (answer.status == 207 and b'"errors"' in answer.body)
        if not refused:
            wrong.append(label)
    assert not wrong


def required(
    schemas: dict[str, Any], schema: str, path: tuple[Any, ...] = ()
) -> list[tuple[str, tuple[Any, ...]]]:
    """Every required member of a schema and of those inside it."""
    listed = re.fullmatch(r"array<(.+)>", schema)
    if listed:
        return required(schemas, listed[1], (*path, 0))
    found = []
    for member, kind in (schemas.get(schema) or {}).items():
        if kind.get("required"):
            found.append((f"{schema}.{member}", (*path, member)))
            found += required(schemas, kind["type"], (*path, member))
    return found


def remove(body: Any, path: tuple[Any, ...]) -> bool:
    """Take one member out of a body; False when the body does not have it."""
    for step in path[:-1]:
        if isinstance(body, list) and not body:
            return False
        if isinstance(body, dict) and step not in body:
            return False
        body = body[step]
    if not isinstance(body, dict) or path[-1] not in body:
        return False
    del body[path[-1]]
    return True


@pytest.mark.parametrize("version", ["2026-03", "v3"])
def test_tokens_have_the_fields_of_their_schemas(version: str) -> None:
    """The token answers, which the specification gives a base without fields, fit the schemas beside it."""
    schemas = facts(f"oauth.{version}")["schemas"]
    bench = Bench()
    token = bench.ok("POST", f"/oauth/{version}/token", oauth_form())
    assert not differences(schemas, "AccessTokenResponse", token)
    own = {"grant_type": "client_credentials", "client_id": "client", "client_secret": "secret"}
    other = bench.ok("POST", f"/oauth/{version}/token", urlencode(own).encode())
    assert not differences(schemas, "ClientCredentialsTokenResponse", other)
    about = urlencode(own | {"token": token["access_token"]}).encode()
    found = bench.ok("POST", f"/oauth/{version}/token/introspect", about)
    assert not differences(schemas, "PublicAccessTokenInfoResponse", found)
    about = urlencode(own | {"token": "refresh"}).encode()
    found = bench.ok("POST", f"/oauth/{version}/token/introspect", about)
    assert not differences(schemas, "PublicRefreshTokenInfoResponse", found)
