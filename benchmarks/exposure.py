"""Time `eutonia exposure`, the command, on tables of hourly levels for a year under tablets three times a day.

    python benchmarks/exposure.py [--people 20 1142]

Twenty people are 175,220 rows, 1,142 are ten million. Each table is read, computed and written in a process of its own,
start-up included. Times are of this machine on this day: compare ratios within one run, never numbers between runs.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path

HOURS, EVERY = 8760, 8
BARS = {"seconds for 20 people": 2.0, "rows a second": 1e6, "bytes of memory a byte": 3.0}

_COMMAND = """
import json, resource, sys, time
began = time.perf_counter()
from eutonia.cli import main
sys.argv = ["eutonia", "exposure", sys.argv[1], "--quiet", "--out", sys.argv[2]]
try:
    main()
except SystemExit as end:
    assert not end.code, end.code
used = resource.getrusage(resource.RUSAGE_SELF)
print(json.dumps({"wall": time.perf_counter() - began, "cpu": used.ru_utime + used.ru_stime,
                  "bytes": 1024 * used.ru_maxrss}))
"""


def written(path: Path, people: int) -> int:
    """Write a table and return its number of rows."""
    with path.open("w") as file:
        file.write("ID,TIME,EVID,AMT,CMT,ADDL,II,CRCL\n")
        for person in range(1, people + 1):
            crcl = 40 + 7 * person % 80
            file.write(f"{person},0,1,10,1,{HOURS // EVERY - 1},{EVERY},{crcl}\n")
            file.write("".join(f"{person},{hour},0,.,.,.,.,{crcl}\n" for hour in range(HOURS)))
    return people * (HOURS + 1)


def timed(people: int, folder: Path) -> None:
    """Time the command twice, the second time with its programs compiled, and print what the second took."""
    table = folder / "table.csv"
    rows, size = written(table, people), table.stat().st_size
    for _ in range(2):
        done = subprocess.run(
            [sys.executable, "-c", _COMMAND, table, folder / "levels.csv"],
            check=True,
            stdout=subprocess.PIPE,
            text=True,
        )
    found = json.loads(done.stdout.splitlines()[-1])
    print(f"{people:,} people, {rows:,} rows, {size / 1e6:,.1f} MB")
    print(f"  {'wall, start-up included':30} {found['wall']:10.2f} s")
    print(f"  {'CPU':30} {found['cpu']:10.2f} s")
    print(f"  {'rows a second of wall':30} {rows / found['wall']:10,.0f}")
    print(f"  {'peak memory':30} {found['bytes'] / 1e6:10,.0f} MB, {found['bytes'] / size:.2f} bytes a byte")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--people", type=int, nargs="+", default=[20, 1142])
    print(f"bars: {', '.join(f'{bar:g} {what}' for what, bar in BARS.items())}")
    for count in parser.parse_args().people:
        with tempfile.TemporaryDirectory() as made:
            timed(count, Path(made))
