"""Gateways, relays and platforms of others, and when messages may leave."""

from typing import Annotated

from kernel.settings.identity import Identity
from kernel.settings.meaning import says

_TLS = r"^(starttls|tls|offered|never)\Z"
_HOURS = r"^([01][0-9]|2[0-3]):[0-5][0-9]-(([01][0-9]|2[0-3]):[0-5][0-9]|24:00)\Z"
_HELO = r"^([A-Za-z0-9-]+(\.[A-Za-z0-9-]+)*|\[[0-9A-Za-z.:]+\])?\Z"


class Partners(Identity, frozen=True, kw_only=True):
    """Gateways, relays and platforms of others, and when messages may leave."""

    sms_signature: Annotated[
        str, says("the firm's name in text messages, shown as 【…】", pattern=r"^[^\s【】\x00-\x1f]{2,20}\Z")
    ] = "Hexad"
    sms_signature_latin: Annotated[
        str,
        says(
            "the firm's name in English text messages, shown as […]; empty: the same, where its letters are Latin",
            pattern=r"^([A-Za-z0-9&.' -]{2,20})?\Z",
        ),
    ] = ""
    sms_sender: Annotated[str, says("access number that text messages come from", pattern=r"^[0-9]{3,21}\Z")] = (
        "10690000"
    )
    gateways: Annotated[
        str, says("gateways whose word is believed: `name:channel+channel,…`; sms where none is said")
    ] = "simulator-1"
    gateway_secrets: Annotated[
        str, says("who may sign over HTTP and lease what: `name:secret:purpose+purpose,…`", secret=True)
    ] = ""
    smtp_host: Annotated[str, says("relay that takes our e-mail; empty: the SMTP simulator of this host")] = ""
    smtp_port: Annotated[int, says("port of the relay", ge=1, le=65535)] = 587
    smtp_user: Annotated[str, says("our name at the relay; empty: it asks for none", max_length=200)] = ""
    smtp_password: Annotated[str, says("our password at the relay", secret=True)] = ""
    smtp_tls: Annotated[str, says("starttls; tls: from the first byte; offered; never", pattern=_TLS)] = "starttls"
    smtp_ca: Annotated[str, says("file of certificates that vouch for the relay; empty: the system's")] = ""
    smtp_bounce: Annotated[str, says("address to which undeliverable e-mail returns; empty: its sender's")] = ""
    smtp_connections: Annotated[int, says("connections to the relay at once", ge=1, le=50)] = 4
    smtp_timeout: Annotated[float, says("longest wait for an answer of the relay", gt=0, le=300)] = 30.0
    smtp_helo: Annotated[
        str, says("our host's name as the relay hears it; empty: its own, or its address", pattern=_HELO)
    ] = ""
    smtp_retry: Annotated[
        float, says("wait before an e-mail that the relay put off is offered again; doubled each time", gt=0, le=3600)
    ] = 60.0
    smtp_test: Annotated[bool, says("true: the relay is asked, but no message is handed over")] = False
    sms_rate: Annotated[int, says("text messages per second that the SMS gateway takes", ge=1, le=100_000)] = 1000
    email_rate: Annotated[int, says("e-mails per second that the e-mail gateway takes", ge=1, le=100_000)] = 200
    email_from: Annotated[
        str, says("whom our e-mail comes from, `Name <a@b.cn>`", pattern=r"^[^\r\n\x00]{3,200}\Z")
    ] = "Hexad <no-reply@hexad.example>"
    service_hours: Annotated[str, says("when reminders and care may be sent, Beijing time", pattern=_HOURS)] = (
        "07:00-23:00"
    )
    marketing_hours: Annotated[str, says("when marketing may be sent, Beijing time", pattern=_HOURS)] = "08:00-22:00"
    handing_over: Annotated[
        float, says("longest time from a claim to the hand-over; what takes longer is uncertain", ge=1, le=600)
    ] = 30.0
    reconcile_after: Annotated[
        float, says("wait for a receipt before an uncertain message is offered again", gt=0, le=86400)
    ] = 600.0
    silent_after: Annotated[
        float, says("wait for a last receipt after a message expired; then it is unknown", ge=1, le=2_592_000)
    ] = 432_000.0
    advisory_url: Annotated[str, says("HTTP API of the advisory platform; empty: the simulated one on this host")] = ""
    advisory_token: Annotated[str, says("our token at the advisory platform; empty: it asks for none", secret=True)] = (
        ""
    )
    advisory_tries: Annotated[
        int, says("tries to tell the advisory platform of a subscription before it is given up", ge=1, le=1000)
    ] = 12
