"""Which numbers move the predictions of a study, as a folder: a page that opens offline, a tidy table, the record."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from eutonia import _writing
from eutonia.report import basis, exports, files, page, plain, screen, words
from eutonia.report.drawing import svg
from eutonia.report.drawing.plot import Sheet
from eutonia.trial.sensitivity import Sensitivity

if TYPE_CHECKING:
    from rich.console import Console

_PAGE, _RECORD = "report.html", "run.json"
#: What the folder of a screen holds; the record marks it as ours.
NAMES = (_PAGE, "sensitivity.csv", "sensitivity.parquet", _RECORD)
check_folder = partial(_writing.check_folder, names=NAMES)
_SHOWN = 15
#: Statuses of numbers that nobody has read in a source, and the colour of their bars.
_UNREAD = {"assumed": "does-not", "recalled": "in-range"}
_WIDTH, _ROW, _NAMES, _ROOM = 820, 24, 380, 360
# On a phone each name stands above its bar.
_PHONE_WIDTH, _PHONE_ROW, _PHONE_ROOM = 360, 44, 300


def _rows(found: Sensitivity) -> list[dict[str, Any]]:
    """Return the records that move most, in words, with what each moves most."""
    table, out = found.table, []
    for row in found.ranking().head(_SHOWN).rows(named=True):
        own = table.filter(table["record"] == row["record"]).sort("share", descending=True).row(0, named=True)
        limb = words.scale_label(own["limb"] or None, own["scale"]) if own["scale"] else own["statistic"]
        unit = words.unit(own["unit"])
        out.append(
            {
                "name": row["record"],
                "label": words.clinic(row["label"]),
                "share": row["share"],
                "known": f"{row['status']} ({row['distance']})" if row["distance"] else row["status"],
                "token": _UNREAD.get(row["status"], "leg"),
                "range": words.clinic(f"{_short(row['low'])} to {_short(row['high'])}"),
                "moves": ", ".join(part for part in (limb, own["arm"], own["visit"]) if part),
                "effect": f"{words.number(own['effect'])} {unit}".strip(),
                "total": "" if own["total"] is None else f"{own['total']:.2f}",
            }
        )
    return out


def _short(quantity: str) -> str:
    """Return a quantity with four digits; a vector by its first number."""
    number, _, unit = quantity.partition(",")[0].partition(" ")
    more = ", ..." if "," in quantity else ""
    return f"{float(number):.4g}{more} {unit}".strip()


def _drawing(rows: list[dict[str, Any]]) -> svg.Drawing:
    """Return a bar for each record: its mean share in all moves of the predictions."""
    wide = Sheet("sensitivity", _WIDTH, _ROW * len(rows) + 10)
    phone = Sheet("sensitivity-phone", _PHONE_WIDTH, _PHONE_ROW * len(rows) + 10)
    most = max((row["share"] for row in rows), default=0.0) or 1.0
    for place, row in enumerate(rows):
        top, share = _ROW * place + 5, row["share"] / most
        wide.text(_NAMES - 8, top + _ROW / 2, svg.cut(row["name"], _NAMES - 8, wide.size), anchor="end")
        _bar(wide, (float(_NAMES), top + 4.0), _ROOM * share, row)
        below = _PHONE_ROW * place + 5
        phone.text(0, below + _ROW / 2 - 2, svg.cut(row["name"], _PHONE_WIDTH, phone.size))
        _bar(phone, (0.0, below + _ROW - 2.0), _PHONE_ROOM * share, row)
    title = "What moves the predictions most"
    told = "; ".join(f"{row['name']} {100 * row['share']:.0f} percent" for row in rows)
    words_for_ears = f"Mean share of each number in all moves: {told}."
    return svg.Drawing(title, words_for_ears, wide.finish(title, told), phone.finish(title, told))


def _bar(sheet: Sheet, at: tuple[float, float], length: float, row: Mapping[str, Any]) -> None:
    """Draw the bar of a record and its share behind it."""
    sheet.box(at[0], at[1], max(1.0, length), _ROW - 8, row["token"], corner=2)
    sheet.text(at[0] + length + 6, at[1] + _ROW / 2 - 4, f"{100 * row['share']:.0f}%", "muted")


def html(found: Sensitivity) -> str:
    """Return the whole page as one text with everything inside; it loads nothing."""
    rows = _rows(found)
    about = basis.of_run(found.run, str(found.run["command"]))
    first, *others = found.caveats()
    most = "; ".join(f"{words.lower(row['label'])} {100 * row['share']:.0f}%" for row in rows[:3])
    said = [
        (plain.ASKED, f"Which numbers of the science move the predictions of {found.study_name} most?"),
        (plain.FOUND, f"Of all moves these do most: {most}." if rows else "No number moved anything."),
        (
            plain.WHY,
            f"{found.runs} runs with the same people and the same luck; each number moves over what is unknown of it.",
        ),
        (plain.SURE, first),
    ]
    more = {"title": found.study_name, "rows": rows, "drawn": _drawing(rows)}
    return page.render("sensitivity.html.jinja", about | more | plain.context("screen", said, more=others))


@_writing.whole(NAMES)
def write(found: Sensitivity, draft: Path) -> None:
    """Write page, table and record, whole or not at all, and return the folder."""
    (draft / _PAGE).write_text(html(found), encoding="utf-8")
    exports.write_pair(found.table, draft, "sensitivity")
    about = {"held": dict(found.held), "left_out": found.left_out, "refused": found.refused}
    files.write_record(draft, {"kind": "sensitivity", **found.run, **about, "files": sorted(NAMES)})


def show(found: Sensitivity, console: Console, folder: Path | None) -> None:
    """Print the records that move most, what each moves, and how well it is known."""
    from rich import box
    from rich.table import Table
    from rich.text import Text

    made = Table(title=f"What moves {found.study_name}, {found.runs} runs", title_justify="left", box=box.SIMPLE_HEAD)
    for head in ("record", "moved over", "share", "known", "moves most", "by"):
        made.add_column(head, justify="right" if head in ("share", "by") else "left", overflow="fold")
    for row in _rows(found):
        share = f"{100 * row['share']:.0f}%"
        made.add_row(
            *(Text(str(one)) for one in (row["name"], row["range"], share, row["known"], row["moves"], row["effect"]))
        )
    console.print(made)
    screen.close(console, found.caveats(), folder and folder / _PAGE)
