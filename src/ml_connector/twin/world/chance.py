"""The one way in which the world chooses."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    import random
    from collections.abc import Callable, Sequence

T = TypeVar("T")


def picker(rng: random.Random) -> Callable[[Sequence[T]], T]:
    """Return a function that chooses one of several, alike on every Python version and quickly.

    Only ``random()`` has a sequence that is fixed for a seed; the choosing methods around it have changed
    between Python versions.
    """
    draw = rng.random

    def pick(choices: Sequence[T]) -> T:
        return choices[int(draw() * len(choices))]

    return pick
