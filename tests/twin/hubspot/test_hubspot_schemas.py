"""What a portal's admin arranges: labels, limits, pipelines, validation rules; and what the account shows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import orjson
import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.twin.hubspot.conftest import Desk

LABELS = "/crm/associations/2026-03/contacts/companies/labels"
LABEL = {"name": "buyer", "label": "Buyer", "inverseLabel": "Bought by"}
STAGE = {"label": "Ready", "displayOrder": 1, "metadata": {"isClosed": "false", "probability": "0.4"}}
WON = {"label": "Sold", "displayOrder": 2, "metadata": {"isClosed": "true", "probability": "1.0"}}


@pytest.mark.parametrize(
    "root", ["/crm/associations/2026-03", "/crm/associations/v4", "/crm/v4/associations"]
)
def test_a_label_of_the_portals_own(desk: Desk, root: str) -> None:
    """Made with its inverse, seen from both sides, used, renamed, deleted with every use of it [S]."""
    labels = f"{root}/contacts/companies/labels"
    there, back = desk.ask("POST", labels, LABEL)["results"]
    assert (there["category"], there["label"], back["label"]) == ("USER_DEFINED", "Buyer", "Bought by")
    desk.ask("POST", labels, LABEL, status=400)
    company, contact = desk.create("companies", name="A"), desk.create("contacts", firstname="B")
    path = desk.objects(f"contacts/{contact}/associations/companies")
    spec = {"associationCategory": "USER_DEFINED", "associationTypeId": there["typeId"]}
    assert desk.ask("PUT", f"{path}/{company}", [spec], status=201)["labels"] == ["Buyer"]
    inverse = desk.ask("GET", desk.objects(f"companies/{company}/associations/contacts"))
    assert "Bought by" in [one["label"] for one in inverse["results"][0]["associationTypes"]]
    desk.ask("PUT", labels, {"associationTypeId": there["typeId"], "label": "Client"}, status=204)
    assert "Client" in [one["label"] for one in desk.ask("GET", labels)["results"]]
    desk.ask("DELETE", f"{labels}/{there['typeId']}", status=204)
    kinds = desk.ask("GET", path)["results"][0]["associationTypes"]
    assert [one["typeId"] for one in kinds] == [279]
    desk.ask("DELETE", f"{labels}/279", status=400)


def test_limits_on_an_association_type(desk: Desk) -> None:
    """Configurations are made, listed, changed and purged in batches; bad ones are listed in a 207 [S]."""
    root = "/crm/associations/2026-03/definitions/configurations"
    one = {"category": "HUBSPOT_DEFINED", "typeId": 279, "maxToObjectIds": 3}
    path = f"{root}/contacts/companies/batch"
    desk.ask("POST", f"{path}/update", {"inputs": [one]}, status=207)
    desk.ask("POST", f"{path}/create", {"inputs": [one]}, status=201)
    desk.ask("POST", f"{path}/update", {"inputs": [one | {"maxToObjectIds": 5}]})
    for listed in (f"{root}/all", f"{root}/contacts/companies"):
        assert desk.ask("GET", listed)["results"][0]["userEnforcedMaxToObjectIds"] == 5
    desk.ask("POST", f"{path}/create", {"inputs": [one | {"typeId": 3}]}, status=207)
    desk.ask("POST", f"{path}/purge", {"inputs": [{"category": "HUBSPOT_DEFINED", "typeId": 279}]})
    assert desk.ask("GET", f"{root}/all")["results"] == []


def test_the_associations_of_v3(desk: Desk) -> None:
    """v3 names types by a word and has batches only [S]."""
    company, contact = desk.create("companies", name="A"), desk.create("contacts", firstname="B")
    root = "/crm/v3/associations/contacts/companies/batch"
    pair = {"from": {"id": contact}, "to": {"id": company}, "type": "contact_to_company"}
    assert desk.ask("POST", f"{root}/create", {"inputs": [pair]}, status=201)["results"] == [pair]
    found = desk.ask("POST", f"{root}/read", {"inputs": [{"id": contact}]})["results"][0]
    assert {one["type"] for one in found["to"]} == {"contact_to_company", "contact_to_company_unlabeled"}
    wrong = pair | {"type": "contact_to_train"}
    desk.ask("POST", f"{root}/create", {"inputs": [wrong]}, status=207)
    plain = pair | {"type": "contact_to_company_unlabeled"}
    desk.ask("POST", f"{root}/archive", {"inputs": [plain]}, status=204)
    desk.ask("POST", f"{root}/read", {"inputs": [{"id": contact}]}, status=207)


def make_pipeline(desk: Desk, version: str = "2026-03") -> dict[str, Any]:
    body = {"label": "Projects", "displayOrder": 5, "stages": [STAGE, WON]}
    path = "/crm/v3/pipelines/deals" if version == "v3" else f"/crm/pipelines/{version}/deals"
    return dict(desk.ask("POST", path, body, status=201))


@pytest.mark.parametrize("version", ["2026-03", "v3"])
def test_a_new_pipeline_takes_deals_at_once(desk: Desk, version: str) -> None:
    """Its stages are options of dealstage, its won stage wins deals, its entry dates are properties [S]."""
    made = make_pipeline(desk, version)
    first, won = (stage["id"] for stage in made["stages"])
    assert made["stages"][1]["metadata"] == {"isClosed": "true", "probability": "1.0"}
    deal = desk.create("deals", dealname="D", pipeline=made["id"], dealstage=first)
    desk.ask("PATCH", desk.objects(f"deals/{deal}"), {"properties": {"dealstage": won}})
    assert desk.value("deals", deal, "hs_is_closed_won") == "true"
    assert desk.value("deals", deal, f"hs_v2_date_entered_{won}")


def test_pipelines_are_changed_and_the_audit_tells(desk: Desk) -> None:
    """Stages are added, changed, deleted; the audit lists what was done, the latest first [S]."""
    made = make_pipeline(desk)
    path = f"/crm/pipelines/2026-03/deals/{made['id']}"
    stage = desk.ask("POST", f"{path}/stages", STAGE | {"label": "Between"}, status=201)
    changed = {"metadata": {"isClosed": "false", "probability": "0.6"}}
    assert desk.ask("PATCH", f"{path}/stages/{stage['id']}", changed)["metadata"]["probability"] == "0.6"
    desk.ask("PUT", f"{path}/stages/{stage['id']}", STAGE | {"label": "Other"})
    desk.ask("DELETE", f"{path}/stages/{stage['id']}", status=204)
    actions = [
        one["action"] for one in desk.ask("GET", f"{path}/stages/{made['stages'][0]['id']}/audit")["results"]
    ]
    assert actions == []
    desk.ask("PATCH", path, {"label": "Big projects"})
    assert [one["action"] for one in desk.ask("GET", f"{path}/audit")["results"]] == ["UPDATE", "CREATE"]
    desk.ask("DELETE", path, status=204)
    desk.ask("GET", path, status=404)


def test_a_pipeline_in_use_stays_when_the_caller_asks_to_look(desk: Desk) -> None:
    """validateReferencesBeforeDelete refuses to delete what deals use; the default pipeline always stays [S/I]."""
    made = make_pipeline(desk)
    desk.create("deals", dealname="D", pipeline=made["id"], dealstage=made["stages"][0]["id"])
    path = f"/crm/pipelines/2026-03/deals/{made['id']}"
    desk.ask("DELETE", f"{path}?validateReferencesBeforeDelete=true", status=400)
    desk.ask("DELETE", "/crm/pipelines/2026-03/deals/default", status=400)
    desk.ask("POST", "/crm/pipelines/2026-03/companies", {}, status=400)


@pytest.mark.parametrize("version", ["2026-03", "2026-09", "v3"])
@pytest.mark.parametrize("code", ["INVALID_CUSTOM_PROPERTY_VALIDATION", "FAILED_VALIDATION"])
def test_validation_rules_hold_on_every_version(
    open_portal: Callable[..., Desk], version: str, code: str
) -> None:
    """Property validation rules are enforced on all versions since 2023 [D]."""
    desk = open_portal(property_rules="companies.city=MAX_LENGTH:5", rule_code=code)
    path = "/crm/v3/objects/companies" if version == "v3" else f"/crm/objects/{version}/companies"
    desk.ask("POST", path, {"properties": {"name": "A", "city": "Essen"}}, status=201)
    body = desk.ask("POST", path, {"properties": {"name": "A", "city": "Dortmund"}}, status=400)
    assert body["errors"][0]["code"] == code


@pytest.mark.parametrize(
    ("rule", "argument", "good", "bad"),
    [
        ("MIN_LENGTH", "3", "abc", "ab"),
        ("REGEX", "[A-Z]+", "AB", "ab"),
        ("MAX_NUMBER", "10", "9.5", "11"),
        ("MIN_NUMBER", "1", "1", "0"),
        ("DECIMAL", "2", "1.25", "1.255"),
    ],
)
def test_rules_are_set_and_shown(desk: Desk, rule: str, argument: str, good: str, bad: str) -> None:
    """A rule is set by PUT, shown for the property and for the type, and holds from then on [S]."""
    root = "/crm/property-validations/2026-03/0-2"
    path = f"{root}/city/rule-type/{rule}"
    desk.ask("GET", path, status=404)
    desk.ask("PUT", path, {"ruleArguments": [argument]}, status=204)
    shown = {"ruleType": rule, "ruleArguments": [argument], "shouldApplyNormalization": False}
    assert desk.ask("GET", path) == shown
    assert desk.ask("GET", f"{root}/city")["results"] == [shown]
    everything = desk.ask("GET", root)["results"]
    assert everything == [{"propertyName": "city", "propertyValidationRules": [shown]}]
    desk.create("companies", name="A", city=good)
    wrong = {"properties": {"name": "A", "city": bad}}
    desk.ask("POST", desk.objects("companies"), wrong, status=400)
    desk.ask("PUT", f"{root}/city/rule-type/NOTHING", {"ruleArguments": []}, status=400)


def test_an_unknown_rule_in_the_switch_is_refused_with_a_sentence(open_portal: Callable[..., Desk]) -> None:
    """A portal cannot start with a rule nobody knows, or a rate that is no number."""
    with pytest.raises(ValueError, match="MAX_LENGTH"):
        open_portal(property_rules="companies.city=SHORT:1")
    with pytest.raises(ValueError, match="EUR"):
        open_portal(exchange_rates="EUR=much")


def test_rates_make_home_amounts(open_portal: Callable[..., Desk]) -> None:
    """A deal in another currency has a home amount where the portal keeps a rate [I]."""
    for switches, home in (({}, None), ({"exchange_rates": "EUR=1.25"}, "125.00")):
        desk = open_portal(**switches)
        deal = desk.deals()[1]
        desk.ask("PATCH", desk.objects(f"deals/{deal}"), {"properties": {"amount": "100"}})
        assert desk.value("deals", deal, "amount_in_home_currency") == home
        rates = desk.ask("GET", "/settings/v3/currencies/exchange-rates/current")["results"]
        assert [one["conversionRate"] for one in rates] == ([1.25] if home else [])
    assert desk.ask("GET", "/settings/v3/currencies/company-currency") == {"currencyCode": "USD"}
    assert [one["code"] for one in desk.ask("GET", "/settings/v3/currencies/codes")["results"]] == [
        "USD",
        "EUR",
    ]


def test_use_of_limits(desk: Desk) -> None:
    """Records, pipelines, properties and labels are counted against their limits [S]."""
    desk.create("companies", name="A")
    desk.define("companies", "own")
    desk.ask("POST", LABELS, LABEL)
    rows = desk.ask("GET", "/crm/limits/2026-03/records")["hubspotDefinedObjectTypes"]
    assert {row["objectTypeId"]: row["usage"] for row in rows}["0-2"] == 1
    rows = desk.ask("GET", "/crm/v3/limits/custom-properties")["byObjectType"]
    assert {row["objectTypeId"]: row["usage"] for row in rows}["0-2"] == 1
    assert desk.ask("GET", "/crm/limits/2026-03/pipelines")["hubspotDefinedObjectTypes"][0]["usage"] == 2
    path = "/crm/limits/2026-03/associations/labels?fromObjectTypeId=0-1"
    assert desk.ask("GET", path)["results"][0]["allLabels"] == ["Buyer"]


def test_schemas_are_read(open_portal: Callable[..., Desk]) -> None:
    """The list holds the portal's own types, none; a standard type can be read by name; scopes differ [S]."""
    desk = open_portal()
    assert desk.ask("GET", "/crm-object-schemas/2026-03/schemas") == {"results": []}
    schema = desk.ask("GET", "/crm-object-schemas/v3/schemas/company")
    assert (schema["objectTypeId"], schema["primaryDisplayProperty"]) == ("0-2", "name")
    desk.ask("GET", "/crm-object-schemas/2026-03/schemas/trains", status=404)
    desk = open_portal(missing_scopes="crm.schemas.custom.read")
    desk.ask("GET", "/crm-object-schemas/2026-03/schemas", status=403)
    desk.ask("GET", "/crm-object-schemas/2026-03/schemas/company")


