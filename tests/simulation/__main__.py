"""Run seeds by hand: `python -m tests.simulation 17`, or `0-1000`, `--bug "no fence"`, `-v`."""

import argparse
import time

from tests.simulation.bugs import BUGS, NONE
from tests.simulation.simulation import simulate


def main() -> None:
    """Run what the command line asks for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("seeds", help="a seed, or first-last")
    parser.add_argument("--bug", choices=BUGS, help="let the store do it wrong in this way")
    parser.add_argument("-v", action="store_true", help="print everything that happened")
    options = parser.parse_args()
    first, _, last = options.seeds.partition("-")
    began, failed, simulated_s = time.perf_counter(), 0, 0.0
    seeds = range(int(first), int(last or first) + 1)
    for seed in seeds:
        outcome = simulate(seed, BUGS[options.bug] if options.bug else NONE)
        simulated_s += outcome.simulated_s
        if options.v:
            print("\n".join(outcome.trace))
        if outcome.failure is not None:
            failed += 1
            print(f"seed {seed}: {outcome.failure}", flush=True)
    elapsed_s = time.perf_counter() - began
    print(
        f"{len(seeds)} seeds, {failed} failed, {len(seeds) / elapsed_s:.1f} seeds/s, "
        f"{simulated_s / len(seeds):.0f} simulated s a seed"
    )


if __name__ == "__main__":
    main()
