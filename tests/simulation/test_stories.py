"""Stories, a process that dies at every seam of them, and commits that come prompt or long after the client gave up.

Each run happens in a process of its own (``run.py``), which prints one line a run; a failing one is repeated with the
command in the message. The enumeration of every seam is the simulation tier (``make test-sim``); a sample runs always.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import orjson
import pytest

RUNNER = Path(__file__).with_name("run.py")
pytestmark = pytest.mark.skipif(
    not hasattr(os, "fork"), reason="the simulation forks its runs, which Windows cannot"
)


def enumerate_story(
    story: str, *, late: bool, every: int, part: str = "1/1", seed: int = 1
) -> list[dict[str, Any]]:
    """Run the story at its seams; the answers of all runs."""
    words = [
        sys.executable,
        str(RUNNER),
        "--story",
        story,
        "--every",
        str(every),
        "--part",
        part,
        "--seed",
        str(seed),
    ]
    done = subprocess.run(
        [*words, "--late"] if late else words,
        capture_output=True,
        text=True,
        check=False,
        env=os.environ | {"PYTHONHASHSEED": "0"},
    )
    runs = [orjson.loads(line) for line in done.stdout.splitlines()]
    assert runs, done.stderr
    return runs


def require_unbroken(story: str, runs: list[dict[str, Any]], *, late: bool) -> None:
    """No promise broke in any run; otherwise say which and how to see it again."""
    broken = [
        f"{run['broken'][:5]} after a death at seam {run['crash_at']} ({run.get('seam')}); see it with:\n"
        f"python tests/simulation/run.py --story {story} {'--late ' if late else ''}--crash-at {run['crash_at']}"
        for run in runs
        if run["broken"]
    ]
    assert not broken, "\n".join(broken[:5])


SAMPLES = {  # each how-manieth seam of a story, prompt or late; the tier has them all, both ways
    ("changed_customer", False): 20,
    ("first_load", True): 45,
    ("gone_customer", True): 49,
    ("matched_company", True): 37,
    ("merged_company", True): 35,
    ("shared_email", True): 29,
    ("won_deal", False): 70,
    ("won_deal", True): 90,
}
NAMES = sorted({story for story, _ in SAMPLES})
LONGEST = "won_deal"  # halved, so that two workers end at about the same time


@pytest.mark.parametrize(
    ("story", "late"), SAMPLES, ids=lambda value: {True: "late", False: "prompt"}.get(value, value)
)
def test_a_sample_of_deaths_leaves_no_duplicate_and_nothing_unresolved(story: str, *, late: bool) -> None:
    runs = enumerate_story(story, late=late, every=SAMPLES[story, late])
    # One without a death, and four with: a sampled seam that changes nothing is passed over.
    assert len(runs) > 4
    require_unbroken(story, runs, late=late)


@pytest.mark.sim
@pytest.mark.parametrize("late", [False, True], ids=["prompt", "late"])
@pytest.mark.parametrize(
    ("story", "part"),
    [(LONGEST, "1/2"), (LONGEST, "2/2"), *((story, "1/1") for story in NAMES if story != LONGEST)],
)
def test_a_death_at_every_seam_leaves_no_duplicate_and_nothing_unresolved(
    story: str, *, late: bool, part: str
) -> None:
    runs = enumerate_story(story, late=late, every=1, part=part)
    require_unbroken(story, runs, late=late)


def test_the_tier_has_every_story() -> None:
    done = subprocess.run([sys.executable, str(RUNNER), "--help"], capture_output=True, text=True, check=True)
    assert f"{{{','.join(NAMES)}}}" in done.stdout


def test_the_same_seed_gives_the_same_trace_and_another_seed_another() -> None:
    one, same, other = (
        enumerate_story("won_deal", late=False, every=10_000, seed=seed)[0]["trace"] for seed in (1, 1, 2)
    )
    assert one == same
    assert one != other
