"""What the manual takes from the program, so that nothing is told twice: numbers, models, keys, commands, words."""

from __future__ import annotations

import ast
from pathlib import Path
from typing import Any

import blocks
import nbformat
import notebooks
from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective, SphinxRole

from eutonia import parameters
from eutonia.parameters import folders

SOURCE = Path(parameters.__file__).parents[1]


class Number(SphinxRole):
    """{number}`set.name`: a record's value with its unit and its status."""

    def run(self) -> tuple[list[nodes.Node], list[nodes.system_message]]:
        """Return the text; a record that is not there breaks the build."""
        of, _, name = self.text.partition(".")
        record = parameters.load(of)[name]
        unit = "" if record.unit == "1" else f" {record.unit}"
        return [nodes.Text(f"{record.value:g}{unit} ({record.status})")], []


class Model(SphinxDirective):
    """```{model} drug.kinetics.oral Blood: the equations of a module, or of a class, as its docstring has them."""

    required_arguments, optional_arguments = 1, 1

    def run(self) -> list[nodes.Node]:
        """Return the docstring as it stands, under the name of what it describes."""
        module, *of = self.arguments
        file = SOURCE / f"{module.replace('.', '/')}.py"
        self.env.note_dependency(str(file))
        tree: ast.Module | ast.ClassDef = ast.parse(file.read_text(encoding="utf-8"))
        for name in of:
            tree = next(node for node in tree.body if isinstance(node, ast.ClassDef) and node.name == name)
        text = ast.get_docstring(tree) or ""
        name = ".".join(["eutonia", module, *of])
        return [nodes.caption("", "", nodes.literal("", name)), nodes.literal_block(text, text, language="text")]


class Made(SphinxDirective):
    """```{made} commands: text that the program itself holds, parsed where it stands."""

    required_arguments = 1

    def run(self) -> list[nodes.Node]:
        """Return what `MAKERS` makes."""
        return self.parse_text_to_nodes(MAKERS[self.arguments[0]](), allow_section_headings=True)


def _cell(text: object) -> str:
    return str(text).replace("|", "\\|").replace("\n", " ").replace("<", "&lt;") or " "


def table(heads: list[str], rows: list[list[object]]) -> str:
    """Return a table in Markdown."""
    lines = [heads, ["---"] * len(heads), *rows]
    return "\n".join("| " + " | ".join(map(_cell, line)) + " |" for line in lines) + "\n"


def records() -> str:
    """Return every record, a section a set."""
    parts = []
    for name in sorted(folders.files()):
        given = parameters.load(name)
        rows = [[one.name, *_value(one), one.status, one.source] for one in given.records()]
        parts.append(f"## {name}\n\n{given.title}\n\n" + table(["record", "value", "unit", "status", "source"], rows))
    return "\n".join(parts)


def _value(record: Any) -> tuple[str, str]:
    few = 8
    numbers = record.numbers
    shown = ", ".join(f"{x:g}" for x in numbers[:few]) + (f", … ({len(numbers)})" if len(numbers) > few else "")
    return shown, "" if record.unit == "1" else record.unit


def keys(which: str) -> str:
    """Return the keys of study files or of pump programs, a section a table of the file, from the outermost inwards."""
    from eutonia.study import design, pump_file

    schema = {"study": design.json_schema, "pump": pump_file.json_schema}[which]()
    defs, homes = {"The file": schema, **schema.get("$defs", {})}, {}
    inwards = ["The file"]
    for name in inwards:
        for key, value in [("", _alternatives(defs[name])), *defs[name].get("properties", {}).items()]:
            for one in _named(value):
                homes.setdefault(one, []).append(f"`{key}` of {name}" if key else name)
                inwards += [one] if one not in inwards else []
    parts = []
    for name in inwards:
        one = defs[name]
        rows = [
            [f"`{key}`", "yes" if key in one.get("required", ()) else "", _kind(value), value.get("description", "")]
            for key, value in one.get("properties", {}).items()
        ]
        if rows:
            stands = f"Stands in: {'; '.join(dict.fromkeys(homes.get(name, [])))}.\n\n" if name in homes else ""
            head = f"## {name}\n\n{one.get('description', '')}\n\n{stands}"
            parts.append(head + table(["key", "needed", "is", "meaning"], rows))
    return "\n".join(parts)


def _alternatives(value: dict[str, Any]) -> dict[str, Any]:
    return {many: value[many] for many in ("anyOf", "oneOf") if many in value}


def _named(value: Any) -> list[str]:
    """Return the names of the tables that a value may be, in their order."""
    if isinstance(value, list):
        return [name for one in value for name in _named(one)]
    if not isinstance(value, dict):
        return []
    own = [value["$ref"].rpartition("/")[2]] if isinstance(value.get("$ref"), str) else []
    return own + [name for key, one in value.items() if key != "discriminator" for name in _named(one)]


