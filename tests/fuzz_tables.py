"""Write dosing tables as other programs do, spoil them, and recount from the text what a careful reader would give.

    python tests/fuzz_tables.py [--minutes 20] [--seed 1]

A table must be refused, or every person named in it gets what the text says, no more and no less: the amounts are
added up from the text by a reader of its own, what is in the body and out of it again is compared at every observation,
and every row that is not read must be counted. Anything else (a traceback, a hang, a dose that nobody wrote) stops the
run and prints the table.
"""

from __future__ import annotations

import argparse
import csv
import random
import signal
import sys
import time
from collections import defaultdict
from dataclasses import dataclass

import jax

jax.config.update("jax_enable_x64", True)

from table_examples import Events, events_of  # noqa: E402

from eutonia.drug import exposure  # noqa: E402
from eutonia.errors import EutoniaError  # noqa: E402
from eutonia.exchange.cells import parse_cells  # noqa: E402
from eutonia.exchange.exposure import expose  # noqa: E402

MODEL = exposure.model("one-compartment-oral")
GIVEN = {"CL": 8.0, "V": 50.0, "KA": 1.5}
IDS = (
    *("1", "2", "10", "01", "1.0", "1e2", "100", "0x1", "1234567890123456", "1234567890123457", "007", "+5", "1_0"),
    *("A", "C", "c", "a", "NA", "NaN", "inf", "null", "Jo Ann", "J\u00fcrgen", "\u5f20", "\u0661", "O'Neil", "-1", "."),
    *('"#1"', '"@7"', '"C"', '"Doe, J"', '"say ""so"""', "#1", "@1", "=1+1", "2024-01-01", "12:30", "1/2", "$3", "%s"),
)
# Columns that a program may add: what stands in a dose, and elsewhere. Those in _CHANGES must never be read past.
MORE = {
    "DV": (".", "12.5"), "MDV": ("1", "0"), "SEX": ("1", "1"), "Y": (".", "3"), "YTYPE": (".", "1"), "ADM": ("1", "."),
    "DVID": (".", "1"), "CENS": ("0", "1"), "LIMIT": (".", "0"), "NOTE": ("", "ok"), "WEIGHT": ("70", "70"),
    "OCC": ("1", "1"), "ROUTE": ("oral", "."), "AMTU": ("mg", "."), "DOSE": ("10", "10"), "SEQ": ("1", "2"),
}  # fmt: skip
CHANGES = {
    "F1": ("0.5", "."), "ALAG1": ("1", "."), "D1": ("2", "."), "R1": ("5", "."), "TLAG": ("1", "1"), "TAU": ("8", "."),
    "EXCL": ("1", "0"), "NDOSES": ("3", "."), "KEL": ("0.1", "0.1"),
}  # fmt: skip
CELLS = (
    *(
        "0",
        "1",
        "2",
        "-1",
        ".",
        "",
        " ",
        "1e9",
        "1e-300",
        "nan",
        "inf",
        "1e400",
        "C",
        "#",
        "@",
        '"',
        '""',
        '"a,b"',
        "'",
    ),
    *(
        "1,5",
        "08:30",
        "10 mg",
        "NA",
        "\u0661",
        "0x10",
        "1_0",
        "1e3",
        "99",
        "DEPOT",
        "central",
        "C1",
        "\t",
        "\u00a0",
        "=1",
    ),
)
LEFT = ("#{}", "@{}", " #{}", "{}")


@dataclass(frozen=True)
class Record:
    """A row as a careful reader takes it."""

    person: str
    time: float
    amount: float
    lasts: float