def test_the_older_property_paths_can_be_read(desk: Desk) -> None:
    """v1 and v2 list definitions bare, in the older shape [I]; nothing can be written there."""
    for root in ("/properties/v1/companies", "/properties/v2/company"):
        listed = desk.ask("GET", f"{root}/properties")
        name = next(one for one in listed if one["name"] == "name")
        assert (name["groupName"], name["deleted"], name["readOnlyValue"]) == (
            "companyinformation",
            False,
            False,
        )
        assert desk.ask("GET", f"{root}/properties/named/name") == name
        assert desk.ask("GET", f"{root}/groups")[0]["name"] == "companyinformation"
        assert desk.send("POST", f"{root}/properties", {}).status == 405


@pytest.mark.parametrize(("chosen", "status"), [("until_shutdown", 404), ("open", 200)])
def test_the_pipelines_of_v1_end(open_portal: Callable[..., Desk], chosen: str, status: int) -> None:
    """Pipelines v1 is shut off on 4 December 2026 [D]; its shape is inferred [I]."""
    desk = open_portal(pipelines_v1=chosen)
    path = "/crm-pipelines/v1/pipelines/deals"
    first = desk.ask("GET", path)["results"][0]
    assert (first["pipelineId"], first["default"]) == ("default", True)
    assert first["stages"][-1]["metadata"]["isClosed"] == "true"
    desk.wait(12 * 86_400)
    assert desk.send("GET", path).status == status


