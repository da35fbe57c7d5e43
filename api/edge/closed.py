"""What a request may not have more of is said in its schema: an unknown field is an error there, never in an answer."""

import re
from collections.abc import Iterator
from typing import Any

import msgspec

_REFERENCE = re.compile(r'"#/components/schemas/([^"/]+)"')


def close_inputs(document: dict[str, Any]) -> None:
    """Adds `additionalProperties: false` to the schemas of requests alone whose contracts refuse unknown fields."""
    schemas: dict[str, Any] = document.get("components", {}).get("schemas", {})
    operations = [operation for path in document.get("paths", {}).values() for operation in path.values()]
    asked = _reached(schemas, [operation.get("requestBody") for operation in operations])
    given = _reached(schemas, [operation.get("responses") for operation in operations])
    strict = {kind.__name__: kind for kind in _structs(msgspec.Struct) if kind.__struct_config__.forbid_unknown_fields}
    for name in sorted(asked - given):
        schema, kind = schemas[name], strict.get(schemas[name].get("title", name))
        known = set() if kind is None else {field.encode_name for field in msgspec.structs.fields(kind)}
        if kind is not None and known == set(schema.get("properties", {})):
            schema["additionalProperties"] = False


def _reached(schemas: dict[str, Any], beginnings: Any) -> set[str]:
    """The names of all schemas that are referred to from there, however far."""
    found, open_ends = set[str](), [beginnings]
    while open_ends:
        for name in _REFERENCE.findall(msgspec.json.encode(open_ends.pop()).decode()):
            if name not in found and name in schemas:
                found.add(name)
                open_ends.append(schemas[name])
    return found


def _structs(kind: type[Any]) -> Iterator[type[Any]]:
    for one in kind.__subclasses__():
        yield one
        yield from _structs(one)
