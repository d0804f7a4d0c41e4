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
from eutonia.parameters.library import check_source, load, parse_file


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
    tables, _ = parse_file(text, name)
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
    from eutonia.parameters import shape

    table = shape.read(shape.ProductTable, row, f"product {index} in {name}.toml")
    check_source(table.source, sources, f"{table.name} in {name}.toml")
    fields: dict[str, Any] = {key: field for key, field in table if key != "codes"}
    fields |= {"aliases": tuple(table.aliases), "strengths": tuple(table.strengths)}
    codes = table.codes
    return Product(
        **fields, atc=codes.atc, rxcui=MappingProxyType(dict(codes.rxcui)), ndc=MappingProxyType(dict(codes.ndc))
    )
