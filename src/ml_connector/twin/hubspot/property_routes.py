"""The endpoints of property definitions and groups.

Facts: https://developers.hubspot.com/docs/api-reference/latest/crm/properties/guide
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from ml_connector.twin.hubspot.batch import inputs_in
from ml_connector.twin.hubspot.calls import answer, envelope, objects_in, required_in
from ml_connector.twin.hubspot.errors import ApiError, invalid_input
from ml_connector.twin.hubspot.schema import MOST_UNIQUE, NAME, Group, Option, Property, labelled
from ml_connector.twin.hubspot.values import as_text
from ml_connector.twin.wire import Answer, Written

if TYPE_CHECKING:
    from ml_connector.twin.hubspot.calls import Call
    from ml_connector.twin.hubspot.store import Table

FIELD_TYPES: dict[str, frozenset[str]] = {
    "string": frozenset({"text", "textarea", "html", "file", "phonenumber", "calculation_equation"}),
    "number": frozenset({"number", "calculation_equation"}),
    "date": frozenset({"date"}),
    "datetime": frozenset({"date"}),
    "enumeration": frozenset({"select", "radio", "checkbox", "booleancheckbox", "calculation_equation"}),
    "bool": frozenset({"booleancheckbox", "calculation_equation"}),
    "phone_number": frozenset({"phonenumber"}),
}
_UNIQUE_TYPES = frozenset({"string", "number"})
_REQUIRED = ("name", "label", "type", "fieldType", "groupName")
_EXTRAS = (
    "numberDisplayHint",
    "currencyPropertyName",
    "textDisplayHint",
    "showCurrencySymbol",
    "referencedObjectType",
    "calculationFormula",
)


def list_properties(call: Call) -> Answer:
    """All live definitions, or all archived ones."""
    schema = call.table.schema
    found = schema.archived if call.flag("archived") else schema.properties
    return answer(200, {"results": [prop.wire() for prop in found.values()]})


def get_property(call: Call) -> Answer:
    """One definition."""
    schema, name = call.table.schema, call.args["name"]
    found = (schema.archived if call.flag("archived") else schema.properties).get(name)
    if found is None:
        raise _missing(name)
    return answer(200, found.wire())


def create_property(call: Call) -> Answer:
    """A new definition; an archived one of that name comes back to life."""
    prop = _create(call, call.table, call.body())
    return answer(201, prop.wire(), Written((prop.name,), committed=True))


def create_properties(call: Call) -> Answer:
    """New definitions; those refused are listed in a 207."""
    results, errors, keys = [], [], []
    for one in inputs_in(call.body()):
        try:
            prop = _create(call, call.table, one)
        except ApiError as refused:
            errors.append(refused.entry() | {"context": {"name": [str(one.get("name", ""))]}})
            continue
        results.append(prop.wire())
        keys.append(prop.name)
    status = 207 if errors else 201
    return answer(status, envelope(call.portal, results, errors), Written(tuple(keys), bool(keys)))


def read_properties(call: Call) -> Answer:
    """Definitions by name."""
    body = call.body()
    schema = call.table.schema
    known = schema.archived if body.get("archived") else schema.properties
    names = [str(one.get("name", "")) for one in inputs_in(body)]
    results = [known[name].wire() for name in names if name in known]
    errors = [_missing(name).entry() for name in names if name not in known]
    return answer(207 if errors else 200, envelope(call.portal, results, errors))


def update_property(call: Call) -> Answer:
    """Change a definition; name and uniqueness stay as they were made."""
    schema, name, body = call.table.schema, call.args["name"], call.body()
    prop = schema.properties.get(name)
    if prop is None:
        raise _missing(name)
    if prop.hubspot_defined and set(body) - {"options"}:
        raise ApiError(
            400, f"Property '{name}' is defined by HubSpot and cannot be changed", context={"name": [name]}
        )
    shape = {"type": prop.type, "fieldType": prop.field_type, "groupName": prop.group} | body
    _shape(call.table, shape)
    changed = replace(
        prop,
        label=str(body.get("label", prop.label)),
        type=shape["type"],
        field_type=shape["fieldType"],
        group=shape["groupName"],
        description=str(body.get("description", prop.description)),
        options=_options(call, body) if "options" in body else prop.options,
        hidden=bool(body.get("hidden", prop.hidden)),
        form_field=bool(body.get("formField", prop.form_field)),
        display_order=_order(body, prop.display_order),
        updated_at=call.portal.now,
        extras={**prop.extras, **{key: body[key] for key in _EXTRAS if key in body}},
    )
    schema.define(changed)
    return answer(200, changed.wire(), Written((name,), committed=True))


def archive_property(call: Call) -> Answer:
    """Put a definition into the recycle bin."""
    _archive(call, call.args["name"])
    return Answer(204, written=Written((call.args["name"],), committed=True))


def archive_properties(call: Call) -> Answer:
    """Put definitions into the recycle bin."""
    inputs = inputs_in(call.body())
    for one in inputs:
        required_in(one, "name")
    names = [str(one["name"]) for one in inputs]
    known = [name for name in names if name in call.table.schema.properties]
    for name in known:
        _archive(call, name)
    return Answer(204, written=Written(tuple(known), committed=bool(known)))


def list_groups(call: Call) -> Answer:
    """All groups."""
    return answer(200, {"results": [group.wire() for group in call.table.schema.groups.values()]})


def get_group(call: Call) -> Answer:
    """One group."""
    return answer(200, _group(call).wire())


def create_group(call: Call) -> Answer:
    """A new group."""
    schema, body = call.table.schema, call.body()
    name, label = str(body.get("name") or ""), str(body.get("label") or "")
    if not NAME.match(name) or not label:
        raise invalid_input("A property group needs a name of lower-case letters, digits and _, and a label")
    if name in schema.groups:
        raise ApiError(
            409,
            f"A property group named '{name}' already exists.",
            "OBJECT_ALREADY_EXISTS",
            sub_category="Properties.PROPERTY_GROUP_WITH_NAME_EXISTS",
        )
    schema.groups[name] = Group(name, label, _order(body, -1))
    return answer(201, schema.groups[name].wire(), Written((name,), committed=True))


def update_group(call: Call) -> Answer:
    """Change a group's label or place."""
    group, body = _group(call), call.body()
    changed = replace(
        group,
        label=str(body.get("label", group.label)),
        display_order=_order(body, group.display_order),
    )
    call.table.schema.groups[group.name] = changed
    return answer(200, changed.wire(), Written((group.name,), committed=True))


