"""The twin signs as HubSpot does: the published examples come out to the letter."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from ml_connector.twin.hubspot.signatures import decoded, sign_v1, sign_v2, sign_v3

FACTS = json.loads((Path(__file__).parent / "facts" / "hubspot_signatures.json").read_text(encoding="utf-8"))


def signed(vector: dict[str, Any]) -> str:
    secret, body = FACTS["secret"], vector["body"].encode()
    if vector["version"] == "v1":
        return sign_v1(secret, body)
    if vector["version"] == "v2":
        return sign_v2(secret, vector["method"], vector["uri"], body)
    return sign_v3(secret, vector["method"], vector["uri"], body, vector["timestamp"])


@pytest.mark.parametrize(
    "vector", FACTS["vectors"], ids=lambda vector: f"{vector['version']}-{vector['expected'][:6]}"
)
def test_a_published_signature_is_reproduced(vector: dict[str, Any]) -> None:
    assert signed(vector) == vector["expected"]


def test_all_three_versions_are_published() -> None:
    assert {vector["version"] for vector in FACTS["vectors"]} == {"v1", "v2", "v3"}


def test_version_3_decodes_the_listed_escapes_of_an_address_and_no_others() -> None:
    assert decoded("https://a.example/x%3Ay%2fz%20%26?q=%40%3B%3D") == "https://a.example/x:y/z%20%26?q=@;%3D"