def written(luck: random.Random) -> bytes:
    """Return a table of some people in some dialect, whole or spoilt."""
    way, marked = luck.choice(("", "", "RATE", "TINF", "DUR")), luck.random() < 0.3
    names = ["ID", "TIME", "AMT", *([way] if way else [])]
    names += ["EVID"] if luck.random() < 0.4 else []
    names += ["CMT"] if luck.random() < 0.4 else []
    names += luck.sample(sorted(MORE), luck.randrange(4))
    names += [luck.choice(sorted(CHANGES))] if luck.random() < 0.1 else []
    names += ["C"] if marked else []
    if luck.random() < 0.5:
        luck.shuffle(names)
    rows = [",".join(name.lower() if luck.random() < 0.1 else name for name in names)]
    for person in luck.sample(IDS, luck.randrange(1, 5)):
        now = 0.0
        for _ in range(luck.randrange(1, 6)):
            now += luck.choice((0.0, 0.5, 1.0, 7.25))
            rows.append(_row(luck, names, person, now, way))
    rows = [_spoilt_row(luck, row) for row in rows]
    end = luck.choice(("\n", "\n", "\r\n", "\r"))
    text = end.join(rows) + luck.choice(("", end, end + end, end + "," * (len(names) - 1) + end))
    content = bytearray((luck.choice(("", "", "\ufeff")) + text).encode())
    if luck.random() < 0.15:
        for _ in range(luck.randrange(1, 4)):
            at = luck.randrange(len(content))
            content[at : at + luck.randrange(2)] = luck.choice(
                (b'"', b",", b"\n", b"#", b"C", b"\xff", b"\0", b"1", b"")
            )
    return bytes(content)


def _row(luck: random.Random, names: list[str], person: str, now: float, way: str) -> str:
    is_dose = luck.random() < 0.5
    says = {"ID": person, "TIME": f"{now:g}", "AMT": luck.choice(("10", "5.5", "20")) if is_dose else ".", "C": "."}
    says["EVID"], says["CMT"] = str(int(is_dose)), luck.choice(("1", "2", "DEPOT", "Central")) if is_dose else "."
    if way:
        says[way] = luck.choice(("0", ".", "2", "4")) if is_dose else "."
    says |= {name: cells[not is_dose] for name, cells in (MORE | CHANGES).items()}
    if luck.random() < 0.1:
        says["C"] = luck.choice(("C", "c"))
    row = ",".join(says[name] for name in names)
    return luck.choice(LEFT).format(row) if luck.random() < 0.08 else row


def _spoilt_row(luck: random.Random, row: str) -> str:
    if luck.random() > 0.06:
        return row
    cells = row.split(",")
    cells[luck.randrange(len(cells))] = luck.choice(CELLS)
    return ",".join(cells)


def recounted(content: bytes) -> tuple[list[Record], int]:
    """Read the text as a careful person would, by the csv module alone; return the records and rows left out."""
    lines = content.decode("utf-8-sig").replace("\r\n", "\n").replace("\r", "\n").split("\n")
    kept, behind = [], 0
    inside = False
    for line in lines:
        if not inside and line.lstrip()[:1] in ("#", "@"):
            behind += 1
            continue
        kept.append(line)
        inside = _ends_inside(line, inside)
    header, *rows = [row for row in csv.reader("\n".join(kept).splitlines(keepends=True)) if row]
    names = [" ".join(name.split()).upper() for name in header]
    assert not set(names) & (set(CHANGES) - {"EXCL"}), f"{names} were read past"
    marks = {names.index("C")} if "C" in names else set()
    marks |= {0} if names[0] != "ID" else set()
    records, left = [], behind
    for row in rows:
        cells = dict(zip(names, (cell.strip() for cell in row), strict=False))
        if any(place < len(row) and row[place].strip() in ("C", "c") for place in marks) or not any(cells.values()):
            left += 1
            continue
        assert len(row) == len(names), row
        records.append(_record(cells))
    return records, left


def _ends_inside(line: str, inside: bool) -> bool:
    """Say whether a line ends within quotation marks; they open a cell only where it begins."""
    before = ","
    for sign in line:
        if inside:
            inside = sign != '"'
        elif sign == '"' and before in (",", '"'):
            inside = True
        before = sign
    return inside


