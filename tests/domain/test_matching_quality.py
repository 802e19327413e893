"""Quality on a labelled set that was not used while the rules were tuned; ``make bench-match`` measures large ones."""

from __future__ import annotations

from benchmarks.matching import PRECISION, RECALL, both_sides, quality

from ml_connector.domain.matching.companies import company_pairs
from ml_connector.domain.matching.deciding import decide
from ml_connector.twin.world.labelled.sets import judge, labelled_set

HELD_OUT = 21


def test_certain_links_are_right_and_nothing_known_is_overlooked() -> None:
    """2,000 x 2,000: certain links at a precision of 99.5 %, certain and doubtful together at a recall of 97 %."""
    made = labelled_set(HELD_OUT, 2_000)
    sources, targets = both_sides(made)
    assert len(sources) >= 2_000
    assert len(targets) >= 1_900
    found = quality(made, decide(company_pairs(sources, targets)))
    assert found.precision >= PRECISION, found
    assert found.recall >= RECALL, found
    assert found.settled >= 0.7, found


def test_a_labelled_set_is_the_same_for_the_same_seed() -> None:
    assert labelled_set(3, 200) == labelled_set(3, 200)
    assert labelled_set(3, 200) != labelled_set(4, 200)


def test_the_measure_counts_wrong_links_and_overlooked_companies() -> None:
    truth = {"a": {"1"}, "b": {"2"}, "c": {"3"}, "d": {"4", "5"}}
    found = judge(truth, {"a": "1", "b": "9", "z": "8"}, {"d": {"5", "6"}, "y": {"7"}})
    assert (found.certain, found.wrong, found.found, found.known) == (3, 2, 2, 4)
    assert (found.doubtful, found.needless) == (2, 1)
