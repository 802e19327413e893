"""The HubSpot twin beside the interface facts of HubSpot's API specification, file by file.

The folder of facts is named by MLC_REFERENCE_DIR and is no part of the project; without it these tests are
skipped. What differs is in one of the tables below with its reason; anything else fails.
"""

from __future__ import annotations

import itertools
import json
import os
import random
import re
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import orjson
import pytest

from ml_connector.twin.hubspot import AppAccess, HubSpotMachine, OAuthApp, Settings
from ml_connector.twin.wire import Answer, Request
from ml_connector.twin.world.model import Deal, DealLine, LegalEntity, World

pytestmark = pytest.mark.reference

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
TOKEN = "pat-na1-reference"
APP = AppAccess("client", "secret", "refresh")
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


class Bench:
    """One portal with a record of each kind, and a request for every endpoint."""

    def __init__(self) -> None:
        numbers = itertools.count(1)

        def new_id() -> str:
            return f"00000000-0000-4000-8000-{next(numbers):012}"

        self.machine = HubSpotMachine(
            world(),
            rng=random.Random(3),  # noqa: S311 - a portal's story is told
            new_id=new_id,
            switches={},
            limit=(0, 0),
            token=TOKEN,
            portal_id=4711,
            now=NOW,
            app=OAuthApp(APP, new_id=new_id, settings=Settings({})),
        )
        self.ids: dict[str, str] = {}
        for kind, values in SAMPLES.items():
            body = {"properties": values}
            made = self.ok("POST", f"/crm/objects/2026-03/{kind}", body)
            self.ids[kind] = made["id"]
        self.ids["deals"] = str(next(iter(self.machine.world_deals)))
        self.ids["quotes"] = self.machine.make_quote(self.ids["deals"], NOW, status="DRAFT", accepted=False)
        self.ok("POST", "/crm/properties/2026-03/companies", PROPERTY)
        pair = f"/crm/objects/2026-03/companies/{self.ids['companies']}/associations/default"
        self.ok("PUT", f"{pair}/contacts/{self.ids['contacts']}")
        label = {"name": "buyer", "label": "Buyer", "inverseLabel": "Bought by"}
        made = self.ok("POST", "/crm/associations/2026-03/companies/contacts/labels", label)
        self.label = made["results"][0]["typeId"]
        rule = "/crm/property-validations/2026-03/companies/city/rule-type/MAX_LENGTH"
        self.ok("PUT", rule, {"ruleArguments": ["80"]})
        self.pipeline = self.ok("POST", "/crm/pipelines/2026-03/deals", self.body("PipelineInput"))["id"]
        more = {"label": "More", "displayOrder": 2, "metadata": {"probability": "0.7"}}
        self.ok("POST", f"/crm/pipelines/2026-03/deals/{self.pipeline}/stages", more)
        self.ok("POST", "/crm/properties/2026-03/companies/groups", {"name": "empty", "label": "Empty"})
        self.stage = self.ok("GET", f"/crm/pipelines/2026-03/deals/{self.pipeline}")["stages"][0]["id"]
        self.ok("POST", "/crm/imports/2026-03", form())
        self.export = self.ok("POST", "/crm/exports/2026-03/export/async", self.body("PublicExportRequest"))[
            "id"
        ]

    def send(self, method: str, target: str, body: Any = None) -> Answer:
        kind = "application/json"
        if isinstance(body, bytes):
            kind = (
                "multipart/form-data; boundary=xx"
                if body[:2] == b"--"
                else "application/x-www-form-urlencoded"
            )
        content = body if isinstance(body, bytes) else b"" if body is None else orjson.dumps(body)
        headers = {"authorization": f"Bearer {TOKEN}", "content-type": kind}
        request = Request(method, target, headers, content)
        return self.machine.admit(request, NOW) or self.machine.handle(request, NOW)

    def ok(self, method: str, target: str, body: Any = None) -> Any:
        answer = self.send(method, target, body)
        assert answer.status < 300, (method, target, answer.status, answer.body)
        return orjson.loads(answer.body) if answer.body else None

    def target(self, path: str) -> str:
        """The path with a value for each variable part."""
        kind = next((word for word in SAMPLES if f"/{word}" in path), "companies")
        kind = "deals" if "/0-3" in path else kind
        if "/pipelines/" in path:
            kind = "deals"
        if "gdpr" in path:  # only contacts are people
            kind = "contacts"
        values = {
            "objectType": kind,
            "fromObjectType": "companies",
            "toObjectType": "contacts",
            "fromObjectTypeId": "0-2",
            "toObjectTypeId": "0-1",
            "objectTypeId": "0-2",
            "objectId": self.ids[kind],
            "fromObjectId": self.ids["companies"],
            "toObjectId": self.ids["contacts"],
            "companyId": self.ids["companies"],
            "contactId": self.ids["contacts"],
            "dealId": self.ids["deals"],
            "productId": self.ids["products"],
            "lineItemId": self.ids["line_items"],
            "ownerId": self.machine.portal.owners[0].id,
            "propertyName": "city" if "validations" in path else PROPERTY["name"],
            "groupName": "empty",
            "ruleType": "MAX_LENGTH",
            "pipelineId": self.pipeline,
            "stageId": self.stage,
            "importId": "1",
            "taskId": self.export,
            "exportId": self.export,
            "associationTypeId": str(self.label),
            "userId": "7",
        }
        return re.sub(r"\{(\w+)\}", lambda found: str(values[found[1]]), path)

    def body(self, schema: str, path: str = "") -> Any:
        """A good body of a schema."""
        kind = next((word for word in SAMPLES if f"/{word}" in path), "companies")
        kind = "deals" if "/0-3" in path else kind
        properties = {**DEAL} if kind == "deals" else {**SAMPLES[kind]}
        if "email" in properties:
            properties["email"] = f"new-{len(self.machine.portal.tables['contacts'].live)}@example.com"
        key, other = self.ids[kind], self.ids["contacts"]
        ends = {"from": {"id": self.ids["companies"]}, "to": {"id": other}}
        spec = [{"associationCategory": "HUBSPOT_DEFINED", "associationTypeId": 280}]
        stage = {"label": "Made", "displayOrder": 0, "metadata": {"isClosed": "false", "probability": "0.5"}}
        limit = {"category": "HUBSPOT_DEFINED", "typeId": 280, "maxToObjectIds": 5}
        count = len(self.machine.portal.tables["companies"].schema.properties)
        made = PROPERTY | {"name": f"made_{count}"}
        third = {"type": "company_to_contact_unlabeled"}
        bodies: dict[str, Any] = {
            "SimplePublicObjectInputForCreate": {"properties": properties, "associations": []},
            "SimplePublicObjectInput": {"properties": {}},
            "BatchInputSimplePublicObjectId": {"inputs": [{"id": key}]},
            "BatchInputSimplePublicObjectBatchInputForCreate": {
                "inputs": [{"properties": properties, "associations": []}]
            },
            "BatchReadInputSimplePublicObjectId": {
                "inputs": [{"id": key}],
                "properties": [],
                "propertiesWithHistory": [],
            },
            "BatchInputSimplePublicObjectBatchInput": {"inputs": [{"id": key, "properties": {}}]},
            "BatchInputSimplePublicObjectBatchInputUpsert": {
                "inputs": [{"id": "a@b.example.com", "idProperty": "email", "properties": {}}]
            },
            "PublicObjectSearchRequest": {
                "filterGroups": [],
                "sorts": [],
                "properties": [],
                "limit": 5,
                "after": "0",
            },
            "PublicMergeInput": {"primaryObjectId": key, "objectIdToMerge": self.second(kind)},
            "PublicGdprDeleteInput": {"objectId": self.ids["contacts"]},
            "BatchInputPublicAssociationMultiArchive": {
                "inputs": [{"from": ends["from"], "to": [ends["to"]]}]
            },
            "BatchInputPublicDefaultAssociationMultiPost": {"inputs": [ends]},
            "BatchInputPublicAssociationMultiPost": {"inputs": [ends | {"types": spec}]},
            "BatchInputPublicFetchAssociationsBatchRequest": {"inputs": [ends["from"]]},
            "array<AssociationSpec>": spec,
            "BatchInputPublicAssociation": {"inputs": [ends | third]},
            "BatchInputPublicObjectId": {"inputs": [ends["from"]]},
            "PublicAssociationDefinitionCreateRequest": {"label": f"L{count}", "name": f"l{count}"},
            "PublicAssociationDefinitionUpdateRequest": {
                "associationTypeId": getattr(self, "label", 0),
                "label": "N",
            },
            "BatchInputPublicAssociationDefinitionConfigurationCreateRequest": {"inputs": [limit]},
            "BatchInputPublicAssociationDefinitionConfigurationUpdateRequest": {"inputs": [limit]},
            "BatchInputPublicAssociationSpec": {"inputs": [{"category": "HUBSPOT_DEFINED", "typeId": 280}]},
            "PropertyCreate": made,
            "PropertyUpdate": {"label": "Other"},
            "BatchInputPropertyCreate": {"inputs": [made]},
            "BatchInputPropertyName": {"inputs": [{"name": PROPERTY["name"]}]},
            "BatchReadInputPropertyName": {
                "inputs": [{"name": PROPERTY["name"]}],
                "archived": False,
                "dataSensitivity": "non_sensitive",
            },
            "PropertyGroupCreate": {"name": f"group_{count}", "label": "G", "displayOrder": 1},
            "PropertyGroupUpdate": {"label": "G"},
            "PublicPropertyValidationRuleUpdate": {"ruleArguments": ["70"]},
            "PipelineInput": {
                "label": f"P{len(self.machine.portal.pipelines.all)}",
                "displayOrder": 7,
                "stages": [stage],
            },
            "PipelineReplaceInput": {"label": "P again", "displayOrder": 7, "stages": [stage]},
            "PipelinePatchInput": {"label": "P once more"},
            "PipelineStageInput": stage,
            "PipelineStageReplaceInput": stage,
            "PipelineStagePatchInput": {"metadata": stage["metadata"]},
            "ObjectSchemaBatchReadRequest": {
                "inputs": ["companies"],
                "includeAssociationDefinitions": True,
                "includeAuditMetadata": False,
                "includePropertyDefinitions": True,
            },
            "PublicExportRequest": EXPORT,
            "PublicExportViewRequest": EXPORT,
        }
        return json.loads(json.dumps(bodies[schema]))

    def second(self, kind: str) -> str:
        """Another record of a kind, to merge."""
        if not hasattr(self, "stage"):
            return "1"
        made = self.ok("POST", f"/crm/objects/2026-03/{kind}", {"properties": self.fresh(kind)})
        return str(made["id"])

    def fresh(self, kind: str) -> dict[str, str]:
        values = dict(SAMPLES.get(kind, DEAL))
        if "email" in values:
            values["email"] = f"second-{len(self.machine.portal.tables[kind].records)}@example.com"
        return values