def _record(cells: dict[str, str]) -> Record:
    def number(name: str) -> float:
        said = cells.get(name, "")
        return 0.0 if said in ("", ".") else float(said)

    amount, rate = number("AMT"), number("RATE")
    assert cells.get("EXCL", "0") in ("0", ".", "", "NA"), cells
    assert number("EVID") in (0, 1, 2, 3, 4)
    is_dose = number("EVID") in (1, 4) if "EVID" in cells else amount > 0
    lasts = number("TINF") or number("DUR") or (amount / rate if rate else 0.0)
    return Record(cells["ID"], number("TIME"), amount if is_dose else 0.0, lasts)


def judge(content: bytes, *, simulate: bool) -> str:
    """Read a table, and hold what was read against the text."""
    try:
        events = events_of(parse_cells(content, "t.csv"), MODEL, GIVEN)
    except EutoniaError as error:
        failure = error
    else:
        return _held_against(events, content, simulate)
    assert len(str(failure).splitlines()) <= 25, failure
    assert all(one.rule and one.allowed and one.do for one in getattr(failure, "faults", ())), failure
    return "refused"


def _held_against(events: Events, content: bytes, simulate: bool) -> str:
    records, left = recounted(content)
    assert events.left.rows + events.left.comments == left, (events.left, left)
    wanted: dict[str, float] = defaultdict(float)
    for one in records:
        wanted[one.person] += one.amount
    got: dict[str, float] = dict.fromkeys(events.ids, 0.0)
    for code, amount in zip(events.who.tolist(), events.records.amount.tolist(), strict=True):
        got[events.ids[code]] += amount
    assert got == dict(wanted), (got, dict(wanted))
    assert {one for one in wanted if not wanted[one]} <= set(_named_undosed(events, wanted)), events.told
    if not simulate or (events.records.evid > 2).any():
        return "read"
    _conserves(events, records)
    return "simulated"


def _named_undosed(events: Events, wanted: dict[str, float]) -> list[str]:
    """Return who may go undosed: those who are named as such, and those who are not observed either."""
    seen = {events.ids[i] for i in events.who[events.records.evid == 0].tolist()}
    said = " ".join(events.told)
    count = len([one for one in wanted if not wanted[one] and one in seen])
    assert not count or f"never dosed: {count} of {len(events.ids)} people" in said, said
    return list(wanted)


def _conserves(events: Events, records: list[Record]) -> None:
    """What was given is in the body, or has left it, at every observation."""
    table = expose(events, MODEL)
    held = table.select([name for name in table.columns if name.startswith("A_")]).sum_horizontal().to_list()
    order = {line: i for i, line in enumerate(events.lines.tolist())}
    for line, person, now, amount in zip(table["ROW"], table["ID"], table["TIME"], held, strict=True):
        given = 0.0
        for one in records[: order[line]]:
            if one.person == person:
                given += one.amount * (min(1.0, (now - one.time) / one.lasts) if one.lasts else 1.0)
        assert abs(amount - given) <= 1e-8 * max(1.0, given), (line, person, amount, given)


def _too_long(*_: object) -> None:
    raise TimeoutError("a table took more than 60 s")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=20.0)
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    luck, ends = random.Random(given.seed), time.monotonic() + 60.0 * given.minutes
    counts = {"refused": 0, "read": 0, "simulated": 0}
    signal.signal(signal.SIGALRM, _too_long)
    while time.monotonic() < ends:
        content = written(luck)
        signal.alarm(60)
        try:
            counts[judge(content, simulate=luck.random() < 0.2)] += 1
        except BaseException:
            sys.stderr.write(f"seed {given.seed}, after {counts}:\n{content!r}\n{content.decode(errors='replace')}\n")
            raise
        finally:
            signal.alarm(0)
    sys.stdout.write(f"{counts}\n")


if __name__ == "__main__":
    main()
