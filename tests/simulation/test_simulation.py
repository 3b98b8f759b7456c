"""The engine under every fault at once: nothing acknowledged is lost, nothing is counted twice.

A seed that fails is printed with what failed; `python -m tests.simulation SEED -v` shows it again.
Seeds that failed once stand in `seeds.txt` and are run each time.
"""

from pathlib import Path

import pytest

from tests.simulation.bugs import BUGS, NONE, Bug
from tests.simulation.simulation import simulate

QUICK_SEEDS = 24
SEEDS = 2_000
SEEDS_A_BLOCK = 50
SOAK_SEEDS = 50_000
SEEDS_FOR_A_BUG = 400

FAILED_ONCE = [
    int(line.partition("#")[0])
    for line in (Path(__file__).parent / "seeds.txt").read_text().splitlines()
    if line.partition("#")[0].strip()
]


def failures(seeds: range | list[int], bug: Bug = NONE) -> list[str]:
    """What failed, with its seed."""
    outcomes = ((seed, simulate(seed, bug)) for seed in seeds)
    return [f"seed {seed}: {outcome.failure}" for seed, outcome in outcomes if outcome.failure]


def test_seeds_that_failed_once() -> None:
    assert failures(FAILED_ONCE) == []


def test_some_seeds() -> None:
    assert failures(range(QUICK_SEEDS)) == []


def test_a_seed_is_one_run() -> None:
    assert simulate(7, NONE).trace == simulate(7, NONE).trace


@pytest.mark.slow
@pytest.mark.parametrize("first", range(0, SEEDS, SEEDS_A_BLOCK))
def test_many_seeds(first: int) -> None:
    assert failures(range(first, first + SEEDS_A_BLOCK)) == []


@pytest.mark.slow
@pytest.mark.parametrize("name", BUGS)
def test_every_bug_is_found(name: str) -> None:
    found = (seed for seed in range(SEEDS_FOR_A_BUG) if simulate(seed, BUGS[name]).failure)
    assert next(found, None) is not None


@pytest.mark.soak
def test_very_many_seeds() -> None:
    assert failures(range(SEEDS, SEEDS + SOAK_SEEDS)) == []
