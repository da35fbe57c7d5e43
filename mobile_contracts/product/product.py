"""Products (产品), whom they suit, subscriptions to them, and advisers' views, as investors and staff see them."""

from datetime import date, datetime
from decimal import Decimal
from typing import Annotated, Literal
from uuid import UUID

from msgspec import Meta

from mobile_contracts.base import CODE, CODE_LENGTH, NO_CONTROLS, Answer, Input

Category = Literal["financial", "information", "advisory"]
SuitabilityReason = Literal[
    "suitable", "no_questionnaire", "questionnaire_expired", "risk_too_high", "product_withdrawn", "customer_not_active"
]
"""Why a product suits a customer or does not (适当性匹配结果)."""

ViewChannel = Literal["in_app", "sms", "email"]
"""How advisers' views come to a subscriber."""

SubscriptionState = Literal["requested", "confirmed", "refused", "failed", "cancelled", "expired"]
Price = Annotated[
    Decimal, Meta(description="yuan, a decimal string with at most 8 digits before and 4 after the point")
]
SeenPrice = Annotated[str, Meta(pattern=r"^[0-9]{1,8}(\.[0-9]{1,4})?\Z", description="yuan, as it was shown")]
ProductCode = Annotated[str, Meta(min_length=1, max_length=CODE_LENGTH, pattern=CODE)]
Code = Annotated[str, Meta(min_length=6, max_length=6, pattern=r"^[0-9]{6}\Z", description="as it came by SMS")]
Letter = Annotated[str, Meta(min_length=1, max_length=1, pattern=r"^[A-H]\Z")]
Title = Annotated[str, Meta(min_length=1, max_length=100, pattern=NO_CONTROLS)]
Body = Annotated[str, Meta(min_length=1, max_length=4000, pattern=r"^[^\x00-\x09\x0b-\x1f\x7f]*\Z")]


class Product(Answer, frozen=True):
    """A product of the advisory platform; `risk_level` 1 to 5 (R1-R5), `off` is withdrawn. No price: free."""

    product_code: str
    name: str
    category: Category
    risk_level: int
    price: Price | None
    period_days: int | None
    status: Literal["on", "off"]
    version: int


class Offer(Answer, frozen=True):
    """A product as one investor sees it: whether it suits them and why not, and whether they have subscribed."""

    product_code: str
    name: str
    category: Category
    risk_level: int
    price: Price | None
    period_days: int | None
    status: Literal["on", "off"]
    suitable: bool
    reason: SuitabilityReason
    subscribed: bool


class Agreement(Answer, frozen=True):
    """What an investor agrees to when subscribing (签约协议)."""

    version: int
    title: str
    text: str


class OfferDetail(Answer, frozen=True):
    """A product with the agreement whose version a subscription names."""

    offer: Offer
    agreement: Agreement


class Choice(Answer, frozen=True):
    """One answer that may be chosen."""

    letter: str
    text: str


class Question(Answer, frozen=True):
    """One question, of which one answer is chosen."""

    number: int
    text: str
    choices: list[Choice]


class Questionnaire(Answer, frozen=True):
    """The suitability questionnaire (适当性问卷) that is asked now; what it finds holds for `valid_days`."""

    version: int
    valid_days: int
    questions: list[Question]


class ChosenAnswer(Input, frozen=True):
    """The answer to one question."""

    number: Annotated[int, Meta(ge=1, le=50)]
    letter: Letter


class AnsweredQuestionnaire(Input, frozen=True):
    """Every question of that version answered once."""

    version: Annotated[int, Meta(ge=1, le=1_000_000)]
    answers: Annotated[list[ChosenAnswer], Meta(min_length=1, max_length=50)]


class Assessment(Answer, frozen=True):
    """What a questionnaire found: `score` 0 to 100, `risk_level` 1 to 5 (C1-C5); on `expires_on` it holds no more.

    `source` is `hexad` for those answered in the terminal, else the system that delivered it.
    """

    at: datetime
    score: int
    risk_level: int
    expires_on: date
    source: str


class Suitability(Answer, frozen=True):
    """A decision whether a product suits a customer, kept with what it was based on; `level` is the customer's."""

    id: UUID
    product_code: str
    at: datetime
    allowed: bool
    reason: SuitabilityReason
    product_level: int
    level: int | None
    expires_on: date | None


class SubscriptionWanted(Input, frozen=True):
    """A subscription as the investor accepts it: price, agreement, the code from the SMS; how views shall come."""

    product_code: ProductCode
    price: SeenPrice | None
    agreement_version: Annotated[int, Meta(ge=1, le=1_000_000)]
    code: Code
    channel: ViewChannel = "in_app"


class Subscription(Answer, frozen=True):
    """One's subscription (签约). `requested` waits for the advisory platform; `cancelling` for its word on the end.

    `reason` says why it was refused, failed or ended.
    """

    id: UUID
    product_code: str
    product_name: str
    state: SubscriptionState
    reason: str
    price: Price | None
    agreement_version: int
    channel: ViewChannel
    contract_no: str | None
    requested_at: datetime
    decided_at: datetime | None
    cancelling: bool


class CustomerSubscription(Answer, frozen=True):
    """A customer's subscription as staff see it; `tries` and `problem` tell how it goes with the advisory platform."""

    id: UUID
    customer_no: str
    customer_name: str
    product_code: str
    product_name: str
    state: SubscriptionState
    reason: str
    channel: ViewChannel
    contract_no: str | None
    requested_at: datetime
    decided_at: datetime | None
    cancelling: bool
    tries: int
    next_try_at: datetime | None
    problem: str


class Contract(Answer, frozen=True):
    """A contract on a product; `ended_on` is the first day on which it no longer holds."""

    contract_no: str
    product_code: str
    product_name: str
    kind: Literal["advisory", "service", "product", "trial"]
    signed_on: date
    ended_on: date | None


class ViewWritten(Input, frozen=True):
    """An adviser's view of a product, to be published."""

    title: Title
    body: Body


class ProductView(Answer, frozen=True):
    """An adviser's view of a product (投顾观点)."""

    id: UUID
    product_code: str
    product_name: str
    adviser: str
    title: str
    body: str
    published_at: datetime


class PublishedView(Answer, frozen=True):
    """The same as staff see it: to how many it went, none while it is on its way."""

    id: UUID
    product_code: str
    product_name: str
    adviser: str
    title: str
    body: str
    published_at: datetime
    readers: int | None
