"""The reading half of a crawl, which plans share: whole pages judged, nothing sent."""

from __future__ import annotations

from array import array
from contextlib import aclosing
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ml_connector.domain.records import key_hash
from ml_connector.engine.judging import CHUNK, Judged, Stopped, printable
from ml_connector.errors import RecordError

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Sequence

    from ml_connector.domain.records import Page, SourceRecord
    from ml_connector.engine.judging import Judge


@dataclass(frozen=True, slots=True)
class JudgedPage:
    """One page of the source: what its records came to, their hashed keys, and where to go on.

    The loser of two records with one key has been seen under the name it is parked by.
    """

    judged: Judged
    hashes: array[int]
    read: int
    skipped: int
    cursor: str | None


async def judged_pages(pages: AsyncGenerator[Page, None], judge: Judge) -> AsyncGenerator[JudgedPage, None]:
    """Every page, judged. The next one is read when this one has been dealt with: a resumed crawl repeats one page."""
    async with aclosing(pages):
        async for page in pages:
            read = len(page.records)
            fresh, losers = without_duplicates(page.records)
            page.records.clear()
            skipped = read - len(fresh) - len(losers)
            seen = (*(printable(record.key) for record in fresh), *(loser.key for loser in losers))
            hashes = array("Q", map(key_hash, seen))
            whole = Judged()
            while fresh:
                join(whole, await judge.judge(fresh[:CHUNK]))
                del fresh[:CHUNK]
            await judge.stop(losers, whole)
            came = JudgedPage(
                whole, hashes, read=read + page.skipped, skipped=page.skipped + skipped, cursor=page.cursor
            )
            yield came
            del came, whole  # not held while the next page is read


def without_duplicates(records: Sequence[SourceRecord]) -> tuple[list[SourceRecord], list[Stopped]]:
    """Records with different keys, and those that lose because another record of the page has their key.

    The same row twice (a page shifted while it was read) loses nothing and is left out of both.
    """
    fresh: dict[str, SourceRecord] = {}
    losers: list[Stopped] = []
    for record in records:
        first = fresh.setdefault(record.key, record)
        if first is not record and first.digest != record.digest:
            losers.append(duplicate(record))
    return list(fresh.values()), losers


def duplicate(record: SourceRecord) -> Stopped:
    """The loser of two records with one key: parked under a name of its own, so that the winner goes on."""
    name = printable(record.key)
    error = RecordError(
        f"Two records were read with the key {name}; the first was used, this one was not.",
        code="record.duplicate_key",
    )
    return Stopped(f"{name}#2", error, record.digest)


def join(whole: Judged, part: Judged) -> None:
    """Add one chunk's result to a page's."""
    whole.changes += part.changes
    whole.stopped += part.stopped
    whole.touched += part.touched
    whole.related += part.related
    whole.handed += part.handed
    whole.unchanged += part.unchanged
    whole.taken_back += part.taken_back
    whole.still_parked += part.still_parked
    whole.held += part.held
    whole.waiting += part.waiting
    whole.put_aside += part.put_aside
    whole.skipped += part.skipped
    whole.open_parked |= part.open_parked
