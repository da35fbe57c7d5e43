"""Every field of a body that does not fit its contract: msgspec alone names the first."""

from collections.abc import Iterator
from itertools import islice
from types import UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin, get_type_hints

import msgspec

from api.edge.validation import WHERE, field_error
from kernel.errors import FieldError

_AT_MOST = 50


def faults(body: bytes, kind: Any, first: msgspec.ValidationError) -> list[FieldError]:
    """All faults of a JSON body, 50 at most, each with the path of its field; `first` is the one that msgspec found."""
    try:
        found = list(islice(_faults(msgspec.json.decode(body), kind, ""), _AT_MOST))
    except (msgspec.DecodeError, RecursionError, TypeError):
        found = []
    return found or [field_error("", str(first))]


def _faults(value: Any, kind: Any, path: str) -> Iterator[FieldError]:
    if kind is msgspec.Raw:
        return  # anything, of which each part is judged by itself later
    try:
        msgspec.convert(value, kind)
    except msgspec.ValidationError as error:
        deeper = False
        for one in _parts(value, kind, path):
            deeper = True
            yield one
        if not deeper:
            yield _told(str(error), kind, path)


def _told(message: str, kind: Any, path: str) -> FieldError:
    where = WHERE.search(message)
    field = path + where[1] if where else path
    kinds = [kind, *get_args(kind)]
    allowed = next((get_args(one) for one in kinds if get_origin(one) is Literal), ())
    return field_error(field.lstrip("."), message[: where.start()] if where else message, allowed)


def _parts(value: Any, kind: Any, path: str) -> Iterator[FieldError]:
    """The faults within a value, when it is of the shape that the kind has."""
    while get_origin(kind) is Annotated:
        kind = get_args(kind)[0]
    origin, members = get_origin(kind), get_args(kind)
    if origin in (Union, UnionType):
        shaped = [one for one in members if _shaped(value, one)]
        if len(shaped) == 1:
            yield from _parts(value, shaped[0], path)
    elif origin is list and isinstance(value, list):
        for number, item in enumerate(value):
            yield from _faults(item, members[0], f"{path}[{number}]")
    elif origin is dict and isinstance(value, dict):
        for name, item in value.items():
            yield from _faults(name, members[0], f"{path}.{name}")
            yield from _faults(item, members[1], f"{path}.{name}")
    elif isinstance(value, dict) and _is_struct(kind):
        yield from _fields(value, kind, path)


def _fields(value: dict[str, Any], kind: type[msgspec.Struct], path: str) -> Iterator[FieldError]:
    kinds, known = get_type_hints(kind, include_extras=True), msgspec.structs.fields(kind)
    for field in known:
        if field.encode_name in value:
            yield from _faults(value[field.encode_name], kinds[field.name], f"{path}.{field.encode_name}")
        elif field.required:
            yield field_error(path.lstrip("."), f"Object missing required field `{field.encode_name}`")
    if kind.__struct_config__.forbid_unknown_fields:
        for name in value.keys() - {field.encode_name for field in known}:
            yield field_error(path.lstrip("."), f"Object contains unknown field `{name}`")


def _shaped(value: Any, kind: Any) -> bool:
    while get_origin(kind) is Annotated:
        kind = get_args(kind)[0]
    if isinstance(value, dict):
        return get_origin(kind) is dict or _is_struct(kind)
    return isinstance(value, list) and get_origin(kind) is list


def _is_struct(kind: Any) -> bool:
    return isinstance(kind, type) and issubclass(kind, msgspec.Struct)
