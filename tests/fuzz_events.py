"""Feed the reader of dosing tables with rubbish for as long as you like.

    python tests/fuzz_events.py [--minutes 10] [--seed 1]

Bytes, tables with changed cells and tables with changed bytes. A table must be refused with faults that are whole and
fit on a screen, or be simulated to numbers that are finite and conserve mass; anything else stops the run.
"""

from __future__ import annotations

import argparse
import random
import sys
import time

import numpy as np

from eutonia import session

session.begin()

from table_examples import events_of  # noqa: E402

from eutonia.drug import exposure  # noqa: E402
from eutonia.errors import EutoniaError  # noqa: E402
from eutonia.exchange.cells import parse_cells  # noqa: E402
from eutonia.exchange.exposure import expose  # noqa: E402

HEADER = "ID,TIME,EVID,AMT,CMT,RATE,ADDL,II,SS,MDV,DV,ALAG,F,RATE_M,DUR_M,CRCL,HD,WT,OCC"
ROWS = (
    "1,0,1,10,1,0,2,8,0,1,.,0.5,.,.,.,90,0,70,1",
    "1,4,0,.,2,.,.,.,.,0,55,.,.,.,.,90,128,70,1",
    "1,9,1,10,1,-2,0,12,1,1,.,.,0.7,.,2,60,0,70,2",
    "1,12,0,.,.,.,.,.,.,0,50,.,.,.,.,60,0,70,2",
    "2,0,4,20,2,4,1,6,2,1,.,0,1,5,.,100,0,60,1",
    "2,9,3,.,.,.,.,.,.,1,.,.,.,.,.,100,0,60,1",
    "2,9,1,5,1,-1,3,24,0,1,.,3,.,2,.,100,0,60,2",
    "2,30,0,.,2,.,.,.,.,0,70,.,.,.,.,100,0,60,2",
)
CELLS = (
    *(
        "0",
        "1",
        "2",
        "3",
        "4",
        "5",
        "-1",
        "-2",
        "-3",
        ".",
        "",
        " ",
        "8",
        "24",
        "1e9",
        "1e-300",
        "-0",
        "+3",
        "0x1",
        "1_0",
    ),
    *("nan", "inf", "-inf", "1e400", "C", "#", "@", '"', '"a,b"', "1,5", "08:30", "10 mg", "NA", "é", "\u0661", "1e3"),
    *("TIME", "ID", "AMT_ug", "9" * 400, "1e-5", "0.001", "1000000", "99999", "2500", "0.3", "1e5", "1e-9"),
)


def mutated(luck: random.Random) -> bytes:
    """Return a table that is wrong in some places, or bytes that are none."""
    kind = luck.random()
    if kind < 0.05:
        return luck.randbytes(luck.randrange(300))
    rows = [line.split(",") for line in (HEADER, *ROWS)]
    for _ in range(luck.choice((0, 1, 1, 1, 2, 2, 3, 6))):
        row = luck.randrange(len(rows)) if luck.random() < 0.1 else luck.randrange(1, len(rows))
        rows[row][luck.randrange(len(rows[row]))] = luck.choice(CELLS)
        if luck.random() < 0.03:
            rows.append(list(luck.choice(rows)))
        if luck.random() < 0.03 and len(rows) > 2:
            del rows[luck.randrange(len(rows))]
    content = bytearray("\n".join(",".join(row) for row in rows).encode())
    if kind > 0.9:
        for _ in range(luck.randrange(1, 5)):
            content[luck.randrange(len(content))] = luck.randrange(256)
    return bytes(content)


def intrathecal(content: bytes) -> bytes:
    """Return the same table with the columns of the spinal fluid."""
    for name, instead in (
        (b",AMT,", b",AMT_ug,"),
        (b",RATE,", b",RATE_ug_per_h,"),
        (b",RATE_M,", b",RATE_M_ug_per_h,"),
    ):
        content = content.replace(name, instead)
    return content.replace(b",WT,", b",DISP,")


def judge(content: bytes, model: exposure.KineticModel) -> str:
    """Read and simulate a table; return what became of it."""
    try:
        events = events_of(parse_cells(content, "t.csv"), model, {})
    except EutoniaError as error:
        message = str(error)
        assert len(message.splitlines()) <= 25, message
        assert max(map(len, message.splitlines())) <= 110, message
        for fault in getattr(error, "faults", ()):
            assert all((fault.rule, fault.allowed, fault.do)), fault
        return "refused"
    table = expose(events, model)
    amounts = table.select([name for name in table.columns if name.startswith("A_")]).to_numpy()
    assert np.isfinite(amounts).all(), table
    assert (amounts >= -1e-9 * max(1.0, float(amounts.max()))).all(), table
    return "simulated"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=10.0)
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    luck, ends = random.Random(given.seed), time.monotonic() + 60.0 * given.minutes
    counts = {"refused": 0, "simulated": 0}
    while time.monotonic() < ends:
        content, model = mutated(luck), exposure.model()
        if luck.random() < 0.5:
            content, model = intrathecal(content), exposure.model("baclofen-intrathecal")
        try:
            counts[judge(content, model)] += 1
        except BaseException:
            sys.stderr.write(f"seed {given.seed}, after {counts}:\n{content!r}\n")
            raise
    sys.stdout.write(f"{counts}\n")


if __name__ == "__main__":
    main()
