"""How long every table keeps what, and who sees to it: one list, which a test compares with the schema.

Whoever deletes takes its window from here. `python -m kernel.schema.retention` writes the list into
`docs/operations.md`.
"""

from datetime import timedelta
from pathlib import Path

from msgspec import Struct

PATH = Path(__file__).parents[2] / "docs" / "operations.md"
HOUSEKEEPING = "housekeeping"
"""Deletes by the query `forget_<table>` whatever is older than the window by the column."""

NOBODY = "nobody"
"""Nothing is deleted: the reason says why that is right."""

FEED = "the source system"
"""The row stands for something of a source system, whose deliveries change it and say that it has ended."""


MONTHS = "months"
"""It lies in months of UTC by the column, made ahead; the lake takes over what is older than the window."""

LAKE = "the lake"
"""It takes over what is older than the window, once it exists; nothing is deleted before."""

AHEAD = 3
"""So many months after this one are there before anything lies in them."""

KEEPERS = (NOBODY, FEED, MONTHS, LAKE)
"""Who sees to it without a query."""


class Kept(Struct, frozen=True):
    """How long a table keeps a row.

    `by` is `HOUSEKEEPING`, one of `KEEPERS`, or the query that deletes, as `folder/file.sql:name`. `window` counts from
    `column`; without one, `says` tells what a row lives as long as.
    """

    table: str
    by: str
    says: str
    window: timedelta | None = None
    column: str = ""


_YEAR = timedelta(days=365)
_DAY = timedelta(days=1)
_HOUR = timedelta(hours=1)
_REFERRED = "what others refer to is ended, never deleted"
_PROOF = "a proof to the regulator"

KEPT = (
    # what happens after the commit
    Kept("outbox", "workers/runtime/relay.sql:remove", "until the relay has moved it to the broker"),
    Kept("job", HOUSEKEEPING, "done ones; what was set aside waits for somebody", 7 * _DAY, "finished_at"),
    Kept("worker", HOUSEKEEPING, "after the last sign of life", _DAY, "seen_at"),
    Kept("handler", "workers/roster.sql:enrol", "while the newest version that migrated has it"),
    Kept("schedule_run", HOUSEKEEPING, "occurrences of schedules", 90 * _DAY, "due_at"),
    Kept("probe", HOUSEKEEPING, "round trips", _DAY, "sent_at"),
    # the ground
    Kept("migration", NOBODY, "the history of the schema: a few dozen rows"),
    Kept("trading_day", "kernel/calendar/trading_day.sql:remove", "until staff take the exception back; a few a year"),
    Kept("idempotency", HOUSEKEEPING, "first answers; its policy says so too", 24 * _HOUR, "created_at"),
    Kept("audit", NOBODY, "an append-only chain, " + _PROOF),
    Kept("audit_unsealed", "kernel/audit/seal.sql:forget_unsealed", "until its row is sealed, a second or so"),
    Kept("audit_seal", NOBODY, "the chain over `audit`, as long as that"),
    Kept("key_mark", NOBODY, "one row per key; the owner deletes that of a key that was replaced for good"),
    Kept("restoration", NOBODY, "one row per restored backup"),
    # people and signing in
    Kept("unit", FEED, "the organisation; " + _REFERRED),
    Kept("unit_under", NOBODY, "the tree of `unit`, kept by its trigger"),
    Kept("employee", FEED, "with the day on which they left; " + _REFERRED),
    Kept("assignment", "centers/employee/assignment.sql:forget", "until the role is taken back"),
    Kept("role", NOBODY, "a few dozen rows"),
    Kept("role_permission", "centers/employee/role.sql:forget_permissions", "until the permission is taken back"),
    Kept("session", HOUSEKEEPING, "after its end", 90 * _DAY, "expires_at"),
    Kept("refresh_token", HOUSEKEEPING, "after its end", _DAY, "expires_at"),
    Kept("oidc_request", HOUSEKEEPING, "until its end", timedelta(), "expires_at"),
    Kept("one_time_code", HOUSEKEEPING, "the limits look back over one day", 2 * _DAY, "created_at"),
    Kept("sign_in_attempt", HOUSEKEEPING, "an hour where it was at nobody known", _DAY, "at"),
    Kept("credential", NOBODY, "one row per person who signs in; an ended one is locked"),
    Kept("device", NOBODY, "one row per device, revoked ones too: sessions and the audit log name it"),
    # customers
    Kept("customer", FEED, "closed ones too: records of clients are kept for 20 years after the end"),
    Kept("relation", FEED, "ended ones too, " + _PROOF + " of who looked after whom"),
    Kept("customer_left", HOUSEKEEPING, "thrice the age of the oldest cursor of a phone", 90 * _DAY, "left_at"),
    Kept("account", FEED, "closed ones too, as long as the customer"),
    Kept("contact", NOBODY, "one row per customer"),
    Kept("preference", NOBODY, "one row per customer"),
    Kept("reveal", NOBODY, "who saw which number and why, " + _PROOF),
    Kept("delivery", NOBODY, "a row per feed and day: what was loaded is not loaded again"),
    # messages
    Kept("template", NOBODY, "a few dozen rows; broadcasts refer to it"),
    Kept("template_version", NOBODY, "the words of every broadcast, " + _PROOF),
    Kept("consent", NOBODY, "every word that was given, " + _PROOF),
    Kept("suppression", "notifications/consent/suppression.sql:lift", "until staff lift it"),
    Kept("broadcast", NOBODY, "a row per text sent; its messages refer to it"),
    Kept("broadcast_count", "notifications/broadcast/tidying.sql:fold", "a few rows, as long as their broadcast"),
    Kept("bounce_tally", "notifications/broadcast/bounces.sql:forget", "minutes of a broadcast", _HOUR, "minute"),
    Kept("outgoing", MONTHS, "messages, by when they were made", 2 * _YEAR, "id"),
    Kept("receipt", MONTHS, "in the month of the message that it is about", 2 * _YEAR, "message_id"),
    Kept("inbound", MONTHS, "replies, by their own time", 2 * _YEAR, "at"),
    Kept("notice", LAKE, "one table, as whoever opens the app asks for theirs of all times", 2 * _YEAR, "id"),
    Kept("reminder_rule", NOBODY, "a few rows"),
    Kept("reminder", NOBODY, "a row per customer and occasion: nobody is reminded of one twice"),
    Kept("sending_rate", NOBODY, "one row per gateway and purpose"),
    # gateways
    Kept("gateway_signature", "notifications/gateway/signature.sql:forget", "three times the clock's leeway",
         timedelta(minutes=15), "at"),
    Kept("sms_lease", "notifications/gateway/lease.sql:remove", "until it is acknowledged or has ended"),
    Kept("sms_leased", "notifications/gateway/lease.sql:forget", "receipts do not come later", 30 * _DAY, "at"),
    Kept("email_attempt", "workers/smtp/journal.sql:forget", "nobody offers it again", 30 * _DAY, "at"),
    Kept("email_deferred", "workers/smtp/deferred.sql:remove", "until it was sent, given up or has expired"),
    # products
    Kept("product", FEED, "withdrawn ones too; " + _REFERRED),
    Kept("contract", FEED, "ended ones too; " + _REFERRED),
    Kept("questionnaire", NOBODY, "the versions of the questions, " + _PROOF),
    Kept("question", NOBODY, "as long as its questionnaire"),
    Kept("question_choice", NOBODY, "as long as its question"),
    Kept("assessment", FEED, "answers, " + _PROOF + "; a day that is delivered again replaces its rows"),
    Kept("suitability", NOBODY, "every decision with what it was based on, " + _PROOF + " for 20 years"),
    Kept("agreement", NOBODY, "the versions of the words, " + _PROOF),
    Kept("subscription", NOBODY, "also refused and ended ones, " + _PROOF),
    Kept("advisory_position", NOBODY, "one row"),
    Kept("product_view", NOBODY, "what was advised, " + _PROOF + " for 20 years"),
    Kept("product_view_reader", NOBODY, "whom it was told, as long as the view"),
    # chat
    Kept("conversation", NOBODY, "as long as its messages"),
    Kept("participant", NOBODY, "as long as the conversation"),
    Kept("former_holder", NOBODY, "as long as the conversation"),
    Kept("message", NOBODY, "20 years, which are over in 2046 at the earliest; the app may only add to it"),
    Kept("rating", NOBODY, "as long as the conversation"),
    Kept("staff_status", NOBODY, "one row per employee"),
    Kept("attendance", "centers/service/attendance.sql:leave", "until a node says otherwise, or was silent for long"),
)  # fmt: skip


