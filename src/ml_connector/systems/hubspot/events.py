"""HubSpot's webhooks as they arrive, and whether HubSpot sent them.

Signatures: https://developers.hubspot.com/docs/apps/developer-platform/build-apps/authentication/request-validation
Bodies: https://developers.hubspot.com/docs/api-reference/legacy/webhooks/guide
"""

from __future__ import annotations

import hmac
import re
from base64 import b64encode
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import TYPE_CHECKING, Any

from ml_connector.domain.events import Told, UnreadableEventError, word
from ml_connector.transport import strict_json
from ml_connector.transport.strict_json import MalformedError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

SIDE = "hubspot"
SIGNATURE_V3, TIMESTAMP = "x-hubspot-signature-v3", "x-hubspot-request-timestamp"
SIGNATURE, VERSION = "x-hubspot-signature", "x-hubspot-signature-version"
SIGNING_HEADERS = (SIGNATURE_V3, TIMESTAMP, SIGNATURE, VERSION)
WINDOW = timedelta(minutes=5)
MOST_EVENTS = 100  # in one POST
# Only these escapes are decoded before version 3 signs an address; all others stay as they are.
_DECODED = {f"%{ord(sign):02X}": sign for sign in ":/?@!$'()*,;"}
_ESCAPE = re.compile("|".join(_DECODED), re.IGNORECASE)
_OBJECTS = {
    "0-1": "contact",
    "0-2": "company",
    "0-3": "deal",
    "0-5": "ticket",
    "0-7": "product",
    "0-8": "line_item",
}
_LONGEST_STAMP = 15  # digits


@dataclass(frozen=True, slots=True)
class Signed:
    """A request as far as it is signed. ``uri`` is the address HubSpot was given, with the query as it came."""

    method: str
    uri: str
    body: bytes
    headers: Mapping[
        str, Sequence[str]
    ]  # the signing headers that came, lower-case, each with all its values


def distrust(request: Signed, secrets: Sequence[str], now: datetime, *, accept_v1: bool) -> str:
    """Why the request is not HubSpot's; "" when it is.

    Args:
        request: What came.
        secrets: The app's client secret, and a former one while both are good.
        now: The time.
        accept_v1: Take the first version, which has no timestamp and so can be replayed, where the third is absent.

    Returns:
        ``signature_missing``, ``signature_doubled``, ``timestamp``, ``algorithm`` or ``signature``.
    """
    values = {name: request.headers.get(name, ()) for name in SIGNING_HEADERS}
    if any(len(found) > 1 for found in values.values()):
        return "signature_doubled"
    given = {name: found[0] for name, found in values.items() if found}
    if SIGNATURE_V3 in given:
        return _distrust_v3(request, given, secrets, now)
    if SIGNATURE not in given:
        return "signature_missing"
    if not accept_v1 or given.get(VERSION, "v1") != "v1":
        return "algorithm"
    return (
        ""
        if _any_equals(given[SIGNATURE], [_v1(secret, request.body) for secret in secrets])
        else "signature"
    )


def _distrust_v3(request: Signed, given: Mapping[str, str], secrets: Sequence[str], now: datetime) -> str:
    stamp = given.get(TIMESTAMP, "")
    if not (stamp.isascii() and stamp.isdigit()) or len(stamp) > _LONGEST_STAMP:
        return "timestamp"
    sent = datetime.fromtimestamp(0, UTC) + timedelta(milliseconds=int(stamp)) if int(stamp) < 2**48 else None
    if sent is None or abs(now - sent) > WINDOW:
        return "timestamp"
    expected = [signature_v3(secret, request.method, request.uri, request.body, stamp) for secret in secrets]
    return "" if _any_equals(given[SIGNATURE_V3], expected) else "signature"


def signature_v3(secret: str, method: str, uri: str, body: bytes, stamp: str) -> str:
    """Base64 of HMAC-SHA-256, keyed with the secret, over method, address, body and timestamp."""
    decoded = _ESCAPE.sub(lambda found: _DECODED[found[0].upper()], uri)
    text = f"{method}{decoded}".encode() + body + stamp.encode()
    return b64encode(hmac.digest(secret.encode(), text, "sha256")).decode()


def _v1(secret: str, body: bytes) -> str:
    return sha256(secret.encode() + body).hexdigest()


def _any_equals(given: str, expected: Sequence[str]) -> bool:
    """Compare with every one, in a time that tells nothing."""
    found = False
    for one in expected:
        found |= hmac.compare_digest(given.encode(errors="replace"), one.encode())
    return found


def read_events(body: bytes) -> list[Told]:
    """The events of one POST.

    Raises:
        UnreadableEventError: it is not JSON as we accept it, or not what HubSpot sends.
    """
    try:
        events = strict_json.loads(body)
    except MalformedError as exc:
        raise UnreadableEventError(f"it is not JSON: {exc}") from None
    if not isinstance(events, list):
        raise UnreadableEventError("it is not a list")
    if not events or len(events) > MOST_EVENTS:
        raise UnreadableEventError(f"it holds {len(events)} events")
    return [_told(event) for event in events]


def _told(event: Any) -> Told:
    if not isinstance(event, dict):
        raise UnreadableEventError("an event is not an object")
    kind = word(event.get("subscriptionType") or event.get("eventType"), "subscriptionType")
    name, _, what = kind.partition(".")
    if name == "object":  # a generic subscription: the object's type stands beside it
        name = _OBJECTS.get(word(event.get("objectTypeId"), "objectTypeId"), name)
    portal = word(event.get("portalId"), "portalId")
    number = word(event.get("eventId", ""), "eventId", empty=True)
    ends = [word(event[end], end) for end in ("fromObjectId", "toObjectId") if end in event]
    identifier = word(event["objectId"], "objectId") if "objectId" in event else " to ".join(ends)
    # the number of the attempt is all that differs between the copies of an event
    content = strict_json.canonical({name: value for name, value in event.items() if name != "attemptNumber"})
    return Told(
        source=SIDE,
        type=f"{name}.{what}",
        legal_entity="",
        identifier=identifier,
        number=number,
        identity=content,
        content=content,
        fields={**event, "portalId": portal},
    )


def records_of(told: Told, name: str) -> tuple[str, ...] | None:
    """The ids of the objects of this type (``deal``) that an event is about; None when it is about none.

    A merge is about what was merged, what it was merged into, and the record that came of it.
    """
    fields = told.fields
    of, _, what = told.type.partition(".")
    if what == "associationChange":
        ends = str(fields.get("associationType", "")).lower().split("_to_")
        pairs = zip(ends, ("fromObjectId", "toObjectId"), strict=False)
        ids = [_id(fields.get(end)) for end_type, end in pairs if end_type == name]
    elif of != name:
        return None
    elif what == "merge":
        merged = fields.get("mergedObjectIds", [])
        ids = [_id(fields.get(end)) for end in ("newObjectId", "primaryObjectId", "objectId")]
        ids += [_id(one) for one in (merged if isinstance(merged, list) else [])]
    else:
        ids = [_id(fields.get("objectId"))]
    return tuple(dict.fromkeys(one for one in ids if one)) or None


def _id(value: Any) -> str:
    """An object's id as text; "" for what is none."""
    text = str(value)
    return text if not isinstance(value, bool) and text.isascii() and text.isdigit() else ""


def is_own(told: Told) -> bool:
    """Whether the app itself wrote what the event tells: reading it again would tell nothing new."""
    fields = told.fields
    by_app = fields.get("changeSource") == "INTEGRATION" and "appId" in fields
    return by_app and str(fields.get("sourceId")) == str(fields["appId"])
