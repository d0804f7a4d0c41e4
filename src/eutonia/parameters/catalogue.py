"""What is on the market: products, with what is in the packet, for which route, under which codes; and pumps."""

from __future__ import annotations

import functools
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from importlib import resources
from types import MappingProxyType
from typing import Any

from eutonia.errors import ParameterError, unknown
from eutonia.parameters import citations
from eutonia.parameters.folders import sets
from eutonia.parameters.library import load, parse_toml, read_header
from eutonia.parameters.record import ASSUMPTION, STATUSES

ROUTES = ("oral", "intrathecal")
_UNITS: Mapping[str, tuple[str, ...]] = {"oral": ("mg", "mg/mL"), "intrathecal": ("ug/mL",)}
_TEXTS = ("name", "form", "route", "strength_unit", "region", "status", "source", "note")
_FIELDS = (*_TEXTS, "aliases", "strengths", "codes")
_CODE_TABLES = ("rxcui", "ndc")


@dataclass(frozen=True, slots=True)
class Product:
    """A baclofen product.

    `strengths` are in `strength_unit`: mg or mg/mL by mouth, ug/mL for the pump. `rxcui` and `ndc` give the code of a
    strength, written as on the packet ("10 mg").
    """

    name: str
    form: str
    route: str
    strengths: tuple[float, ...]
    strength_unit: str
    region: str
    status: str
    source: str
    note: str = ""
    aliases: tuple[str, ...] = ()
    atc: str = ""
    rxcui: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    ndc: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))

    @property
    def names(self) -> tuple[str, ...]:
        """Every name under which the product may be asked for."""
        return (self.name, *self.aliases)


@functools.cache
def products() -> tuple[Product, ...]:
    """Return every product, in the order of the file."""
    text = resources.files("eutonia.parameters").joinpath("data", "products.toml").read_text(encoding="utf-8")
    return read(text, citations.entries())


def product(name: str) -> Product:
    """Return a product by name or alias, in capitals or not."""
    known = {alias: item for item in products() for alias in item.names}
    folded = {alias.casefold(): item for alias, item in known.items()}
    found = folded.get(name.strip().casefold())
    if found is None:
        raise ParameterError(unknown("product", name, known, "Use one of these names."))
    return found


def pump_models() -> dict[str, str]:
    """Return every pump model by its name, and the set that holds its records: `pump_NAME`, whose title is the name."""
    found: dict[str, str] = {}
    for name in sets("pump"):
        title = load(name).title
        if found.setdefault(title, name) != name:
            raise ParameterError(
                f'{name}.toml and {found[title]}.toml are both titled "{title}". Allowed: the title of each pump once, '
                "for programs name a pump by it. Give one another title."
            )
    return found


def read(text: str, sources: Collection[str], name: str = "products") -> tuple[Product, ...]:
    """Read and check the TOML of the products, whose sources must be among `sources`."""
    tables = parse_toml(text, name)
    read_header(tables.pop("set", None), name)
    rows = tables.pop("product", None)
    if tables or not isinstance(rows, list) or not rows:
        found = f"{', '.join(tables)}" if tables else "no product"
        raise ParameterError(f"{name}.toml holds {found}. Allowed: [set] and a list of [[product]]. Add or rename it.")
    found_products = tuple(_product(row, index, name, sources) for index, row in enumerate(rows, start=1))
    taken: dict[str, str] = {}
    for item in found_products:
        for alias in item.names:
            other = taken.setdefault(alias.casefold(), item.name)
            if other != item.name or item.names.count(alias) > 1:
                raise ParameterError(
                    f'{name}.toml: "{alias}" names both {other} and {item.name}. A name belongs to one product: '
                    "rename one of them."
                )
    return found_products


def _product(row: object, index: int, name: str, sources: Collection[str]) -> Product:
    where = f"product {index} in {name}.toml"
    if not isinstance(row, dict):
        raise ParameterError(f"{where} is {row!r}. Allowed: a table. Start it with [[product]].")
    for key in row:
        if key not in _FIELDS:
            raise ParameterError(f"{where}: {unknown('field', key, _FIELDS)} Rename it or take it out.")
    missing = [key for key in _FIELDS if key not in row]
    if missing:
        raise ParameterError(f"{where} lacks {', '.join(missing)}. Every product needs {', '.join(_FIELDS)}. Add them.")
    for key in _TEXTS:
        if not isinstance(row[key], str) or (key != "note" and not row[key].strip()):
            raise ParameterError(f'{where}: {key} is {row[key]!r}. Allowed: text. Write {key} = "...".')
    where = f"{row['name']} in {name}.toml"
    _check_words(row, where, sources)
    codes = _codes(row["codes"], where)
    return Product(
        **{key: row[key] for key in _TEXTS},
        aliases=_aliases(row["aliases"], where),
        strengths=_strengths(row["strengths"], where),
        **codes,
    )


def _check_words(row: Mapping[str, Any], where: str, sources: Collection[str]) -> None:
    for key, allowed in (("route", ROUTES), ("status", STATUSES)):
        if row[key] not in allowed:
            raise ParameterError(f"{where}: {unknown(key, row[key], allowed, 'Use one of these words.')}")
    units = _UNITS[row["route"]]
    if row["strength_unit"] not in units:
        raise ParameterError(
            f'{where}: an {row["route"]} product with strengths in "{row["strength_unit"]}". Allowed: '
            f"{' or '.join(units)}; tablets are in mg, pump solutions in ug (1 mg = 1000 ug). Convert the strengths."
        )
    if row["source"] != ASSUMPTION and row["source"] not in sources:
        raise ParameterError(f"{where}: {citations.unknown_key(row['source'], sources)}")


def _strengths(given: object, where: str) -> tuple[float, ...]:
    items = given if isinstance(given, list) else []
    if not items or any(isinstance(x, bool) or not isinstance(x, int | float) or x <= 0 for x in items):
        raise ParameterError(f"{where}: strengths are {given!r}. Allowed: a list of numbers above 0. Correct it.")
    return tuple(float(x) for x in items)


def _aliases(given: object, where: str) -> tuple[str, ...]:
    if not isinstance(given, list) or not all(isinstance(x, str) and x.strip() for x in given):
        raise ParameterError(
            f"{where}: aliases are {given!r}. Allowed: a list of names, which may be empty. Correct it."
        )
    return tuple(given)


def _codes(given: object, where: str) -> dict[str, Any]:
    table = given if isinstance(given, dict) else {}
    for key in table:
        if key not in ("atc", *_CODE_TABLES):
            raise ParameterError(f"{where}: {unknown('code', key, ('atc', *_CODE_TABLES))} Rename it or take it out.")
    tables = {key: table.get(key, {}) for key in _CODE_TABLES}
    codes = [code for strengths in tables.values() if isinstance(strengths, dict) for code in strengths.values()]
    if not isinstance(table.get("atc"), str) or not all(isinstance(x, dict) for x in tables.values()):
        raise ParameterError(
            f'{where}: codes are {given!r}. Allowed: codes = {{ atc = "M03BX01", rxcui = {{ "10 mg" = "197391" }} }}. '
            "Correct it."
        )
    if not all(isinstance(code, str) for code in codes):
        raise ParameterError(f"{where}: codes are {given!r}. Allowed: codes as text. Put them in quotation marks.")
    return {"atc": table["atc"], **{key: MappingProxyType(dict(x)) for key, x in tables.items()}}