@pytest.mark.parametrize(("chosen", "status"), [("405", 405), ("404", 404)])
def test_a_method_a_path_does_not_have(open_portal: Callable[..., Desk], chosen: str, status: int) -> None:
    """A known path with another method is 405 or 404 [I]; an unknown one is 404 always."""
    desk = open_portal(wrong_method=chosen)
    for method, path in (("PUT", "companies"), ("DELETE", "companies"), ("GET", "companies/search/x/y")):
        expected = 404 if "search" in path else status
        assert desk.send(method, desk.objects(path)).status == expected
    assert desk.send("GET", "/crm/objects/2027-03/companies").status == 404
    assert desk.send("POST", "/crm/objects/2026-09-beta/companies", {}).status == 404


def test_owners_can_be_read_by_user_id(desk: Desk) -> None:
    """idProperty=userId reads the owner that belongs to a user [S]."""
    owner = desk.ask("GET", "/crm/owners/2026-03")["results"][1]
    assert desk.ask("GET", f"/crm/owners/2026-03/{owner['userId']}?idProperty=userId") == owner
    desk.ask("GET", f"/crm/owners/2026-03/{owner['userId']}", status=404)


@pytest.mark.parametrize(
    ("name", "value", "key", "expected"),
    [
        ("search_policy", "SECONDLY", "policyName", "SECONDLY"),
        ("search_policy", "TEN_SECONDLY_ROLLING", "policyName", "TEN_SECONDLY_ROLLING"),
        ("rate_limit_body", "errorType", "errorType", "RATE_LIMIT"),
        ("rate_limit_body", "category", "category", "RATE_LIMITS"),
    ],
)
def test_the_body_of_a_throttled_search(
    open_portal: Callable[..., Desk], name: str, value: str, key: str, expected: str
) -> None:
    """The policy of a search's 429 is inferred [I]; replies differ in naming the error [D/O]."""
    desk = open_portal(search_rate="1", **{name: value})
    desk.send("POST", desk.objects("companies/search"), {})
    refused = desk.send("POST", desk.objects("companies/search"), {})
    body = orjson.loads(refused.body)
    assert (refused.status, body[key]) == (429, expected)
    assert ("errorType" in body) != ("category" in body)