def delete_group(call: Call) -> Answer:
    """Delete an empty group."""
    group, schema = _group(call), call.table.schema
    if any(prop.group == group.name for prop in schema.properties.values()):
        raise ApiError(
            400,
            f"Property group '{group.name}' still has properties",
            sub_category="PropertyGroupError.GROUP_WITH_ACTIVE_PROPERTIES",
        )
    del schema.groups[group.name]
    return Answer(204, written=Written((group.name,), committed=True))


def _create(call: Call, table: Table, body: dict[str, Any]) -> Property:
    name = _new_name(table, body)
    _shape(table, body)
    former = table.schema.archived.get(name)
    unique = former.unique if former else bool(body.get("hasUniqueValue"))
    if unique:
        _unique_allowed(call, table, str(body["type"]))
    options = _options(call, body)
    if body["type"] == "bool" and not options:
        options = labelled((("true", "Yes"), ("false", "No")))
    prop = Property(
        name,
        str(body["label"]),
        body["type"],
        body["fieldType"],
        body["groupName"],
        description=str(body.get("description") or ""),
        options=options,
        unique=unique,
        hidden=bool(body.get("hidden")),
        form_field=bool(body.get("formField")),
        display_order=_order(body, -1),
        created_at=former.created_at if former else call.portal.now,
        updated_at=call.portal.now,
        extras={key: body[key] for key in _EXTRAS if key in body},
    )
    table.schema.define(prop)
    return prop


