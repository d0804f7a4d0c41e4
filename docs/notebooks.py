"""A tutorial as a Jupyter notebook: its text, its blocks as cells, and what they print, which a test holds."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

import nbformat
from blocks import BLOCK
from nbformat import v4

_LINK, _COMMAND = re.compile(r"\[([^]]*)\]\([^)]*\)"), re.compile(r"^\$ (.*)\n", re.MULTILINE)
#: What a notebook says of itself.
HOW = (
    "*Made from a page of the manual. Run it where Eutonia is installed, in an empty folder; a recording comes from "
    "`examples` of the source.*"
)
LEFT_OUT = "*A line `...` stands for lines that are left out.*"


def of(page: Path, came: Iterable[str] | None = None) -> nbformat.NotebookNode:
    """Return the notebook of a page, with what its blocks print now, or with what the page says that they print.

    Parameters
    ----------
    page
        The page, in Markdown.
    came
        What came of each block that is run, in their order, as `blocks.run` tells it.

    Raises
    ------
    ValueError
        A block that would mean something else in a notebook.
    """
    text, at, cells = page.read_text(encoding="utf-8"), 0, []
    ran = None if came is None else iter(came)
    for block in BLOCK.finditer(text):
        kind, name, body, printed = block.groups()
        if ran is not None and kind != "toml":
            body, printed = (body, next(ran)) if kind == "python" else (next(ran), None)
        cells += [*_prose(text[at : block.start()]), *_cells(kind, name, body, printed)]
        at = block.end()
    cells += _prose(text[at:])
    cells.insert(1, v4.new_markdown_cell(HOW if came is not None else f"{HOW} {LEFT_OUT}"))
    runs = 0
    for number, cell in enumerate(cells):
        cell.id = f"cell-{number}"
        if cell.cell_type == "code":
            runs += 1
            cell.execution_count = runs
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    return v4.new_notebook(cells=cells, metadata={"kernelspec": kernel, "language_info": {"name": "python"}})


def _prose(text: str) -> list[nbformat.NotebookNode]:
    told = _LINK.sub(r"\1", text).strip()
    return [v4.new_markdown_cell(told)] if told else []


def _cells(kind: str, name: str, body: str, printed: str | None) -> list[nbformat.NotebookNode]:
    if kind == "python":
        return [_code(body, printed or "")]
    if kind == "toml":
        return [_code(f"%%writefile {name}\n{body}", "")] if name else _prose(f"```toml\n{body}```")
    _, *parts = _COMMAND.split(body)
    if any(sign in command for command in parts[::2] for sign in "${}"):
        raise ValueError(f"a notebook reads $ and {{}} of a command as its own: {parts[::2]}")
    return [_code(f"!{command}", came) for command, came in zip(parts[::2], parts[1::2], strict=True)]


def _code(source: str, printed: str) -> nbformat.NotebookNode:
    outputs = [v4.new_output("stream", name="stdout", text=printed)] if printed else []
    return v4.new_code_cell(source.rstrip("\n"), outputs=outputs)
