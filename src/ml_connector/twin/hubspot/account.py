"""The account: details, use of the daily quota, the token's scopes, owners, pipelines.

Facts: https://developers.hubspot.com/docs/api-reference/latest/account/account-information/guide,
https://developers.hubspot.com/docs/apps/legacy-apps/private-apps/overview
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from ml_connector.twin.hubspot.calls import answer
from ml_connector.twin.hubspot.errors import ApiError, invalid_input, unauthenticated
from ml_connector.twin.hubspot.object_types import TYPES
from ml_connector.twin.hubspot.values import stamp

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ml_connector.twin.hubspot.calls import Call
    from ml_connector.twin.hubspot.limits import Limits
    from ml_connector.twin.hubspot.portal import Owner, Portal
    from ml_connector.twin.wire import Answer

ALL_SCOPES: tuple[str, ...] = (
    "oauth",
    *(
        f"crm.objects.{kind.name}.{way}"
        for kind in TYPES
        for way in ("read", "write")
        if kind.name != "quotes"
    ),
    "crm.objects.quotes.read",
    *(
        f"crm.schemas.{name}.{way}"
        for name in ("companies", "contacts", "deals")
        for way in ("read", "write")
    ),
    "crm.objects.owners.read",
    "e-commerce",
    "crm.schemas.custom.read",
    "crm.import",
    "crm.export",
)


def scopes_of(missing: Iterable[str]) -> frozenset[str]:
    """The scopes of the portal's token: all but the missing ones."""
    return frozenset(ALL_SCOPES) - frozenset(missing)


class Account:
    """What only the account endpoints know: the token and the limits."""

    def __init__(self, portal: Portal, limits: Limits, token: str) -> None:
        self.portal = portal
        self.limits = limits
        self.token = token
        self.scopes = scopes_of(portal.settings.listed("missing_scopes"))

    def details(self, _call: Call) -> Answer:
        """Portal id, currencies, time zone."""
        portal = self.portal
        here = datetime.fromisoformat(portal.now).astimezone(self.limits.zone)
        offset = here.utcoffset() or timedelta()
        return answer(
            200,
            {
                "portalId": portal.portal_id,
                "accountType": "STANDARD",
                "timeZone": portal.settings["time_zone"],
                "companyCurrency": portal.currency,
                "additionalCurrencies": list(portal.other_currencies),
                "utcOffset": f"{here:%z}"[:3] + ":" + f"{here:%z}"[3:],
                "utcOffsetMilliseconds": int(offset.total_seconds() * 1000),
                "uiDomain": "app.hubspot.com",
                "dataHostingLocation": "na1",
            },
        )

    def daily_usage(self, _call: Call) -> Answer:
        """Calls of the day against the quota."""
        now = datetime.fromisoformat(self.portal.now)
        day = self.limits.day
        ends = day.ends(now)
        usage = {
            "name": "private-apps-api-calls-daily",
            "usageLimit": day.calls,
            "currentUsage": day.used,
            "collectedAt": self.portal.now,
            "fetchStatus": "SUCCESS",
            "resetsAt": stamp(ends),
        }
        return answer(200, {"results": [usage]})

    def token_info(self, call: Call) -> Answer:
        """The scopes behind the token in the body."""
        key = call.body().get("tokenKey")
        if not key:
            raise invalid_input("tokenKey is required")
        if key != self.token:
            raise unauthenticated()
        return answer(
            200,
            {
                "userId": 7_000_001,
                "hubId": self.portal.portal_id,
                "appId": self.portal.app_id,
                "scopes": [scope for scope in ALL_SCOPES if scope in self.scopes],
                "isUserToken": False,
            },
        )


def list_owners(call: Call) -> Answer:
    """Owners, all or the one with an e-mail address, by pages."""
    email = call.request.param("email")
    archived = call.flag("archived")
    chosen = [o for o in call.portal.owners if not archived and (not email or o.email == email.lower())]
    after, limit = call.whole("after", 0), call.whole("limit", 100) or 100
    body: dict[str, Any] = {"results": [_owner(call, o) for o in chosen[after : after + limit]]}
    if after + limit < len(chosen):
        body["paging"] = {"next": {"after": str(after + limit)}}
    return answer(200, body)


def get_owner(call: Call) -> Answer:
    """One owner by id or by user id."""
    by_user = call.request.param("idProperty") == "userId"
    for owner in call.portal.owners:
        printed = _owner(call, owner)
        if call.args["id"] == (str(printed["userId"]) if by_user else owner.id):
            return answer(200, printed)
    raise ApiError(404, f"Owner {call.args['id']} does not exist", "OBJECT_NOT_FOUND")


def _owner(call: Call, owner: Owner) -> dict[str, Any]:
    return {
        "id": owner.id,
        "email": owner.email,
        "type": "PERSON",
        "firstName": owner.first_name,
        "lastName": owner.last_name,
        "userId": int(owner.id) - 60_000_000,
        "userIdIncludingInactive": int(owner.id) - 60_000_000,
        "createdAt": call.portal.started,
        "updatedAt": call.portal.started,
        "archived": False,
        "teams": [
            {"id": team_id, "name": name, "primary": place == 0}
            for place, (team_id, name) in enumerate(owner.teams)
        ],
    }
