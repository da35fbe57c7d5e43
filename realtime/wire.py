"""Text to frames and back; nothing that a client can send raises here."""

import re
from typing import get_args
from uuid import UUID

import msgspec
from msgspec import Raw, Struct

from kernel.text.characters import whole
from mobile_contracts.frame import AnyClientFrame, ClientFrame, ServerFrame

_FIELDS = {
    str(kind.__struct_config__.tag): {"type", *(field.encode_name for field in msgspec.structs.fields(kind))}
    for kind in get_args(AnyClientFrame)
}
_frames: msgspec.json.Decoder[AnyClientFrame] = msgspec.json.Decoder(AnyClientFrame)
_PATTERN = re.compile(r"Expected `str` matching regex .*?(?= - at `|\Z)", re.DOTALL)
_shape = msgspec.json.Decoder(dict[str, Raw])
_encoder = msgspec.json.Encoder()


class Broken(Struct, frozen=True):
    """Text that is no frame; `hopeless` when it is not even one in shape: bad JSON, an unknown type or field.

    What has the shape of a frame is answered under the ids that it names.
    """

    why: str
    hopeless: bool
    client_id: UUID | None = None
    conversation_id: UUID | None = None


def read(data: bytes) -> AnyClientFrame | Broken:
    """The frame in a message, or what is wrong with it; half a character is read as U+FFFD."""
    try:
        return _frames.decode(data)
    except msgspec.ValidationError as error:
        fields = _shaped(data)
        if fields is None:
            return Broken(_words(error), hopeless=True)
        ids = _id(fields, "client_id"), _id(fields, "conversation_id")
        return Broken(_words(error), hopeless=False, client_id=ids[0], conversation_id=ids[1])
    except (msgspec.DecodeError, UnicodeError, RecursionError) as error:
        mended = whole(data)
        return read(mended) if mended != data else Broken(str(error), hopeless=True)


def write(frame: ServerFrame) -> str:
    """The text of a frame."""
    return encoded(frame).decode()


def encoded(frame: ServerFrame) -> bytes:
    """The text of a frame, in UTF-8."""
    return _encoder.encode(frame)


def kind(frame: ClientFrame | ServerFrame) -> str:
    """The `type` of a frame."""
    return str(frame.__struct_config__.tag)


def _words(error: msgspec.ValidationError) -> str:
    """What is wrong, without the pattern, which tells nobody anything."""
    return _PATTERN.sub("Not written as this field is", str(error))


def _shaped(data: bytes) -> dict[str, Raw] | None:
    """The fields of an object of a known type with that type's fields alone, whatever their values."""
    try:
        fields = _shape.decode(data)
        known = _FIELDS.get(msgspec.json.decode(fields["type"], type=str))
    except (msgspec.DecodeError, UnicodeError, RecursionError, KeyError):
        return None
    return fields if known is not None and fields.keys() <= known else None


def _id(fields: dict[str, Raw], name: str) -> UUID | None:
    try:
        return msgspec.json.decode(fields[name], type=UUID)
    except (msgspec.DecodeError, UnicodeError, RecursionError, KeyError):
        return None
