"""F&O's refusals: one exception carrying status and texts, and the envelope they travel in."""

from __future__ import annotations

from typing import Any

QUERY_ERROR = "Microsoft.OData.ODataException"
WRITE_ERROR = "Microsoft.Dynamics.Platform.Integration.Services.OData.AxODataWriteException"
GENERAL = "An error has occurred."


class RefusalError(Exception):
    """A request F&O refuses; ``outer`` is the envelope's message, ``inner`` the one that explains."""

    def __init__(self, status: int, inner: str, *, outer: str = GENERAL, kind: str = QUERY_ERROR) -> None:
        super().__init__(inner)
        self.status = status
        self.inner = inner
        self.outer = outer
        self.kind = kind

    def envelope(self) -> dict[str, Any]:
        """The error body, with a stack trace of the twin's own making."""
        frames = (
            f"   at Twin.Of.{self.kind.rsplit('.', 1)[-1]}.Raise()\r\n   at Twin.Of.ODataController.Handle()"
        )
        inner = {"message": self.inner, "type": self.kind, "stacktrace": frames}
        return {"error": {"code": "", "message": self.outer, "innererror": inner}}


class InfologError(Exception):
    """A write the business rules refuse. The machine gives it its status and the entity's name.

    ``entries`` are the lines of F&O's Infolog: (level, text).
    """

    def __init__(self, *entries: tuple[str, str]) -> None:
        super().__init__(entries[0][1])
        self.entries = entries

    def refusal(self, data_entity: str, status: int) -> RefusalError:
        """The refusal as the client sees it: the Infolog joined into one sentence."""
        lines = "; ".join(f"{level}: {text}" for level, text in self.entries)
        text = f"Write failed for table row of type '{data_entity}'. Infolog: {lines}."
        return RefusalError(status, text, kind=WRITE_ERROR)


def bad_query(sentence: str) -> RefusalError:
    """A query the service cannot read: the sentence stands in the outer message too."""
    return RefusalError(400, sentence, outer=sentence)


def bad_body(sentence: str) -> RefusalError:
    """A body that is not a valid entity."""
    return RefusalError(400, sentence, outer="The request is invalid.")


def not_found(sentence: str) -> RefusalError:
    """An unknown set or key."""
    return RefusalError(404, sentence, outer=sentence)


def unknown_property(name: str, type_name: str) -> RefusalError:
    """A property named in a query that the type does not have."""
    return bad_query(
        f"Could not find a property named '{name}' on type 'Microsoft.Dynamics.DataEntities.{type_name}'."
    )


def invalid_field(text: str, field: str) -> InfologError:
    """A value that fails validation of one field; ``field`` is ``DataEntity.Property``."""
    return InfologError(("Warning", text), ("Warning", f"validateField failed on field '{field}'"))


def invalid_write(text: str) -> InfologError:
    """A record that fails validation as a whole."""
    return InfologError(("Warning", text), ("Error", "Update has been canceled."))
