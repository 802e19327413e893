"""What has changed inside a twin, written down only while somebody wants to tell receivers about it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

Entry = TypeVar("Entry")


def _nobody() -> None:
    """Nobody is to be woken."""


class Journal(Generic[Entry]):
    """Entries in the order they happened, until they are taken.

    ``wake`` is called when the first entry is written; whoever it wakes takes the entries after the work under
    way has ended, so that what was rolled back is never seen.
    """

    def __init__(self) -> None:
        self.open = False
        self.wake: Callable[[], None] = _nobody
        self._entries: list[Entry] = []
        self._mark = 0

    def note(self, entry: Entry) -> None:
        """Write one entry, if the journal is open."""
        if not self.open:
            return
        self._entries.append(entry)
        if len(self._entries) == 1:
            self.wake()

    def begin(self) -> None:
        """From here on entries can be rolled back."""
        self._mark = len(self._entries)

    def roll_back(self) -> None:
        """Forget everything since ``begin``."""
        del self._entries[self._mark :]

    def take(self) -> list[Entry]:
        """Hand over what was written since the last time."""
        taken, self._entries, self._mark = self._entries, [], 0
        return taken
