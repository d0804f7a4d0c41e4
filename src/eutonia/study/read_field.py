"""Fields of a study file that are read from what the file says, and written as they were said."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any, Protocol, runtime_checkable

from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, core_schema


@runtime_checkable
class Checking(Protocol):
    """What Pydantic tells a check of the file around it."""

    @property
    def context(self) -> Any:
        """What `context_of` said of the file; None where a part is made by itself."""


class ReadField(ABC):
    """A field that knows how it is read, how it is described, and nothing more of Pydantic."""

    @abstractmethod
    def read_in(self, value: object, info: Checking) -> Any:
        """Return what is meant, or refuse it with the reason; `info` tells of the file around it."""

    @abstractmethod
    def published(self) -> JsonSchemaValue:
        """Return what the published schema says of the field."""

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        """Tell Pydantic how to read and write the field."""
        written = core_schema.plain_serializer_function_ser_schema(show_optional)
        return core_schema.with_info_plain_validator_function(self.read_in, serialization=written)

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        """Describe the field in the published schema."""
        return self.published()


def show_optional(value: object) -> object:
    """Return the text of what remembers how the file wrote it, or the value as it is."""
    return getattr(value, "text", value)