SAMPLES: dict[str, dict[str, str]] = {
    "companies": {"name": "Adler"},
    "contacts": {"firstname": "Ada", "email": "ada@example.com"},
    "products": {"name": "Pump", "price": "10"},
    "line_items": {"name": "Pump", "price": "10", "quantity": "2"},
}
DEAL = {"dealname": "D", "dealstage": "closedwon"}
PROPERTY = {
    "name": "made",
    "label": "Made",
    "type": "string",
    "fieldType": "text",
    "groupName": "companyinformation",
}
EXPORT = {
    "exportType": "VIEW",
    "format": "CSV",
    "exportName": "all",
    "language": "EN",
    "objectType": "COMPANY",
    "objectProperties": ["name"],
    "associatedObjectType": [],
    "exportInternalValuesOptions": [],
    "includeLabeledAssociations": False,
    "includePrimaryDisplayPropertyForAssociatedObjects": False,
    "overrideAssociatedObjectsPerDefinitionPerRowLimit": False,
}


def world() -> World:
    line = DealLine("P-1", Decimal(1), discount_percent=Decimal(0))
    deal = Deal("D", "Sales", "open", "Adler", "USD", 30, "kim@example.com", "", (line,))
    entity = LegalEntity("usmf", "USMF", "USD", "US", "USA", "en-US", "GMT", "1", "11")
    stages = (("First", "open", False, "0.2"), ("Won", "won", True, "1.0"), ("Lost", "lost", True, "0.0"))
    return World(
        seed=1,
        legal_entities=(entity,),
        customers=(),
        products=(),
        releases=(),
        deals=(deal,),
        dimensions=(),
        dimension_delimiter="-",
        dimension_values={},
        customer_groups=(),
        payment_terms=(),
        owners=(("kim@example.com", "Kim", "Berg"),),
        pipelines=(("Sales", stages),),
    )


