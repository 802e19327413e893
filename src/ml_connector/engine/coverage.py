"""What a run has covered: progress may move past a page only when all its records have an outcome on record."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field


@dataclass(slots=True, eq=False)
class CoveredPage:
    """One page under way: where the run may go on after it, and how many of its records are still open.

    ``place`` is a source's cursor, or the number of a staged batch.
    """

    place: str | None
    open: int = 0
    judged: bool = False


@dataclass(slots=True)
class Coverage:
    """The pages under way, oldest first."""

    pages: deque[CoveredPage] = field(default_factory=deque)
    done: int = 0

    def begin(self, place: str | None) -> CoveredPage:
        """A page has been read."""
        page = CoveredPage(place)
        self.pages.append(page)
        return page

    def take_finished(self) -> CoveredPage | None:
        """Drop the finished pages at the head; the last of them is how far progress may move."""
        finished = None
        while self.pages and self.pages[0].judged and self.pages[0].open == 0:
            finished = self.pages.popleft()
            self.done += 1
        return finished