def window(table: str) -> timedelta:
    """How long a row of the table is kept; raises `KeyError` for one that has no window."""
    return {one.table: one.window for one in KEPT if one.window is not None}[table]


def forgotten() -> list[str]:
    """The tables that housekeeping deletes from."""
    return [one.table for one in KEPT if one.by == HOUSEKEEPING]


def in_months() -> list[str]:
    """The tables that lie in months."""
    return [one.table for one in KEPT if one.by == MONTHS]


def page() -> str:
    """The list as a table of the documents."""
    lines = [f"| `{one.table}` | {_how_long(one)} | {one.says} | {_who(one)} |" for one in KEPT]
    return "\n".join(["| table | kept | what, and why | seen to by |", "|---|---|---|---|", *lines, ""])


def put(text: str) -> str:
    """The document with the list in the place that is marked for it; raises `ValueError` where that is missing."""
    before, found, rest = text.partition(_BEGIN)
    _, found_end, after = rest.partition(_END)
    if not (found and found_end):
        raise ValueError(f"{PATH.name} has no place for the list")
    return before + _BEGIN + page() + _END + after


_BEGIN = "<!-- written by python -m kernel.schema.retention -->\n"
_END = "<!-- until here -->"
_UNITS = (
    (timedelta(days=365), "year"),
    (timedelta(days=1), "day"),
    (timedelta(hours=1), "hour"),
    (timedelta(minutes=1), "minute"),
)


def _how_long(one: Kept) -> str:
    if one.window is None:
        return {NOBODY: "for ever", FEED: "for ever"}.get(one.by, "as long as it is of use")
    if not one.window:
        return f"until `{one.column}`"
    unit, name = next((unit, name) for unit, name in _UNITS if not one.window % unit)
    count = one.window // unit
    return f"{count} {name}{'s' if count > 1 else ''} from `{one.column}`"


def _who(one: Kept) -> str:
    return f"`{one.by}`" if ":" in one.by else one.by


if __name__ == "__main__":
    PATH.write_text(put(PATH.read_text()))
