"""The released OpenAPI documents, and what a later one would break for apps that were built on them.

`python -m api.release docs/released` writes them; within v1 only additions are allowed.
"""

import sys
from collections.abc import Iterator
from pathlib import Path

import msgspec

from api.routes import documents_of
from mobile_contracts.compatibility import Document, differences, resolved


def write(folder: Path) -> None:
    """Writes the documents of this version as the released ones."""
    folder.mkdir(parents=True, exist_ok=True)
    for audience, one in documents_of().items():
        (folder / f"{audience}.json").write_bytes(msgspec.json.format(msgspec.json.encode(one, order="sorted")) + b"\n")


def breaks(old: Document, new: Document) -> list[str]:
    """What an app built on `old` would stumble over in `new`, a sentence each; empty when only things were added."""
    return sorted(_operations(resolved(old, old["paths"]), resolved(new, new["paths"])))


def _operations(old: Document, new: Document) -> Iterator[str]:
    for path, methods in old.items():
        for method, operation in methods.items():
            where = f"{method.upper()} {path}"
            later = new.get(path, {}).get(method)
            if later is None:
                yield f"{where} is gone"
            else:
                yield from _parameters(where, operation, later)
                yield from _body(where, operation, later)
                yield from _answers(where, operation, later)


def _parameters(where: str, old: Document, new: Document) -> Iterator[str]:
    before = {one["name"]: one for one in old.get("parameters", [])}
    after = {one["name"]: one for one in new.get("parameters", [])}
    yield from (f"{where}: {name} is gone" for name in before.keys() - after.keys())
    for name, one in after.items():
        if one.get("required") and not before.get(name, {}).get("required"):
            yield f"{where}: {name} is required now"
        if name in before:
            yield from differences(f"{where}: {name}", before[name]["schema"], one["schema"], sent_by_client=True)


def _body(where: str, old: Document, new: Document) -> Iterator[str]:
    before, after = _schema(old.get("requestBody", {})), _schema(new.get("requestBody", {}))
    yield from differences(f"{where} body", before, after, sent_by_client=True)


def _answers(where: str, old: Document, new: Document) -> Iterator[str]:
    """A refusal that comes no more breaks no app, an answer that it waits for does."""
    for status, answer in old["responses"].items():
        if status not in new["responses"]:
            if status < "4":
                yield f"{where}: {status} is gone"
        elif status.startswith("2"):
            after = _schema(new["responses"][status])
            yield from differences(f"{where} {status}", _schema(answer), after, sent_by_client=False)


def _schema(holder: Document) -> Document:
    content: Document = next(iter(holder.get("content", {}).values()), {"schema": {}})
    return dict(content["schema"])


if __name__ == "__main__":
    write(Path(sys.argv[1]))
