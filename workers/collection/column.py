"""The feeds and their columns (`feeds.md` as data): what each source system delivers, and what each value must be."""

from typing import Literal

from msgspec import Struct

Kind = Literal["code", "unit", "text", "long_text", "mobile", "id_no", "date", "time", "boolean", "money", "price",
               "quantity", "share", "number", "choice"]  # fmt: skip
"""`code` identifies something, `unit` a unit of the organisation; `text` has up to 100 characters, `long_text` 300."""

NUMBERS: tuple[Kind, ...] = ("money", "price", "quantity", "share", "number")
"""Kinds whose values may be written in several ways: 0.5 and 0.5000 are the same."""


class Column(Struct, frozen=True):
    """One column: its kind, whether it may be empty, its choices, the smallest and largest number that it may be."""

    name: str
    kind: Kind = "text"
    empty: bool = False
    choices: tuple[str, ...] = ()
    least: str = ""
    most: int | None = None


class Reference(Struct, frozen=True):
    """A column that names a row of another feed by its key."""

    column: str
    feed: str


class Feed(Struct, frozen=True, kw_only=True):
    """One feed; `orders` are pairs of days of which the second must not be before the first."""

    name: str
    columns: tuple[Column, ...]
    key: tuple[str, ...]
    daily: bool = False
    references: tuple[Reference, ...] = ()
    orders: tuple[tuple[str, str], ...] = ()
    stays: bool = False  # a row that is gone is a fault


_CUSTOMER, _SECURITY = Reference("customer_no", "customer"), Reference("security_code", "security")
_ACCOUNT = Reference("account_no", "account")


def _choice(name: str, *choices: str, empty: bool = False) -> Column:
    return Column(name, "choice", empty, choices)


def _code(name: str, *, empty: bool = False) -> Column:
    return Column(name, "code", empty)


def _unit(name: str, *, empty: bool = False) -> Column:
    return Column(name, "unit", empty)


def _day(name: str, *, empty: bool = False) -> Column:
    return Column(name, "date", empty)


def _level(*, empty: bool = False) -> Column:
    return _choice("risk_level", "1", "2", "3", "4", "5", empty=empty)


def _positive(name: str, kind: Kind, *, empty: bool = False) -> Column:
    return Column(name, kind, empty, least="0")