def form() -> bytes:
    columns = [{"columnObjectTypeId": "0-2", "columnName": "Name", "propertyName": "name"}]
    order = {"name": "n", "files": [{"fileName": "a.csv", "fileImportPage": {"columnMappings": columns}}]}
    head = b'--xx\r\nContent-Disposition: form-data; name="importRequest"\r\n\r\n' + orjson.dumps(order)
    file = (
        b'\r\n--xx\r\nContent-Disposition: form-data; name="files"; filename="a.csv"\r\n\r\nName\r\nBirk\r\n'
    )
    return head + file + b"\r\n--xx--\r\n"


def oauth_form() -> bytes:
    given = {"grant_type": "refresh_token", "client_id": "client", "client_secret": "secret"}
    return urlencode(given | {"refresh_token": "refresh", "token": "refresh"}).encode()


def left_out(method: str, path: str) -> bool:
    if path.endswith("/batch/read"):
        return False
    return any(re.fullmatch(pattern.rstrip("$"), f"{method} {path}") for pattern in LEFT_OUT)


def good(bench: Bench, endpoint: dict[str, Any]) -> tuple[str, Any]:
    """A target and a body that the endpoint takes."""
    path = endpoint["path"]
    bodies = endpoint.get("body") or {}
    body: Any = None
    if "application/json" in bodies:
        body = bench.body(bodies["application/json"], path)
        if bodies["application/json"].endswith("Upsert") and "contacts" not in path:
            path = re.sub(r"(objects/[^/]+)/[^/]+/batch|(v3/objects)/[^/]+/batch", contacts, path)
    elif "multipart/form-data" in bodies:
        body = form()
    elif bodies:
        body = oauth_form()
    return bench.target(path), body


def contacts(found: re.Match[str]) -> str:
    return f"{found[1] or found[2]}/contacts/batch"


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