def _kind(value: dict[str, Any]) -> str:
    if "$ref" in value:
        return value["$ref"].rpartition("/")[2]
    if "const" in value:
        return f"`{value['const']}`"
    if "enum" in value:
        return ", ".join(f"`{one}`" for one in value["enum"])
    for many in ("anyOf", "oneOf"):
        if many in value:
            return " or ".join(_kind(one) for one in value[many] if one.get("type") != "null")
    if value.get("type") == "array":
        return f"list of {_kind(value.get('items', {}))}"
    return {"string": "text"}.get(value.get("type", ""), str(value.get("type", "text")))


def commands() -> str:
    """Return the help of every command."""
    import typer
    from typer.testing import CliRunner

    from eutonia.cli import app as cli

    app = cli.app
    names = list(typer.main.get_command(app).commands)  # type: ignore[attr-defined]
    runner = CliRunner()
    helps = {
        name: runner.invoke(app, [name, "--help"], env={"COLUMNS": "96"}, prog_name="eutonia").output for name in names
    }
    return "\n".join(f"## {name}\n\n```text\n{text.rstrip()}\n```\n" for name, text in helps.items())


def words() -> str:
    """Return the glossaries that reports of every kind end with, for all scores."""
    from eutonia.assessment.scales import SCALES
    from eutonia.report import glossary

    told = {word: said for kind in glossary.OF_KIND for word, said in glossary.entries(SCALES, kind)}
    return "\n".join(f"**{word}.** {meaning}\n" for word, meaning in told.items())


def http() -> str:
    """Return every question of the API with its fields, from its own description."""
    import tempfile

    from eutonia.web.app import create_app

    with tempfile.TemporaryDirectory() as folder:
        api = create_app(Path(folder) / "web.sqlite").openapi()
    parts = []
    for path, methods in api["paths"].items():
        for method, one in methods.items():
            parts.append(f"## `{method.upper()} {path}`\n\n{one.get('description', '').partition(chr(10))[0]}\n")
            body = one.get("requestBody", {}).get("content", {}).get("application/json", {}).get("schema", {})
            model = api["components"]["schemas"].get(body.get("$ref", "").rpartition("/")[2], {})
            rows = [
                [
                    f"`{key}`",
                    "yes" if key in model.get("required", ()) else "",
                    _kind(value),
                    value.get("description", ""),
                ]
                for key, value in model.get("properties", {}).items()
            ]
            parts += [table(["key", "needed", "is", "meaning"], rows)] if rows else []
    return "\n".join(parts)


def verbs() -> str:
    """Return the public names, each with its docstring."""
    stub = ast.parse((SOURCE / "__init__.pyi").read_text(encoding="utf-8"))
    lines = []
    for line in stub.body:
        if isinstance(line, ast.ImportFrom):
            for one in line.names:
                kind = "autofunction" if one.name.islower() or one.name[0].islower() else "autoclass"
                lines.append(f".. {kind}:: eutonia.{one.name}")
                lines += ["   :members:", ""] if kind == "autoclass" else [""]
    return "```{eval-rst}\n" + "\n".join(lines) + "\n```\n"


MAKERS = {
    "records": records,
    "study-keys": lambda: keys("study"),
    "pump-keys": lambda: keys("pump"),
    "commands": commands,
    "words": words,
    "http": http,
    "verbs": verbs,
}


def _is_notebook(name: str, text: str) -> bool:
    return name.startswith("tutorials/") and blocks.BLOCK.search(text) is not None


def link_notebook(app: Sphinx, name: str, source: list[str]) -> None:
    """Let a tutorial end with the way to its notebook."""
    if _is_notebook(name, source[0]):
        file = f"{name.rpartition('/')[2]}.ipynb"
        source[0] += f'\n\n<p><a href="{file}" download>This page as a Jupyter notebook ({file})</a></p>\n'


def write_notebooks(app: Sphinx, failed: Exception | None) -> None:
    """Write the notebook of each tutorial beside its page; `sphinx-build -t executed` runs them first."""
    for name in () if failed else app.env.found_docs:
        page = Path(app.srcdir) / f"{name}.md"
        if _is_notebook(name, page.read_text(encoding="utf-8")):
            came = [one.came for one in blocks.run(page)] if "executed" in app.tags else None
            nbformat.write(notebooks.of(page, came), Path(app.outdir) / f"{name}.ipynb")


def setup(app: Sphinx) -> dict[str, bool]:
    """Tell Sphinx the names."""
    app.connect("source-read", link_notebook)
    app.connect("build-finished", write_notebooks)
    app.add_role("number", Number())
    app.add_directive("model", Model)
    app.add_directive("made", Made)
    return {"parallel_read_safe": True}
