"""Only the service itself can be called, whatever somebody types or a name server says."""

from __future__ import annotations

import asyncio
import socket
from typing import TYPE_CHECKING, Any

import pytest

from ml_connector.errors import ConfigurationError, UnavailableError
from ml_connector.systems.dynamics.settings import DynamicsSettings
from ml_connector.systems.hubspot.settings import HubSpotSettings
from ml_connector.transport.address import check_base_url, is_public, same_origin
from ml_connector.transport.request import ReadRequest

if TYPE_CHECKING:
    from collections.abc import Callable

    from ml_connector.transport.http import Transport

SUFFIXES = (".operations.dynamics.com", ".cloudax.dynamics.com", "api.hubapi.com")


def check(url: str, *, local: bool = False) -> str:
    return check_base_url(url, allowed_suffixes=SUFFIXES, allow_local=local)


@pytest.mark.parametrize(
    ("typed", "used"),
    [
        ("https://contoso.operations.dynamics.com", "https://contoso.operations.dynamics.com"),
        (" https://Contoso.Operations.Dynamics.com/ ", "https://contoso.operations.dynamics.com"),
        ("contoso.sandbox.operations.dynamics.com", "https://contoso.sandbox.operations.dynamics.com"),
        ("https://contoso.cloudax.dynamics.com:443", "https://contoso.cloudax.dynamics.com"),
        ("https://contoso.operations.dynamics.com.", "https://contoso.operations.dynamics.com"),
        ("https://api.hubapi.com", "https://api.hubapi.com"),
    ],
)
def test_an_address_of_the_service_is_taken_however_it_is_typed(typed: str, used: str) -> None:
    assert check(typed) == used


BYPASSES = [
    "",
    "https://",
    "http://contoso.operations.dynamics.com",
    "ftp://contoso.operations.dynamics.com",
    "file:///etc/passwd",
    "gopher://contoso.operations.dynamics.com",
    "javascript://contoso.operations.dynamics.com",
    "https://contoso.operations.dynamics.com:8443",
    "https://contoso.operations.dynamics.com:80",
    "https://contoso.operations.dynamics.com:99999",
    "https://contoso.operations.dynamics.com:x",
    "https://user@contoso.operations.dynamics.com",
    "https://user:pw@contoso.operations.dynamics.com",
    "https://@contoso.operations.dynamics.com",
    "https://contoso.operations.dynamics.com@evil.example",
    "https://evil.example\\@contoso.operations.dynamics.com",
    "https://evil.example#.operations.dynamics.com",
    "https://evil.example?.operations.dynamics.com",
    "https://evil.example/.operations.dynamics.com",
    "https://evil.example/?contoso.operations.dynamics.com",
    "https://contoso.operations.dynamics.com/data",
    "https://contoso.operations.dynamics.com/?x=1",
    "https://contoso.operations.dynamics.com#x",
    "https://contoso.operations.dynamics.com?",
    "https://contoso.operations.dynamics.com.evil.example",
    "https://operations.dynamics.com",
    "https://.operations.dynamics.com",
    "https://evil-operations.dynamics.com",
    "https://contoso.operations.dynamics.com..",
    "https://a..operations.dynamics.com",
    "https://-a.operations.dynamics.com",
    "https://a_b.operations.dynamics.com",
    "https://a%2eevil.example",
    "https://evil.example%00.operations.dynamics.com",
    "https://contoso.operations.dynamics.com\r\nHost: evil.example",
    "https://contoso .operations.dynamics.com",
    "https://contoso\t.operations.dynamics.com",
    "https://xn--contso-jua.operations.dynamics.com",
    "https://cöntoso.operations.dynamics.com",
    "https://contoso。operations.dynamics.com",
    "https://ⓔvil.operations.dynamics.com",
    "https://127.0.0.1",
    "https://127.1",
    "https://2130706433",
    "https://0x7f000001",
    "https://0x7f.0.0.1",
    "https://0177.0.0.1",
    "https://[::1]",
    "https://[::ffff:127.0.0.1]",
    "https://[fe80::1%25eth0]",
    "https://169.254.169.254",
    "https://10.0.0.8",
    "https://192.168.1.1",
    "https://localhost",
    "https://localhost.",
    "https://contoso.localhost",
    "https://0.0.0.0",
    "https://evil.example",
    "https://hubapi.com",
    "https://xapi.hubapi.com",
    "https://api.hubapi.com.evil.example",
    "//contoso.operations.dynamics.com",
    "https:contoso.operations.dynamics.com",
    "https:///contoso.operations.dynamics.com",
    "https://" + "a" * 64 + ".operations.dynamics.com",
]


