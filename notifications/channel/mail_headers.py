"""What our e-mails say of themselves to mail programs: that a machine sent them, for which list, how to leave it."""

from email.utils import parseaddr
from uuid import UUID

from kernel.security.crypto import Fields
from kernel.settings import Settings
from mobile_contracts.messaging.outbound import Purpose
from notifications.consent import unsubscribe

_SENDER = "hexad"
"""Under which mailbox providers add up complaints about us, whatever the broadcast."""


def of(settings: Settings, fields: Fields, purpose: Purpose, broadcast_id: UUID, customer_id: int) -> dict[str, str]:
    """No machine answers it (RFC 3834); what is no single affair has a list (RFC 2919) and an end (RFC 2369, 8058)."""
    headers = {
        "Auto-Submitted": "auto-generated",
        "Feedback-ID": f"{broadcast_id.hex}:{purpose}:{_SENDER}",
    }
    if purpose == "transactional":
        return headers
    domain = parseaddr(settings.email_from)[1].rpartition("@")[2]
    token = unsubscribe.token(fields, customer_id, purpose)
    return headers | {
        "List-Id": f"<{purpose}.{domain}>",
        "List-Unsubscribe": unsubscribe.header(settings, token),
        "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
    }