def _new_name(table: Table, body: dict[str, Any]) -> str:
    absent = [name for name in _REQUIRED if not isinstance(body.get(name), str) or not body[name]]
    if absent:
        raise invalid_input(f"Some required fields were not set: {absent}")
    name = str(body["name"])
    if name in table.schema.properties:
        raise ApiError(
            409,
            f"A property named '{name}' already exists.",
            "OBJECT_ALREADY_EXISTS",
            sub_category="Properties.PROPERTY_WITH_NAME_EXISTS",
        )
    if not NAME.match(name) or name.startswith("hs_"):
        raise invalid_input(f"'{name}' is not a name a property may have")
    return name


def _unique_allowed(call: Call, table: Table, type_: str) -> None:
    if type_ not in _UNIQUE_TYPES:
        raise invalid_input(f"hasUniqueValue is not allowed for properties of type {type_}")
    if table.kind.name == "products" and not call.portal.settings.yes("products_unique"):
        raise invalid_input("hasUniqueValue is not allowed for properties of object type 0-7")
    if len(table.schema.custom_unique()) >= MOST_UNIQUE:
        raise invalid_input(f"An object type can have at most {MOST_UNIQUE} unique properties")


def _shape(table: Table, body: dict[str, Any]) -> None:
    type_, field_type, group = (as_text(body[name]) for name in ("type", "fieldType", "groupName"))
    if type_ not in FIELD_TYPES:
        raise invalid_input(f"Property type {type_} does not exist")
    if field_type not in FIELD_TYPES[type_]:
        raise invalid_input(f"Field type {field_type} does not go with property type {type_}")
    if group not in table.schema.groups:
        raise ApiError(400, f"Property group '{group}' does not exist", context={"groupName": [str(group)]})


def _options(call: Call, body: dict[str, Any]) -> tuple[Option, ...]:
    made: list[Option] = []
    for one in objects_in(body.get("options"), "options"):
        if "label" not in one or "value" not in one:
            raise invalid_input("Every option needs a label and a value")
        if call.version.option_order_required and "displayOrder" not in one:
            raise invalid_input("Every option needs a displayOrder")
        made.append(
            Option(
                str(one["value"]),
                str(one["label"]),
                _order(one, len(made)),
                bool(one.get("hidden")),
                str(one.get("description") or ""),
            )
        )
    if len({option.value for option in made}) != len(made):
        raise invalid_input("Two options have the same value")
    return tuple(made)


def _order(body: dict[str, Any], default: int) -> int:
    order = body.get("displayOrder", default)
    if not isinstance(order, int):
        raise invalid_input("displayOrder must be a whole number")
    return order


def _archive(call: Call, name: str) -> None:
    schema = call.table.schema
    prop = schema.properties.get(name)
    if prop is None:
        raise _missing(name)
    if prop.hubspot_defined:
        raise invalid_input(f"Property '{name}' is defined by HubSpot and cannot be archived")
    if f"{call.table.kind.name}.{name}" in call.portal.settings.listed("properties_in_use"):
        raise ApiError(
            400,
            f"Property '{name}' is in use",
            sub_category="PropertyValidationError.CANNOT_DELETE_PROPERTY_IN_USE",
        )
    schema.archive(name, call.portal.now)


def _group(call: Call) -> Group:
    found = call.table.schema.groups.get(call.args["name"])
    if found is None:
        raise ApiError(404, f"Property group '{call.args['name']}' does not exist", "OBJECT_NOT_FOUND")
    return found


def _missing(name: str) -> ApiError:
    return ApiError(404, f"Property '{name}' does not exist", "OBJECT_NOT_FOUND", context={"name": [name]})
