"""Which addresses may be called: names of the service itself, never an address inside somebody's network."""

from __future__ import annotations

import ipaddress
import re
from urllib.parse import SplitResult, urlsplit

from ml_connector.errors import ConfigurationError

_LABEL = r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"
_HOST = re.compile(rf"{_LABEL}(?:\.{_LABEL})+")
_LOCAL_NAMES = {"localhost", "127.0.0.1", "::1"}
_PORTS = {"http": 80, "https": 443}


def check_base_url(url: str, *, allowed_suffixes: tuple[str, ...], allow_local: bool) -> str:
    """Normalise a base URL to ``https://host`` after making sure that it names the service.

    Args:
        url: As a person typed it; a missing scheme and a closing slash are forgiven.
        allowed_suffixes: Endings of permitted host names, each with its leading dot, or a whole name.
        allow_local: Also permit http and loopback hosts with any port (twins and tests).

    Raises:
        ConfigurationError: Says which part is wrong and what is expected.
    """
    text = url.strip()
    if re.search(r"[\s\x00-\x1f\x7f\\]", text):
        raise _refused(url, "it holds a blank, a backslash or a control character")
    parts = _split(text if "://" in text else f"https://{text}", url)
    if parts.username is not None or parts.password is not None or "@" in parts.netloc:
        raise _refused(url, "it holds a user name or password")
    if parts.path.strip("/") or parts.query or parts.fragment or "?" in text or "#" in text:
        raise _refused(url, "only the host is wanted, without path or query")
    host = (parts.hostname or "").removesuffix(".")
    if allow_local and host in _LOCAL_NAMES and parts.scheme in _PORTS:
        return f"{parts.scheme}://{_bracketed(host)}" + (f":{parts.port}" if parts.port else "")
    if parts.scheme != "https":
        raise _refused(url, "it must begin with https://")
    if parts.port not in {None, 443}:
        raise _refused(url, "no port but 443 is allowed")
    _check_host(host, url, allowed_suffixes)
    return f"https://{host}"


def _split(text: str, url: str) -> SplitResult:
    try:
        parts = urlsplit(text)
        _ = parts.port  # parsed, and refused, on access
    except ValueError:
        raise _refused(url, "it is not a URL") from None
    return parts


def _check_host(host: str, url: str, allowed_suffixes: tuple[str, ...]) -> None:
    if host in _LOCAL_NAMES or _is_address(host):
        raise _refused(url, "an IP address or local name is not allowed")
    if not _HOST.fullmatch(host) or any(label.startswith("xn--") for label in host.split(".")):
        raise _refused(url, "the host is not a plain host name")
    if not any(host.endswith(end) if end.startswith(".") else host == end for end in allowed_suffixes):
        wanted = ", ".join(f"*{end}" if end.startswith(".") else end for end in allowed_suffixes)
        raise _refused(url, f"the host must be one of {wanted}")


def _is_address(host: str) -> bool:
    """Whether a resolver would take this for a number: 127.0.0.1, ::1, 2130706433, 0x7f.1."""
    last = host.rsplit(".", 1)[-1]
    return ":" in host or bool(re.fullmatch(r"[0-9]+|0x[0-9a-f]*", last))


def _bracketed(host: str) -> str:
    return f"[{host}]" if ":" in host else host


def _refused(url: str, why: str) -> ConfigurationError:
    shown = re.sub(r"//[^/@]*@", "//…@", url.strip())[:200]
    return ConfigurationError(
        f"The address {shown!r} cannot be used: {why}.",
        code="configuration.address",
        hint="Copy the address from the browser when the system is open, up to the first single slash.",
    )


def is_public(address: str) -> bool:
    """Whether an IP address lies on the internet, also when it is an IPv4 address dressed as IPv6."""
    parsed = ipaddress.ip_address(address.split("%", 1)[0])
    if isinstance(parsed, ipaddress.IPv6Address):
        inner = parsed.ipv4_mapped or parsed.sixtofour
        if inner is None and parsed in ipaddress.ip_network("64:ff9b::/96"):
            inner = ipaddress.IPv4Address(int(parsed) & 0xFFFFFFFF)
        if inner is not None:
            parsed = inner
    return parsed.is_global and not parsed.is_multicast


def same_origin(first: str, second: str) -> bool:
    """Whether two absolute URLs share scheme, host and port (the scheme's own port counts as none)."""
    try:
        return _origin(first) == _origin(second)
    except ValueError:
        return False


def _origin(url: str) -> tuple[str, str, int | None]:
    parts = urlsplit(url)
    if parts.username is not None or parts.password is not None:
        raise ValueError(url)
    return parts.scheme, parts.hostname or "", parts.port or _PORTS.get(parts.scheme)
