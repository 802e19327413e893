"""The endpoints of property validation rules.

Facts: https://developers.hubspot.com/docs/api-reference/latest/crm/property-validations/guide
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ml_connector.twin.hubspot.calls import answer, required_in
from ml_connector.twin.hubspot.errors import ApiError, invalid_input
from ml_connector.twin.hubspot.validations import RULE_TYPES, Rule
from ml_connector.twin.wire import Answer, Written

if TYPE_CHECKING:
    from ml_connector.twin.hubspot.calls import Call


def list_all(call: Call) -> Answer:
    """The rules of every property of an object type that has some."""
    kind, rules = call.table.kind.name, call.portal.rules
    names = dict.fromkeys(name for object_type, name, _rule in rules.all if object_type == kind)
    results = [
        {"propertyName": name, "propertyValidationRules": [rule.wire() for rule in rules.of(kind, name)]}
        for name in names
    ]
    return answer(200, {"results": results})


def list_rules(call: Call) -> Answer:
    """The rules of one property."""
    return answer(200, {"results": [rule.wire() for rule in call.portal.rules.of(*_place(call))]})


def get_rule(call: Call) -> Answer:
    """One rule of one property."""
    found = call.portal.rules.all.get((*_place(call), call.args["rule"]))
    if found is None:
        raise ApiError(404, f"{call.args['name']} has no rule {call.args['rule']}", "OBJECT_NOT_FOUND")
    return answer(200, found.wire())


def set_rule(call: Call) -> Answer:
    """Set one rule of one property."""
    kind, body = call.args["rule"], call.body()
    if kind not in RULE_TYPES:
        raise invalid_input(f"{kind} is not a type of rule")
    required_in(body, "ruleArguments")
    arguments = body["ruleArguments"]
    if not isinstance(arguments, list) or not all(isinstance(one, str) for one in arguments):
        raise invalid_input("ruleArguments must be a list of texts")
    rule = Rule(kind, tuple(arguments), bool(body.get("shouldApplyNormalization")))
    call.portal.rules.all[(*_place(call), kind)] = rule
    return Answer(204, written=Written((call.args["name"],), committed=True))


def _place(call: Call) -> tuple[str, str]:
    name = call.args["name"]
    if name not in call.table.schema.properties:
        raise ApiError(404, f"Property '{name}' does not exist", "OBJECT_NOT_FOUND", context={"name": [name]})
    return call.table.kind.name, name
