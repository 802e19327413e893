"""The API versions served from one store, and what differs between them.

Facts: https://developers.hubspot.com/docs/developer-tooling/platform/versioning,
https://developers.hubspot.com/changelog/crm-api-write-validation-enforcement
"""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Version:
    """One API version and its own behaviour."""

    name: str
    enforces_required: bool = False  # admin rules for required properties stop writes
    association_ids_as_text: bool = True
    association_archive_body: bool = True  # batch archive answers 200 with a body instead of 204
    option_order_required: bool = True  # an option of a new property must carry displayOrder
    lenient_dates: bool = False  # dates that are not quite right are put right, with a warning
    only: frozenset[str] = field(default_factory=frozenset)  # the resources it serves; empty is all


VERSIONS: dict[str, Version] = {
    version.name: version
    for version in (
        Version(
            "v3",
            option_order_required=False,
            only=frozenset(
                {
                    "objects",
                    "associations-v3",
                    "properties",
                    "property-validations",
                    "pipelines",
                    "owners",
                    "account-info",
                    "limits",
                    "imports",
                    "exports",
                    "schemas",
                    "oauth",
                    "currencies",
                }
            ),
        ),
        Version(
            "v4",
            association_ids_as_text=False,
            association_archive_body=False,
            only=frozenset({"associations", "object-associations"}),
        ),
        Version("v1", only=frozenset({"oauth", "oauth-v1", "properties-v1", "pipelines-v1"})),
        Version("v2", only=frozenset({"oauth-v2", "properties-v2"})),
        Version("2026-03"),
        Version("2026-09", enforces_required=True, lenient_dates=True),
    )
}
