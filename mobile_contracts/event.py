"""What has happened: written with the change, handled once by each handler; payloads are ids, never personal data."""

from datetime import date
from typing import ClassVar
from uuid import UUID

from msgspec import Struct


class Event(Struct, frozen=True, tag_field="kind"):
    """The base of every event; `tag` is its kind, which rows and messages bear: a class may be renamed, a kind not.

    One that is `urgent` is told to every process at once; what is `awaited` by somebody goes before all others.
    """

    urgent: ClassVar[bool] = False
    awaited: ClassVar[bool] = False

    @classmethod
    def kind(cls) -> str:
        """What rows and messages call it."""
        return str(cls.__struct_config__.tag)


class Probed(Event, frozen=True, tag="Probed"):
    """A round trip through outbox, relay, broker and worker was started."""

    probe_id: UUID


class TradingDayChanged(Event, frozen=True, tag="TradingDayChanged"):
    """The calendar of one day was overridden, or the override taken back."""

    day: date


class JobTriedAgain(Event, frozen=True, tag="JobTriedAgain"):
    """A job that was set aside was sent out again by hand."""

    event_id: UUID
    handler: str


class HousekeepingDue(Event, frozen=True, tag="HousekeepingDue"):
    """It is time to delete what has outlived its purpose."""


class OutlivedDue(Event, frozen=True, tag="OutlivedDue"):
    """What a table keeps no longer is to be deleted, or the rest of it."""

    table: str


class MonthsDue(Event, frozen=True, tag="MonthsDue"):
    """The months to come of a table are to be made."""

    table: str


class TokenIssued(Event, frozen=True, tag="TokenIssued"):
    """An access token was issued by command."""

    session_id: UUID


class SessionEnded(Event, frozen=True, tag="SessionEnded"):
    """A session was revoked: requests and sockets in it are refused from now on."""

    urgent = True
    session_id: UUID


class OrganisationChanged(Event, frozen=True, tag="OrganisationChanged"):
    """Units or the places of people changed: who reaches which customers is found out anew."""

    urgent = True


class PersonChanged(Event, frozen=True, tag="PersonChanged"):
    """The roles or the place of an employee changed, or they left: what they may do is found out anew."""

    urgent = True
    employee_no: str


class RolesChanged(Event, frozen=True, tag="RolesChanged"):
    """What roles give was changed: what anybody may do is found out anew."""

    urgent = True


class ContactChanged(Event, frozen=True, tag="ContactChanged"):
    """How a customer can or wants to be reached was changed, not by a feed."""

    customer_no: str


class FieldRevealed(Event, frozen=True, tag="FieldRevealed"):
    """A masked field of a customer was shown in full to somebody."""

    customer_no: str


class SignedIn(Event, frozen=True, tag="SignedIn"):
    """Somebody signed in, and a session began."""

    session_id: UUID


class CredentialChanged(Event, frozen=True, tag="CredentialChanged"):
    """A password or an authenticator was set, or taken away by an administrator; `subject` is a person's number."""

    audience: str
    subject: str


class CodeWanted(Event, frozen=True, tag="CodeWanted"):
    """A one-time code waits to be sent by SMS."""

    awaited = True
    code_id: UUID


class DeviceChanged(Event, frozen=True, tag="DeviceChanged"):
    """A device was registered, revoked, or allowed again."""

    audience: str
    subject: str
    device_id: str


class DeliveryLoaded(Event, frozen=True, tag="DeliveryLoaded"):
    """A source system's delivery of a day was loaded: later days are computed anew where there are any."""

    day: date
    source: str


class SuitabilityDecided(Event, frozen=True, tag="SuitabilityDecided"):
    """It was decided whether a product suits a customer, and kept."""

    suitability_id: UUID


class QuestionnaireAnswered(Event, frozen=True, tag="QuestionnaireAnswered"):
    """A customer answered the suitability questionnaire in the terminal."""

    customer_no: str


class SubscriptionAsked(Event, frozen=True, tag="SubscriptionAsked"):
    """An investor asked to subscribe, or to cancel: the advisory platform is to be told."""

    subscription_id: UUID


class SubscriptionChanged(Event, frozen=True, tag="SubscriptionChanged"):
    """A subscription was confirmed, refused, given up, cancelled, or has expired: `state` is what became of it then."""

    subscription_id: UUID
    state: str = ""