_ALL = (
    Feed(
        name="branch",
        key=("branch_code",),
        columns=(_unit("branch_code"), Column("name"), _unit("region_code"), Column("region_name")),
    ),
    Feed(
        name="employee",
        key=("employee_no",),
        columns=(
            _code("employee_no"), Column("name"), _unit("branch_code"), _unit("team_code", empty=True),
            Column("position"), Column("licence_kind", empty=True), Column("licence_no", empty=True),
            _day("licence_valid_to", empty=True), Column("mobile", "mobile", empty=True),
            Column("email", "long_text", empty=True),
            _day("hired_on"), _day("left_on", empty=True),
        ),
        references=(Reference("branch_code", "branch"),),
        orders=(("hired_on", "left_on"),),
    ),
    Feed(
        name="customer",
        key=("customer_no",),
        columns=(
            _code("customer_no"), Column("name"), _choice("kind", "individual", "institution"), Column("id_kind"),
            Column("id_no", "id_no"), Column("mobile", "mobile", empty=True),
            Column("email", "long_text", empty=True),
            Column("gender", empty=True), _day("birthday", empty=True), _unit("branch_code"), _day("opened_on"),
            _day("closed_on", empty=True), _choice("status", "normal", "dormant", "frozen", "closed"),
            _level(empty=True), _day("risk_assessed_on", empty=True),
            _choice("investor_kind", "ordinary", "professional"),
        ),
        references=(Reference("branch_code", "branch"),),
        orders=(("opened_on", "closed_on"),),
        stays=True,
    ),
    Feed(
        name="account",
        key=("account_no",),
        columns=(
            _code("account_no"), _code("customer_no"),
            _choice("kind", "cash", "sh_a", "sz_a", "margin", "futures", "option", "fund_ta"),
            Column("custodian_bank", empty=True), _day("opened_on"), _day("closed_on", empty=True), Column("status"),
        ),
        references=(_CUSTOMER,),
        orders=(("opened_on", "closed_on"),),
        stays=True,
    ),
    Feed(
        name="relation",
        key=("customer_no", "employee_no", "kind", "valid_from"),
        columns=(
            _code("customer_no"), _code("employee_no"), _choice("kind", "develop", "service", "advise"),
            Column("share", "share"), _day("valid_from"), _day("valid_to", empty=True),
        ),
        references=(_CUSTOMER, Reference("employee_no", "employee")),
        orders=(("valid_from", "valid_to"),),
    ),
    Feed(
        name="security",
        key=("security_code",),
        columns=(
            _code("security_code"), Column("name"), _choice("kind", "stock", "fund", "bond", "warrant", "managed"),
            Column("open_ended", "boolean"), Column("industry", empty=True), Column("board", empty=True),
        ),
    ),
    Feed(
        name="index_quote", daily=True, key=("index_code",),
        columns=(_code("index_code"), _positive("close", "price")),
    ),
    Feed(
        name="quote", daily=True, key=("security_code",), references=(_SECURITY,),
        columns=(_code("security_code"), _positive("close", "price"), _positive("volume", "quantity")),
    ),
    Feed(
        name="asset", daily=True, key=("customer_no",), references=(_CUSTOMER,),
        columns=(_code("customer_no"), Column("total_assets", "money"), Column("cash", "money")),
    ),
    Feed(
        name="holding",
        key=("customer_no", "account_no", "security_code"),
        columns=(
            _code("customer_no"), _code("account_no"), _code("security_code"), _positive("quantity", "quantity"),
            Column("cost_price", "price"), _positive("market_value", "money"), _day("bought_on", empty=True),
        ),
        references=(_CUSTOMER, _ACCOUNT, _SECURITY),
    ),
    Feed(
        name="trade", daily=True, key=("trade_no",),
        columns=(
            _code("trade_no"), Column("time", "time"), _code("customer_no"), _code("account_no"),
            _code("security_code"), _choice("side", "buy", "sell"), _positive("quantity", "quantity"),
            _positive("price", "price"), _positive("amount", "money"), Column("commission", "money"),
            Column("net_commission", "money"), _positive("tax", "money"),
            _choice("channel", "web", "mobile", "phone", "counter"),
        ),
        references=(_CUSTOMER, _ACCOUNT, _SECURITY),
    ),
    Feed(
        name="transfer", daily=True, key=("transfer_no",), references=(_CUSTOMER,),
        columns=(
            _code("transfer_no"), Column("time", "time"), _code("customer_no"), _choice("direction", "in", "out"),
            _positive("amount", "money"),
        ),
    ),
    Feed(
        name="action", daily=True, key=("security_code", "kind"), references=(_SECURITY,),
        columns=(_code("security_code"), _choice("kind", "dividend", "bonus", "rights")),
    ),
    Feed(
        name="event", daily=True, key=("event_no",), references=(_CUSTOMER, _SECURITY),
        columns=(
            _code("event_no"), Column("time", "time"), _code("customer_no"),
            _choice("kind", "custody_moved", "designation_revoked", "account_closed", "ipo_allotted", "dividend_paid",
                    "rights_due", "margin_call", "product_matured"),
            _code("security_code", empty=True), _positive("amount", "money", empty=True),
        ),
    ),
    Feed(
        name="contract", key=("contract_no",), references=(_CUSTOMER, Reference("product_code", "product")),
        columns=(
            _code("contract_no"), _code("customer_no"), _code("product_code"),
            _choice("kind", "advisory", "service", "product", "trial"), _day("signed_on"), _day("ended_on", empty=True),
        ),
        orders=(("signed_on", "ended_on"),),
    ),
    Feed(
        name="product", key=("product_code",),
        columns=(
            _code("product_code"), Column("name"), _choice("category", "financial", "information", "advisory"),
            _level(), _positive("price", "price", empty=True), Column("period_days", "number", empty=True, least="0"),
            _choice("status", "on", "off"),
        ),
    ),
    Feed(
        name="questionnaire", daily=True, key=("customer_no", "time"), references=(_CUSTOMER,),
        columns=(
            _code("customer_no"), Column("time", "time"), Column("score", "number", least="0", most=100), _level(),
            _day("expires_on"),
        ),
    ),
)  # fmt: skip

FEEDS = {feed.name: feed for feed in _ALL}

LOADED = ("branch", "employee", "customer", "account", "relation", "product", "contract", "questionnaire")
"""The feeds that are loaded, each after those that it refers to."""
