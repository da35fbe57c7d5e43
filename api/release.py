"""The released OpenAPI documents, and what a later one would break for apps that were built on them.

`python -m api.release docs/openapi` writes them; within v1 only additions are allowed.
"""

import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import msgspec

from api.routes import documents_of

Json = Mapping[str, Any]


def write(folder: Path) -> None:
    """Writes the documents of this version as the released ones."""
    folder.mkdir(parents=True, exist_ok=True)
    for audience, one in documents_of().items():
        (folder / f"{audience}.json").write_bytes(msgspec.json.format(msgspec.json.encode(one, order="sorted")) + b"\n")


def breaks(old: Json, new: Json) -> list[str]:
    """What an app built on `old` would stumble over in `new`, a sentence each; empty when only things were added."""
    return list(_paths(old, new))


def _paths(old: Json, new: Json) -> Iterator[str]:
    for path, methods in old.get("paths", {}).items():
        for method, operation in methods.items():
            later = new.get("paths", {}).get(path, {}).get(method)
            where = f"{method.upper()} {path}"
            if later is None:
                yield f"{where} is gone"
                continue
            yield from _parameters(where, operation, later)
            yield from _bodies(where, operation, later, old, new)
            yield from _responses(where, operation, later, old, new)


def _parameters(where: str, old: Json, new: Json) -> Iterator[str]:
    known = {(one["name"], one["in"]): one for one in old.get("parameters", [])}
    later = {(one["name"], one["in"]): one for one in new.get("parameters", [])}
    for key in known.keys() - later.keys():
        yield f"{where}: parameter {key[0]} is gone"
    for key, one in later.items():
        if one.get("required") and not known.get(key, {}).get("required"):
            yield f"{where}: parameter {key[0]} is now required"
        if key in known and not _accepts(one.get("schema", {}), known[key].get("schema", {})):
            yield f"{where}: parameter {key[0]} takes less than before"


def _bodies(where: str, old: Json, new: Json, old_doc: Json, new_doc: Json) -> Iterator[str]:
    before, after = _content(old.get("requestBody", {})), _content(new.get("requestBody", {}))
    if after is not None:
        yield from _schema(f"{where} body", before or {}, after, old_doc, new_doc, sent=True)


def _responses(where: str, old: Json, new: Json, old_doc: Json, new_doc: Json) -> Iterator[str]:
    for status, response in old.get("responses", {}).items():
        if not status.startswith("2"):
            continue
        later = new.get("responses", {}).get(status)
        if later is None:
            yield f"{where}: answer {status} is gone"
            continue
        before, after = _content(response), _content(later)
        if before is not None:
            yield from _schema(f"{where} {status}", before, after or {}, old_doc, new_doc, sent=False)


def _schema(
    where: str, old: Json, new: Json, old_doc: Json, new_doc: Json, *, sent: bool, depth: int = 0
) -> Iterator[str]:
    """`sent` schemas (requests) may ask for no more than before, others (answers) may give no less."""
    old, new = _resolved(old, old_doc), _resolved(new, new_doc)
    wide, narrow = (new, old) if sent else (old, new)
    if old and not _accepts(wide, narrow):
        yield f"{where} is no longer {old.get('type') or old.get('enum') or 'what it was'}"
        return
    before, after = old.get("properties", {}), new.get("properties", {})
    for name in before.keys() - after.keys():
        yield f"{where}.{name} is gone"
    needed = set(new.get("required", [])) - set(old.get("required", []))
    if sent:
        yield from (f"{where}.{name} is now required" for name in sorted(needed))
    else:
        yield from (
            f"{where}.{name} may now be missing"
            for name in sorted(set(old.get("required", [])) - set(new.get("required", [])))
            if name in after
        )
    if depth < 8:
        for name in before.keys() & after.keys():
            yield from _schema(
                f"{where}.{name}", before[name], after[name], old_doc, new_doc, sent=sent, depth=depth + 1
            )
        if "items" in old and "items" in new:
            yield from _schema(f"{where}[]", old["items"], new["items"], old_doc, new_doc, sent=sent, depth=depth + 1)


def _accepts(wide: Json, narrow: Json) -> bool:
    """Whether everything of the narrow schema, at this level, fits the wide one."""
    if "oneOf" in wide or "oneOf" in narrow:
        return all(any(_accepts(w, n) for w in wide.get("oneOf", [wide])) for n in narrow.get("oneOf", [narrow]))
    if wide.get("type", narrow.get("type")) != narrow.get("type"):
        return False
    if "enum" in wide and not set(narrow.get("enum", ["anything"])) <= set(wide["enum"]):
        return False
    upper = all(
        narrow.get(key, float("inf")) <= wide[key] for key in ("maxLength", "maximum", "maxItems") if key in wide
    )
    lower = all(
        narrow.get(key, float("-inf")) >= wide[key] for key in ("minLength", "minimum", "minItems") if key in wide
    )
    return upper and lower and wide.get("pattern", narrow.get("pattern")) == narrow.get("pattern")


def _resolved(schema: Json, document: Json) -> Json:
    while "$ref" in schema:
        target: Any = document
        for part in schema["$ref"].removeprefix("#/").split("/"):
            target = target[part]
        schema = target
    return schema


def _content(holder: Json) -> Json | None:
    for media in holder.get("content", {}).values():
        found: Json = media.get("schema", {})
        return found
    return None


if __name__ == "__main__":
    write(Path(sys.argv[1]))
