"""The service document and ``$metadata`` as CSDL, made from our own table of sets."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from xml.sax.saxutils import quoteattr

from ml_connector.twin.dynamics.actions import ACTIONS
from ml_connector.twin.dynamics.entities import NAMESPACE

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from ml_connector.twin.dynamics.actions import Action
    from ml_connector.twin.dynamics.entities import Schema
    from ml_connector.twin.dynamics.views import View


def service_document(root: str, views: Mapping[str, View]) -> dict[str, Any]:
    """The list of entity sets."""
    sets = [{"name": name, "kind": "EntitySet", "url": name} for name in views]
    return {"@odata.context": f"{root}/$metadata", "value": sets}


def metadata_document(schema: Schema, views: Mapping[str, View]) -> bytes:
    """CSDL 4.0 for the sets of this twin."""
    lines = [
        '<?xml version="1.0" encoding="utf-8"?>',
        '<edmx:Edmx Version="4.0" xmlns:edmx="http://docs.oasis-open.org/odata/ns/edmx"><edmx:DataServices>',
        f'<Schema Namespace="{NAMESPACE}" xmlns="http://docs.oasis-open.org/odata/ns/edm">',
        *(line for view in views.values() for line in _entity_type(view, views)),
        *(line for name in schema.enums for line in _enum_type(name, schema.enums[name])),
        *(line for action in ACTIONS if action.set in views for line in _action(action, views)),
        '<EntityContainer Name="Resources">',
        *(line for view in views.values() for line in _entity_set(view)),
        "</EntityContainer></Schema></edmx:DataServices></edmx:Edmx>",
    ]
    return "\n".join(lines).encode()


def _entity_type(view: View, views: Mapping[str, View]) -> Iterator[str]:
    yield f"<EntityType Name={quoteattr(view.set.type)}><Key>"
    yield from (f"<PropertyRef Name={quoteattr(name)}/>" for name in view.set.keys)
    yield "</Key>"
    for name, found in view.set.properties.items():
        nullable = found.kind in {"string", "enum", "binary"} and name not in view.set.keys
        ending = "" if nullable else ' Nullable="false"'
        yield f"<Property Name={quoteattr(name)} Type={quoteattr(found.edm_type)}{ending}/>"
    for name, navigation in view.navigations.items():
        target = f"{NAMESPACE}.{views[navigation.target].set.type}"
        kind = f"Collection({target})" if navigation.many else target
        yield f"<NavigationProperty Name={quoteattr(name)} Type={quoteattr(kind)}/>"
    yield "</EntityType>"


def _enum_type(name: str, members: Mapping[str, int]) -> Iterator[str]:
    yield f"<EnumType Name={quoteattr(name)}>"
    yield from (f'<Member Name={quoteattr(member)} Value="{value}"/>' for member, value in members.items())
    yield "</EnumType>"


def _action(action: Action, views: Mapping[str, View]) -> Iterator[str]:
    bound = f"Collection({NAMESPACE}.{views[action.set].set.type})"
    yield f'<Action Name={quoteattr(action.name)} IsBound="true">'
    yield f"<Parameter Name={quoteattr(action.set)} Type={quoteattr(bound)}/>"
    for name, kind in action.parameters.items():
        ending = ' Nullable="false"' if kind == "Edm.Boolean" else ""
        yield f"<Parameter Name={quoteattr(name)} Type={quoteattr(kind)}{ending}/>"
    yield '<ReturnType Type="Edm.String"/></Action>'


def _entity_set(view: View) -> Iterator[str]:
    yield f'<EntitySet Name={quoteattr(view.name)} EntityType="{NAMESPACE}.{view.set.type}">'
    for name, navigation in view.navigations.items():
        yield f"<NavigationPropertyBinding Path={quoteattr(name)} Target={quoteattr(navigation.target)}/>"
    yield "</EntitySet>"
