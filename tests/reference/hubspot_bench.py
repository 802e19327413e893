"""One portal with something of every kind in it, and a good request for every endpoint of HubSpot."""

from __future__ import annotations

import itertools
import json
import random
import re
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from urllib.parse import urlencode

import orjson

from ml_connector.twin.hubspot import AppAccess, HubSpotMachine, OAuthApp, Settings
from ml_connector.twin.wire import Answer, Request
from ml_connector.twin.world.model import Deal, DealLine, LegalEntity, World

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
TOKEN = "pat-na1-reference"
APP = AppAccess("client", "secret", "refresh")


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
