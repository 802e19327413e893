"""HubSpot's refusals: one exception that knows its status and its body.

Facts: https://developers.hubspot.com/docs/api-reference/error-handling
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import orjson

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

SCOPES_PAGE = "https://developers.hubspot.com/scopes"


class ApiError(Exception):
    """A request, or one input of a batch, that HubSpot refuses."""

    def __init__(
        self,
        status: int,
        message: str,
        category: str | None = "VALIDATION_ERROR",
        *,
        errors: Sequence[Mapping[str, Any]] = (),
        context: Mapping[str, Sequence[str]] | None = None,
        sub_category: str | None = None,
        links: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.category = category
        self.errors = list(errors)
        self.context = dict(context or {})
        self.sub_category = sub_category
        self.links = dict(links or {})

    def body(self, correlation_id: str) -> dict[str, Any]:
        """The body of a whole refused request."""
        body: dict[str, Any] = {"status": "error", "message": self.message, "correlationId": correlation_id}
        if self.context:
            body["context"] = self.context
        if self.errors:
            body["errors"] = self.errors
        if self.links:
            body["links"] = self.links
        if self.category:
            body["category"] = self.category
        if self.sub_category:
            body["subCategory"] = self.sub_category
        return body

    def entry(self, trace_id: str | None = None) -> dict[str, Any]:
        """The same refusal as one entry of a 207's ``errors``, keyed by the input's trace id."""
        context: dict[str, Any] = dict(self.context)
        if trace_id is not None:
            context["objectWriteTraceId"] = [trace_id]
        entry: dict[str, Any] = {
            "status": "error",
            "category": self.category or "VALIDATION_ERROR",
            "message": self.message,
            "context": context,
            "errors": self.errors,
            "links": self.links,
        }
        if self.sub_category:
            entry["subCategory"] = self.sub_category
        return entry


@dataclass(frozen=True, slots=True)
class Problem:
    """What is wrong with one property value: HubSpot's code and sentence."""

    name: str
    code: str
    message: str


def invalid_values(problems: Iterable[Problem], portal_id: int) -> ApiError:
    """400 for property values, with the machine-readable list embedded in the message too."""
    listed = list(problems)
    embedded = [
        {
            "isValid": False,
            "message": problem.message,
            "error": problem.code,
            "name": problem.name,
            "localizedErrorMessage": problem.message,
            "portalId": portal_id,
        }
        for problem in listed
    ]
    return ApiError(
        400,
        "Property values were not valid: " + orjson.dumps(embedded).decode(),
        errors=[
            {"message": problem.message, "code": problem.code, "context": {"propertyName": [problem.name]}}
            for problem in listed
        ],
    )


def missing_values(names: Sequence[str]) -> ApiError:
    """400 for a create without what its object type demands."""
    return ApiError(
        400,
        "The property values provided are invalid",
        errors=[
            {
                "code": "MISSING_REQUIRED_PROPERTY",
                "message": f"A value for {name} must be provided",
                "context": {"propertyName": [name]},
            }
            for name in names
        ],
    )


def not_found(record_id: str) -> ApiError:
    """404 of a record: the body differs for numeric and other ids."""
    if record_id.isdigit():
        return ApiError(404, "resource not found", None)
    return ApiError(
        404,
        "Object not found.  objectId are usually numeric.",
        "OBJECT_NOT_FOUND",
        context={"id": [record_id]},
    )


def not_found_in_batch(singular: str, ids: Sequence[str]) -> ApiError:
    """The entry that names the ids a batch could not find."""
    return ApiError(
        404,
        f"Could not get some {singular.upper()} objects, they may be deleted or not exist. "
        "Check that ids are valid.",
        "OBJECT_NOT_FOUND",
        context={"ids": list(ids)},
    )


def contact_exists(record_id: int) -> ApiError:
    """409 of a contact whose e-mail address another contact holds."""
    return ApiError(409, f"Contact already exists. Existing ID: {record_id}", "CONFLICT")


def non_unique(type_id: str, name: str, portal_id: int) -> ApiError:
    """400 of an ``idProperty`` that does not identify records."""
    return ApiError(
        400,
        f"Unable to perform update/upsert by non-unique {type_id} property {name} in portal ID {portal_id}",
    )


def duplicate_ids(ids: Sequence[str]) -> ApiError:
    """400 of a batch that names a key twice."""
    return ApiError(
        400,
        f"Duplicate IDs found in batch input: [{', '.join(ids)}]. IDs must be unique",
        context={"ids": list(ids)},
    )


def unauthenticated() -> ApiError:
    """401 of a missing or unknown token."""
    return ApiError(
        401,
        "Authentication credentials not found. This API supports OAuth 2.0 authentication and you can find "
        "more details at https://developers.hubspot.com/docs/methods/auth/oauth-overview",
        "INVALID_AUTHENTICATION",
    )


def expired(category: str) -> ApiError:
    """401 of an OAuth token whose time is over."""
    return ApiError(401, "The OAuth token used to make this call expired.", category)


def missing_scopes(any_of: Sequence[str]) -> ApiError:
    """403 of a token that holds none of the scopes that open an endpoint."""
    return ApiError(
        403,
        "This app hasn't been granted all required scopes to make this call. "
        f"Read more about required scopes here: {SCOPES_PAGE}.",
        "MISSING_SCOPES",
        errors=[
            {
                "message": "One or more of the following scopes are required.",
                "context": {"requiredGranularScopes": list(any_of)},
            }
        ],
        links={"scopes": SCOPES_PAGE},
    )


def invalid_input(message: str) -> ApiError:
    """400 of a request whose shape is wrong."""
    return ApiError(400, message)