@pytest.mark.parametrize("url", BYPASSES)
def test_everything_else_is_refused_in_a_sentence(url: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        check(url)
    assert caught.value.message.endswith(".")
    assert "pw" not in caught.value.message


def test_local_hosts_need_the_opt_in() -> None:
    for url in ("http://127.0.0.1:8080", "http://localhost:1", "http://[::1]:9", "https://localhost:443"):
        assert check(url, local=True) == url
        with pytest.raises(ConfigurationError):
            check(url)
    with pytest.raises(ConfigurationError):
        check("http://10.0.0.8:8080", local=True)
    with pytest.raises(ConfigurationError):
        check("http://contoso.operations.dynamics.com", local=True)


def test_settings_of_both_sides_check_their_addresses() -> None:
    dynamics = DynamicsSettings(
        url="contoso.operations.uae.dynamics.com", tenant="contoso.com", client_id="a-1"
    )
    assert dynamics.url == "https://contoso.operations.uae.dynamics.com"
    assert DynamicsSettings(
        url="http://127.0.0.1:5/",
        authority="http://127.0.0.1:5/",
        tenant="t",
        client_id="c",
        legal_entities=("USMF",),
        allow_local=True,
    ).legal_entities == ("usmf",)
    for wrong in (
        {"url": "https://evil.example"},
        {"authority": "https://login.evil.example"},
        {"tenant": "a/../b"},
        {"client_id": "a b"},
    ):
        good = {"url": "https://contoso.operations.dynamics.com", "tenant": "t", "client_id": "c"}
        with pytest.raises(ConfigurationError):
            DynamicsSettings(**{**good, **wrong})  # type: ignore[arg-type]  # wrong on purpose
    with pytest.raises(ConfigurationError):
        HubSpotSettings(url="https://api.hubspot.evil.example")


@pytest.mark.parametrize(
    ("address", "public"),
    [
        ("20.50.1.1", True),
        ("2606:4700::1111", True),
        ("127.0.0.1", False),
        ("10.1.2.3", False),
        ("172.16.0.1", False),
        ("192.168.0.1", False),
        ("169.254.169.254", False),
        ("100.64.0.1", False),
        ("0.0.0.0", False),  # noqa: S104 - an address to refuse
        ("224.0.0.1", False),
        ("255.255.255.255", False),
        ("::1", False),
        ("::", False),
        ("fe80::1%eth0", False),
        ("fc00::1", False),
        ("::ffff:10.0.0.1", False),
        ("64:ff9b::a00:1", False),
        ("2002:a00:1::", False),
    ],
)
def test_only_addresses_on_the_internet_are_public(address: str, *, public: bool) -> None:
    assert is_public(address) is public


def test_an_origin_is_scheme_host_and_port() -> None:
    assert same_origin("https://a.example/x", "https://A.example:443/y")
    assert not same_origin("https://a.example", "http://a.example")
    assert not same_origin("https://a.example", "https://a.example:444")
    assert not same_origin("https://a.example", "https://a.example:99999")
    assert not same_origin("https://a.example", "https://a.example.evil.example")


READ = ReadRequest("plain", "GET", "/things", "things")


def resolves_to(*addresses: str) -> Callable[..., Any]:
    async def getaddrinfo(*_: Any, **__: Any) -> list[Any]:
        if not addresses:
            raise socket.gaierror(-2, "Name or service not known")
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, 443)) for address in addresses]

    return getaddrinfo


async def test_a_name_that_points_into_a_private_network_is_not_connected_to(
    connect: Callable[..., Transport], monkeypatch: pytest.MonkeyPatch
) -> None:
    loop = asyncio.get_running_loop()
    monkeypatch.setattr(loop, "getaddrinfo", resolves_to("20.50.1.1", "127.0.0.1"))
    with pytest.raises(ConfigurationError, match=r"127\.0\.0\.1"):
        await connect(base_url="https://contoso.operations.dynamics.com").read(READ)


async def test_an_unknown_name_is_told_apart_from_a_silent_host(
    connect: Callable[..., Transport], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", resolves_to())
    with pytest.raises(UnavailableError) as caught:
        await connect(base_url="https://no-such.operations.dynamics.com").read(READ)
    assert caught.value.code == "transport.dns"
