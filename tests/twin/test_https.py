"""https and certificates of running twins: what is announced is what a client needs to trust and to sign in."""

from __future__ import annotations

import itertools
import random
import ssl
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import httpx2
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import serialization

from ml_connector.app.system import surroundings
from ml_connector.twin.launch import RunningTwins, TwinOptions, running_twins

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

SMALL = {"customers": 3, "products": 3, "deals": 1, "rep": False}
NOW = surroundings().clock.now()  # OpenSSL checks certificates against the real clock


@asynccontextmanager
async def served(**changes: Any) -> AsyncIterator[RunningTwins]:
    ids = itertools.count(1)
    async with running_twins(
        TwinOptions(**(SMALL | changes)),
        clock=lambda: NOW,
        rng=random.Random(1),  # noqa: S311  seeded on purpose
        new_id=lambda: f"00000000-0000-4000-8000-{next(ids):012d}",
    ) as twins:
        yield twins


async def test_with_tls_both_sides_and_their_links_speak_https() -> None:
    async with served(tls=True) as twins:
        told = twins.announcement()
        trust = ssl.create_default_context(cafile=told["ca_file"])
        async with httpx2.AsyncClient(verify=trust) as client:
            for name in ("dynamics_url", "authority", "hubspot_url"):
                assert told[name].startswith("https://127.0.0.1:")
                assert (await client.get(f"{told[name]}/__twin__/state")).status_code == 200
            target = f"{told['authority']}/{told['tenant']}/v2.0/.well-known/openid-configuration"
            assert (await client.get(target)).json()["token_endpoint"].startswith(told["authority"])
            by_name = told["hubspot_url"].replace("127.0.0.1", "localhost")
            assert (await client.get(f"{by_name}/__twin__/state")).status_code == 200
        async with httpx2.AsyncClient() as stranger:
            with pytest.raises(httpx2.ConnectError, match="CERTIFICATE_VERIFY_FAILED"):
                await stranger.get(told["dynamics_url"])
    with pytest.raises(FileNotFoundError):
        ssl.create_default_context(cafile=told["ca_file"])


async def test_over_tls_a_fault_still_breaks_the_connection() -> None:
    async with served(tls=True) as twins:
        told = twins.announcement()
        trust = ssl.create_default_context(cafile=told["ca_file"])
        async with httpx2.AsyncClient(verify=trust, base_url=told["hubspot_url"]) as client:
            await client.post("/__twin__/faults", json={"fault": "reset-before"})
            with pytest.raises(httpx2.TransportError):
                await client.get("/crm/v3/objects/companies")
            assert (await client.get("/__twin__/state")).status_code == 200


async def test_what_was_not_asked_for_is_announced_as_nothing() -> None:
    async with served() as twins:
        told = twins.announcement()
        assert told["dynamics_url"].startswith("http://")
        assert told["ca_file"] is told["certificate_file"] is None


async def test_the_certificate_file_holds_key_and_certificate_for_its_owner_only(tmp_path: Path) -> None:
    path = tmp_path / "app.pem"
    path.write_text("from an earlier run")
    async with served(certificate_file=str(path)) as twins:
        assert twins.announcement()["certificate_file"] == str(path)
        pem = path.read_bytes()
        key = serialization.load_pem_private_key(pem, None)
        certificate = x509.load_pem_x509_certificate(pem)
        assert certificate.public_key() == key.public_key()
        assert certificate.not_valid_after_utc > NOW + timedelta(days=300)
        assert path.stat().st_mode & 0o077 == 0


async def test_a_certificate_file_that_cannot_be_written_is_told_in_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"app\.pem cannot be written"):
        async with served(certificate_file=str(tmp_path / "nowhere" / "app.pem")):
            pass


async def test_a_certificate_can_be_made_and_registered_while_twins_run() -> None:
    async with served() as twins, httpx2.AsyncClient(base_url=twins.dynamics_url) as client:
        made = await client.post("/__twin__/certificates")
        assert made.status_code == 201
        assert "PRIVATE KEY" in made.json()["private_key"]
        order = {"certificate": made.json()["certificate"]}
        assert (await client.post("/__twin__/certificates", json=order)).status_code == 204
        refused = await client.post("/__twin__/certificates", json={"certificate": "none"})
        assert refused.status_code == 400
