"""Public keys as RFC 7517 and RFC 8037 write them."""

from mobile_contracts.base import Answer


class Key(Answer, frozen=True):
    """An Ed25519 public key; `x` is the key in base64url."""

    kty: str
    crv: str
    x: str
    use: str
    alg: str


class Keys(Answer, frozen=True):
    """A JSON Web Key Set."""

    keys: list[Key]