def test_associations_end_with_their_day(open_portal: Callable[..., Desk]) -> None:
    """Association calls have a quota a day of their own [D]."""
    desk = open_portal(association_daily="1")
    path = desk.objects(f"deals/{desk.deals()[0]}/associations/companies")
    desk.ask("GET", path)
    assert desk.ask("GET", path, status=429)["policyName"] == "DAILY"
    desk.ask("GET", desk.objects("companies"))


@pytest.mark.parametrize("chosen", ["204", "404"])
def test_deleting_what_is_gone(open_portal: Callable[..., Desk], chosen: str) -> None:
    """That a second DELETE is answered with 204 is inferred [I]."""
    desk = open_portal(archive_missing=chosen)
    key = desk.create("companies", name="A")
    desk.ask("DELETE", desk.objects(f"companies/{key}"), status=204)
    assert desk.send("DELETE", desk.objects(f"companies/{key}")).status == int(chosen)


@pytest.mark.parametrize(("chosen", "most"), [("5", 5), ("6", 6)])
def test_how_many_groups_a_search_takes(open_portal: Callable[..., Desk], chosen: str, most: int) -> None:
    """The guide says 5 filter groups, the specification's text 6 [D]."""
    desk = open_portal(search_groups=chosen)
    group = {"filters": [{"propertyName": "name", "operator": "HAS_PROPERTY"}]}
    path = desk.objects("companies/search")
    desk.ask("POST", path, {"filterGroups": [group] * most})
    desk.ask("POST", path, {"filterGroups": [group] * (most + 1)}, status=400)
