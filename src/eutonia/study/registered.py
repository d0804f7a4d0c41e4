"""Tables of a study file of which there are several sorts, told apart by one key, and more may come from outside."""

from __future__ import annotations

import functools
from typing import Any, ClassVar, get_args

from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler, TypeAdapter
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, SchemaValidator, core_schema

from eutonia.registry import Registry
from eutonia.study.fields import Checking, Part


class Registered(Part):
    """One sort of such a table. Its abstract class stands for all sorts that are registered when a file is read."""

    #: The key by which the sorts are told apart, and where they are registered.
    tag: ClassVar[str]
    registry: ClassVar[Registry[Any]]

    @classmethod
    def named(cls) -> str:
        """Return the value of the key that tells this sort."""
        return str(get_args(cls.model_fields[cls.tag].annotation)[0])

    @classmethod
    def is_abstract(cls) -> bool:
        """Whether the class stands for every sort."""
        return any(base.__qualname__ == "Registered" for base in cls.__bases__)

    @classmethod
    def sorts(cls) -> tuple[type[Registered], ...]:
        """Return every sort that is registered."""
        return tuple(cls.registry.values())

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        """Tell Pydantic to ask the registry when a file is read, not when this class is made."""
        if not cls.is_abstract():
            return handler(source)
        return core_schema.with_info_plain_validator_function(cls._read)

    @classmethod
    def __get_pydantic_json_schema__(cls, schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        """Describe every sort that is registered."""
        return handler(_any_of(cls.sorts(), cls.tag) if cls.is_abstract() else schema)

    @classmethod
    def _read(cls, value: object, info: Checking) -> Registered:
        """Read a table as the sort that it says it is; the errors within keep their places."""
        if isinstance(value, Registered):
            return value
        return _reader(cls.sorts(), cls.tag).validate_python(value, context=info.context)


@functools.lru_cache(maxsize=16)
def _any_of(sorts: tuple[type[Registered], ...], tag: str) -> CoreSchema:
    """Return the schema of a table that is any of these sorts, told apart by one key."""
    choices = {sort.named(): sort.__pydantic_core_schema__ for sort in sorts}
    union = core_schema.tagged_union_schema(dict(choices), discriminator=tag)

    class _AnySort:
        @classmethod
        def __get_pydantic_core_schema__(cls, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
            return union

    return TypeAdapter(_AnySort).core_schema


@functools.lru_cache(maxsize=16)
def _reader(sorts: tuple[type[Registered], ...], tag: str) -> SchemaValidator:
    """Return what reads a table of any of these sorts."""
    return SchemaValidator(_any_of(sorts, tag))
