"""Every error of the connector, sorted by what happens next.

::

    ConnectorError               .code .hint .context
      RetryableError             wait and try again
        ThrottledError           the side asked us to slow down; .retry_after_s
        UnavailableError         not reachable, 5xx, connection lost, read timed out
      UncertainWriteError        the write may have landed: look, then decide
      RecordError                this record only: parked, the run goes on
        MappingError             .field .value
        MissingReferenceError    another record must come first: held, then retried
        SubjectLeftError         what began its process is no longer so
        RejectedError            the target said no; .status .remote_code .correlation_id
      SliceOverError             no failure: the run goes on in its next slice
      RunStoppedError            the breaker holds what a crawl would write: a person looks and releases it
      AccessError                stop the flow, tell a person
        CredentialsError         the credential is wrong, expired or revoked
        MissingScopeError        the credential is good but lacks a right
      ConfigurationError         found before anything is sent
        KeyRefusedError          the encryption key is missing or wrong
        WallError                a write the ledger wall does not list

The message says what happened, to which record, and what to do. ``code`` is stable: screens and docs index by it.
"""

from __future__ import annotations

from typing import Any


class ConnectorError(Exception):
    """What went wrong, in words for the person who must act."""

    code = "connector.error"

    def __init__(self, message: str, *, code: str | None = None, hint: str = "", **context: Any) -> None:
        super().__init__(message)
        self.message = message
        self.code = code or type(self).code
        self.hint = hint
        self.context: dict[str, Any] = context


class RetryableError(ConnectorError):
    """Nothing is wrong with the record: wait and try again."""

    code = "connector.retry"


DAILY_LIMIT = "connector.daily_limit"


class ThrottledError(RetryableError):
    """The side asked us to slow down for longer than this run may wait."""

    code = "connector.throttled"

    def __init__(self, message: str, *, retry_after_s: float, **rest: Any) -> None:
        super().__init__(message, **rest)
        self.retry_after_s = retry_after_s


class UnavailableError(RetryableError):
    """The side cannot be reached, or answered that it is not able to answer now."""

    code = "connector.unavailable"


class UncertainWriteError(ConnectorError):
    """A write was sent and its answer never came: it may have landed. Never repeat it blindly."""

    code = "connector.uncertain_write"


class RecordError(ConnectorError):
    """Concerns one record only: it is parked with this cause, everything else goes on."""

    code = "record.refused"


class MappingError(RecordError):
    """A value cannot be mapped."""

    code = "mapping.value"

    def __init__(self, message: str, *, field: str, value: Any = None, **rest: Any) -> None:
        super().__init__(message, **rest)
        self.field = field
        self.value = value


class MissingReferenceError(RecordError):
    """A record this one leans on is not there yet: held, and retried by itself."""

    code = "record.missing_reference"


class SubjectLeftError(RecordError):
    """What began a process is no longer so: there is nothing left to do, unless something stands already."""

    code = "record.left"


class RejectedError(RecordError):
    """The target understood the write and said no."""

    code = "record.rejected"

    def __init__(
        self, message: str, *, status: int, remote_code: str = "", correlation_id: str = "", **rest: Any
    ) -> None:
        super().__init__(message, **rest)
        self.status = status
        self.remote_code = remote_code
        self.correlation_id = correlation_id


class SliceOverError(ConnectorError):
    """A slice of a long run has ended where the next one can go on."""

    code = "run.slice_over"


class RunStoppedError(ConnectorError):
    """The breaker stopped a run before anything was written: it waits for a person."""

    code = "run.stopped"


class AccessError(ConnectorError):
    """The flow stops until a person has mended the access."""

    code = "access.refused"


class CredentialsError(AccessError):
    """The credential is wrong, expired or revoked."""

    code = "access.credentials"


class MissingScopeError(AccessError):
    """The credential is good, and lacks a scope or role."""

    code = "access.scope"


class ConfigurationError(ConnectorError):
    """Found before anything is sent: a setting, a mapping or a name is wrong."""

    code = "configuration.invalid"


class KeyRefusedError(ConfigurationError):
    """The encryption key is missing or is not the one this database was sealed with."""

    code = "configuration.key"


class WallError(ConfigurationError):
    """A request the ledger wall does not list was stopped before a byte left."""

    code = "wall.refused"
