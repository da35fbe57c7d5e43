"""What an e-mail address is that a letter can be sent to: one definition for whoever takes, decides on or sends one.

A source system may deliver anything; what is not such an address is kept as it came, and nobody writes to it.
"""

from typing import Annotated

from msgspec import Meta

_ATOM = r"[A-Za-z0-9À-ÖØ-öø-ɏЀ-ҁҊ-ԯぁ-ゖァ-ヺ一-鿿가-힣!#$%&'*+/=?^_`{|}~-]+"
_LABEL = r"[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
_TOP = r"[A-Za-z][A-Za-z0-9-]{0,61}[A-Za-z0-9]"
SENDABLE = rf"^(?=.{{6,254}}\Z)(?=[^@]{{1,64}}@){_ATOM}(\.{_ATOM})*@({_LABEL}\.)+{_TOP}\Z"
"""Atoms with single dots (RFC 5321, 4.1.2; letters as RFC 6531 adds them) at a host name of at least two labels.

PostgreSQL reads it as Python does: the function `sendable` has it word for word.
"""

Address = Annotated[str, Meta(max_length=254, pattern=SENDABLE, description="an e-mail address, without a name")]