class AdvisoryDue(Event, frozen=True, tag="AdvisoryDue"):
    """It is time to ask the advisory platform for contracts, and to tell it again what it has not taken yet."""


class ExpiryDue(Event, frozen=True, tag="ExpiryDue"):
    """It is time to end the subscriptions whose contracts have ended."""


class ViewPublished(Event, frozen=True, tag="ViewPublished"):
    """An adviser published a view of a product: its subscribers are to get it."""

    view_id: UUID


class ConversationOpened(Event, frozen=True, tag="ConversationOpened"):
    """An investor and an employee, or the queue of a branch, began to speak."""

    conversation_id: UUID


class ConversationAssigned(Event, frozen=True, tag="ConversationAssigned"):
    """An employee took a conversation from the queue."""

    conversation_id: UUID


class ConversationRerouted(Event, frozen=True, tag="ConversationRerouted"):
    """An employee may have a conversation no longer: it went to the service owner, or into the queue of the branch."""

    conversation_id: UUID


class ConversationClosed(Event, frozen=True, tag="ConversationClosed"):
    """A conversation has ended."""

    conversation_id: UUID


class ConversationRated(Event, frozen=True, tag="ConversationRated"):
    """An investor said how a conversation was."""

    conversation_id: UUID


class ConversationMoved(Event, frozen=True, tag="ConversationMoved"):
    """Between realtime nodes: whose conversation it is, or that it is one, has changed."""

    conversation_id: UUID


class MessagesStored(Event, frozen=True, tag="MessagesStored"):
    """Between realtime nodes: the newest seq of each conversation."""

    seqs: dict[UUID, int]


class Marked(Event, frozen=True, tag="Marked"):
    """Between realtime nodes: somebody, by number, has got so far; said by this node."""

    node_id: UUID
    conversation_id: UUID
    no: str
    delivered_seq: int
    read_seq: int


class StatusChanged(Event, frozen=True, tag="StatusChanged"):
    """Between realtime nodes: an employee can or cannot be reached now; said by this node."""

    node_id: UUID
    employee_no: str
    status: str


class NoticeGiven(Event, frozen=True, tag="NoticeGiven"):
    """Somebody was told something inside the app; `subject` is a person's number."""

    urgent = True
    notice_id: UUID
    audience: str
    subject: str


class NoticesRead(Event, frozen=True, tag="NoticesRead"):
    """Somebody read notices of theirs."""

    audience: str
    subject: str


class ConsentChanged(Event, frozen=True, tag="ConsentChanged"):
    """A customer gave or withdrew consent to be told something by a channel."""

    customer_no: str


class TemplateChanged(Event, frozen=True, tag="TemplateChanged"):
    """A version of a template was made or approved."""

    code: str
    number: int


class BroadcastStarted(Event, frozen=True, tag="BroadcastStarted"):
    """A text for many was started: its messages are made and leave by themselves."""

    broadcast_id: UUID


class BroadcastChanged(Event, frozen=True, tag="BroadcastChanged"):
    """A broadcast was paused, resumed or cancelled."""

    broadcast_id: UUID


class RemindersDue(Event, frozen=True, tag="RemindersDue"):
    """It is time to look whom the reminder rules concern."""


class ReminderDue(Event, frozen=True, tag="ReminderDue"):
    """The time of one rule has come: those are to be told whose occurrence is one of these days."""

    rule: str
    first: date
    last: date


AnyEvent = (
    SuitabilityDecided
    | QuestionnaireAnswered
    | SubscriptionAsked
    | SubscriptionChanged
    | AdvisoryDue
    | ExpiryDue
    | ViewPublished
    | ConversationOpened
    | ConversationAssigned
    | ConversationRerouted
    | ConversationClosed
    | ConversationRated
    | ConversationMoved
    | MessagesStored
    | Marked
    | StatusChanged
    | DeliveryLoaded
    | DeviceChanged
    | ContactChanged
    | FieldRevealed
    | Probed
    | TradingDayChanged
    | JobTriedAgain
    | HousekeepingDue
    | OutlivedDue
    | MonthsDue
    | TokenIssued
    | SessionEnded
    | OrganisationChanged
    | PersonChanged
    | RolesChanged
    | SignedIn
    | CredentialChanged
    | CodeWanted
    | NoticeGiven
    | NoticesRead
    | ConsentChanged
    | TemplateChanged
    | BroadcastStarted
    | BroadcastChanged
    | RemindersDue
    | ReminderDue
)
