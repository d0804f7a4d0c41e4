"""Make `slow.txt`, the tests that `python -m pytest -m "not slow"` leaves out, from how long each took.

    python -m pytest --durations=0 --durations-min=0.5 | tee durations.log; python tests/slow.py durations.log

A test is slow that takes more than LONGEST with its setup, all its parameters together. On a machine of another speed
the list stays the same: it is drawn up once for all, and again when the quick ones have grown beyond three minutes.
"""

from __future__ import annotations

import re
import sys
from collections import Counter
from pathlib import Path

#: Seconds on two busy cores.
LONGEST = 1.0
LIST = Path(__file__).with_name("slow.txt")


def main(log: Path) -> None:
    """Write the list from the output of a whole run."""
    taken: Counter[str] = Counter()
    for line in log.read_text(encoding="utf-8").splitlines():
        if told := re.match(r"([\d.]+)s (?:call|setup|teardown) +(\S+?)(?:\[|$)", line):
            taken[told[2]] += float(told[1])
    LIST.write_text("".join(f"{name}\n" for name in sorted(taken) if taken[name] > LONGEST), encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
