"""One limit within one process: what is under way, what was answered within the window, and who waits in line."""

from __future__ import annotations

import asyncio
import math
from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ml_connector.domain.priority import Priority
from ml_connector.domain.sharing import PART_FOR_THE_LAST, Allowance
from ml_connector.errors import ThrottledError

if TYPE_CHECKING:
    from collections.abc import Callable

    from ml_connector.domain.clock import Clock

_SOONEST_S = 0.001  # the loop's clock and the elapsed clock may differ by less than this
_REMEMBERED = 1000  # answers kept while no window is known: they count once the side tells one
_ELSEWHERE = -1  # a call in the window that no caller of ours made


@dataclass(slots=True)
class _Waiting:
    turn: asyncio.Future[None]
    patience_s: float
    arrival: int


class Bucket:
    """One limit. ``starving`` is called when somebody waits who could go if the process had more slots."""

    def __init__(self, name: str, clock: Clock, width: float, starving: Callable[[str], None] | None) -> None:
        self.name = name
        self._clock = clock
        self._asked_at, self._asked_by = -math.inf, Priority.POLLS
        self._widest = width
        self._width = width  # calls at once; halved by a pause, widened by answers
        self._starving = starving
        self._limit = math.inf
        self._window_s = 0.0
        self._told = False
        self._share = math.inf  # slots this process may use, and until when
        self._share_until = math.inf
        self._paused_until = -math.inf
        self._under_way = [0] * len(Priority)
        self._answered: deque[tuple[float, int]] = deque()  # moment and priority
        self._line: list[deque[_Waiting]] = [deque() for _ in Priority]
        self._arrivals = self._served = 0
        self._timer: asyncio.TimerHandle | None = None

    @property
    def allowance(self) -> Allowance | None:
        """The limit in force, None where there is none."""
        return Allowance(int(self._limit), self._window_s, self._told) if math.isfinite(self._limit) else None

    @property
    def pause_s(self) -> float:
        """How long nobody may call yet."""
        return max(0.0, self._paused_until - self._clock.elapsed_s())

    @property
    def waits(self) -> bool:
        """Whether anybody is in line."""
        return any(not one.turn.done() for line in self._line for one in line)

    @property
    def under_way(self) -> int:
        """Calls that have no answer yet."""
        return sum(self._under_way)

    def slots(self) -> int:
        """Slots this process may use now, where it does not have them all."""
        return (
            int(self._share) if self._clock.elapsed_s() < self._share_until and self._share < math.inf else 0
        )

    def in_use(self) -> int:
        """Calls under way and calls in the window."""
        self._forget(self._clock.elapsed_s())
        return sum(self._under_way) + (len(self._answered) if self._window_s else 0)

    def asked_within(self, seconds: float) -> bool:
        """Whether anybody waits, or has asked in this time."""
        return self.waits or self._clock.elapsed_s() - self._asked_at <= seconds

    def wanted(self) -> tuple[int, ...]:
        """Slots this process could use, by priority: those in use, one for each who waits, and room to grow."""
        wanted = list(self._under_way)
        for _, rank in self._answered if self._window_s else ():
            if rank != _ELSEWHERE:
                wanted[rank] += 1
        total, limit = sum(wanted), int(self._limit) if math.isfinite(self._limit) else 0
        for rank, line in enumerate(self._line):
            wanted[rank] += len(line)
        if self.waits:
            room, first = max(1, total, limit // 8), next(rank for rank in Priority if self._line[rank])
        else:
            room, first = max(1, total // 4, limit // 32), self._asked_by
        wanted[first] += room
        return tuple(wanted)

    def free_in_s(self) -> float:
        """When the last call in the window leaves it."""
        return (
            max(0.0, self._answered[-1][0] + self._window_s - self._clock.elapsed_s())
            if self._answered
            else 0
        )

    async def take(self, priority: Priority, patience_s: float) -> None:
        """Wait for a slot.

        Raises:
            ThrottledError: the bucket is paused for longer than ``patience_s``.
        """
        now = self._asked_at = self._clock.elapsed_s()
        self._asked_by = priority
        if self._paused_until - now > patience_s:
            raise self._too_long(self._paused_until - now)
        if not self.waits and self._wait_s(now) <= 0:
            self._under_way[priority] += 1
            return
        waiting = _Waiting(asyncio.get_running_loop().create_future(), patience_s, self._arrivals)
        self._arrivals += 1
        self._line[priority].append(waiting)
        self.serve()
        try:
            await waiting.turn
        except asyncio.CancelledError:
            if waiting.turn.done() and not waiting.turn.cancelled() and waiting.turn.exception() is None:
                self.unused(priority)
            raise

    def answered(self, priority: Priority) -> None:
        """A call is over; its slot is free again after a window."""
        self._under_way[priority] -= 1
        self._answered.append((self._clock.elapsed_s(), priority))
        if self._width < self._widest:
            self._width = min(self._widest, self._width + 1.0 / self._width)
        self.serve()

    def unused(self, priority: Priority) -> None:
        """A call was not made."""
        self._under_way[priority] -= 1
        self.serve()

    def allow(self, allowance: Allowance) -> None:
        """The limit in force from now on."""
        self._limit, self._window_s = max(1, allowance.calls), allowance.window_s
        self._told = allowance.told
        self.serve()

    def left(self, left: int) -> None:
        """So many calls of the window are unused: what is missing was made by others than this process.

        Only what is missing from this process' own slots counts: the rest are those of our other processes.
        """
        now = self._clock.elapsed_s()
        self._forget(now)
        mine = min(self._limit, self._share)
        if math.isfinite(mine):
            elsewhere = int(mine) - left - sum(self._under_way) - len(self._answered)
            self._answered.extend([(now, _ELSEWHERE)] * min(max(elsewhere, 0), int(mine)))

    def share(self, slots: float, until_elapsed_s: float) -> None:
        """This process may use so many slots, until then."""
        self._share, self._share_until = slots, until_elapsed_s
        self.serve()

    def lower(self, slots: int) -> None:
        """This process uses no more slots than this: what it has beyond them it gives back."""
        self._share = min(self._share, slots)

    def pause(self, until_elapsed_s: float, *, halve: bool) -> None:
        """Nobody calls before this moment; where we were hit ourselves, half as many at once afterwards."""
        now = self._clock.elapsed_s()
        if halve and self._paused_until <= now:  # one storm is one pause, however many calls it hit
            self._width = max(1.0, min(self._width, sum(self._under_way) + 1.0) / 2.0)
        self._paused_until = max(self._paused_until, until_elapsed_s)
        wait = self._paused_until - now
        for line in self._line:
            for waiting in line:
                if wait > waiting.patience_s and not waiting.turn.done():
                    waiting.turn.set_exception(self._too_long(wait))
        self.serve()

    def fail(self, error: BaseException) -> None:
        """Nobody who waits can be served."""
        for line in self._line:
            while line:
                turn = line.popleft().turn
                if not turn.done():
                    turn.set_exception(error)

    def serve(self) -> None:
        """Hand free slots to those in line, and set the alarm for the next one."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        now = self._clock.elapsed_s()
        while (rank := self._next()) is not None:
            wait = self._wait_s(now)
            if wait > 0:
                if wait < math.inf:
                    loop = asyncio.get_running_loop()
                    self._timer = loop.call_later(max(wait, _SOONEST_S), self.serve)
                if self._starving is not None and self._is_short(now):
                    self._starving(self.name)
                return
            self._served += 1
            self._under_way[rank] += 1
            self._line[rank].popleft().turn.set_result(None)

    def _next(self) -> Priority | None:
        """Whose turn it is: the highest priority; each tenth turn is that of whoever waits longest."""
        for line in self._line:
            while line and line[0].turn.done():  # cancelled, or told that the pause is too long
                line.popleft()
        waiting = [rank for rank in Priority if self._line[rank]]
        if not waiting:
            return None
        if self._served % PART_FOR_THE_LAST == PART_FOR_THE_LAST - 1:
            return min(waiting, key=lambda rank: self._line[rank][0].arrival)
        return waiting[0]

    def _too_long(self, wait_s: float) -> ThrottledError:
        return ThrottledError(
            f"{self.name} asked for a pause of {math.ceil(wait_s)} s, longer than this run may wait.",
            retry_after_s=wait_s,
            hint="Nothing is lost: run it again after the pause.",
        )

    def _forget(self, now: float) -> None:
        if not self._window_s:
            while len(self._answered) > _REMEMBERED:
                self._answered.popleft()
            return
        while self._answered and self._answered[0][0] + self._window_s <= now:
            self._answered.popleft()

    def _mine(self, now: float) -> float:
        """Slots this process has; none once its lease has ended."""
        return min(self._limit, self._share if now < self._share_until else 0)

    def _is_short(self, now: float) -> bool:
        """Whether more slots would let somebody go."""
        mine = self._mine(now)
        return now >= self._paused_until and mine < self._limit and self.in_use() >= mine

    def _wait_s(self, now: float) -> float:
        """Until the next slot: 0 when one is free, infinite when only an answer can free one."""
        if now < self._paused_until:
            return self._paused_until - now
        self._forget(now)
        under_way = sum(self._under_way)
        if under_way + 1 > self._width:
            return math.inf
        in_window = len(self._answered) if self._window_s else 0
        mine = self._mine(now)
        if under_way + in_window < mine:
            return 0.0
        if not in_window or mine < 1:
            return math.inf
        due = self._answered[max(0, min(in_window - 1, under_way + in_window - int(mine)))]
        return max(_SOONEST_S, due[0] + self._window_s - now)
