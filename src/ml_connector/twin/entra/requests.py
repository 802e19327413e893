"""What a token request asks for, read from its form."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ml_connector.twin.entra.errors import AadError, missing

if TYPE_CHECKING:
    from collections.abc import Mapping

_DEFAULT = "/.default"


@dataclass(frozen=True, slots=True)
class TokenRequest:
    """A client and the resource it wants a token for."""

    client_id: str
    resource: str


def parse_form(form: Mapping[str, str], version: int) -> TokenRequest:
    """Read the form of either token endpoint; AadError where a parameter is missing or wrong."""
    target = "scope" if version == 2 else "resource"  # noqa: PLR2004  of the two versions
    for name in ("grant_type", "client_id", target):
        if not form.get(name):
            raise missing(name)
    if form["grant_type"] != "client_credentials":
        sentence = f"The app requested an unsupported grant type '{form['grant_type']}'."
        raise AadError(70003, "unsupported_grant_type", 400, sentence)
    wanted = form[target]
    return TokenRequest(form["client_id"], _resource_of(wanted) if target == "scope" else wanted)


def _resource_of(scope: str) -> str:
    if scope.endswith(_DEFAULT) and " " not in scope:
        return scope.removesuffix(_DEFAULT)
    if scope.startswith(("http:", "https:", "api:")):
        sentence = f"The provided value for scope {scope} is not valid: it must end in /.default."
        raise AadError(1002012, "invalid_scope", 400, sentence)
    sentence = (
        f"The provided value for the input parameter 'scope' is not valid. The scope '{scope}' is unknown."
    )
    raise AadError(70011, "invalid_scope", 400, sentence)
