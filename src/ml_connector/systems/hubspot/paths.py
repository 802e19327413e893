"""Where each resource lives in each version of the API.

Source: https://developers.hubspot.com/docs/developer-tooling/platform/versioning
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import quote

if TYPE_CHECKING:
    from ml_connector.systems.hubspot.settings import ApiVersion

TOKEN_INFO = "/oauth/v2/private-apps/get/access-token-info"  # noqa: S105 - a path


@dataclass(frozen=True, slots=True)
class Paths:
    """The paths of one version; ``v3`` reads associations from v4, where they have always been."""

    version: ApiVersion

    def objects(self, object_type: str) -> str:
        """Records of one type."""
        return f"{self._crm('objects')}/{quote(object_type, safe='')}"

    def record(self, object_type: str, record_id: str) -> str:
        """One record."""
        return f"{self.objects(object_type)}/{quote(record_id, safe='')}"

    def batch(self, object_type: str, operation: str) -> str:
        """Up to 100 records at once."""
        return f"{self.objects(object_type)}/batch/{operation}"

    def search(self, object_type: str) -> str:
        """Records by their values."""
        return f"{self.objects(object_type)}/search"

    def associations(self, from_type: str, to_type: str) -> str:
        """Which records are linked to up to 1,000 others."""
        return f"{self._associations(from_type, to_type)}/batch/read"

    def associate(self, from_type: str, to_type: str) -> str:
        """Up to 2,000 associations at once."""
        return f"{self._associations(from_type, to_type)}/batch/create"

    def properties(self, object_type: str) -> str:
        """Property definitions."""
        return f"{self._crm('properties')}/{quote(object_type, safe='')}"

    def groups(self, object_type: str) -> str:
        """Property groups."""
        return f"{self.properties(object_type)}/groups"

    def pipelines(self, object_type: str) -> str:
        """Pipelines with their stages."""
        return f"{self._crm('pipelines')}/{quote(object_type, safe='')}"

    @property
    def owners(self) -> str:
        """Users who can own records."""
        return self._crm("owners")

    @property
    def account(self) -> str:
        """The portal itself."""
        return f"/account-info/{self.version}/details"

    def _associations(self, from_type: str, to_type: str) -> str:
        root = "/crm/v4/associations" if self.version == "v3" else f"/crm/associations/{self.version}"
        return f"{root}/{quote(from_type, safe='')}/{quote(to_type, safe='')}"

    def _crm(self, resource: str) -> str:
        return f"/crm/v3/{resource}" if self.version == "v3" else f"/crm/{resource}/{self.version}"
