"""A brokerage made row by row, for tests that need just these people and customers; committed."""

from collections.abc import Sequence
from datetime import date
from typing import Any

from identity import principal
from identity.principal import Tokens
from kernel.security.crypto import BlindIndex, Fields, Place
from kernel.security.scope import Audience, apply_system
from kernel.settings import Settings
from kernel.store.database import Database
from kernel.text.personal import mask_id_no, mask_mobile, mobile

ID_NO = "11010519491231002X"
"""The example of GB 11643."""

_UNIT = "insert into unit (kind, code, name, parent_id) values ($1, $2, $2, $3) returning id"
_EMPLOYEE = """
insert into employee (employee_no, name, unit_id, position, hired_on, left_on, source, digest)
values ($1, $2, $3, '经纪人', '2020-01-01', $4, 'hr', '') returning id"""
_CUSTOMER = """
insert into customer (customer_no, name, kind, id_kind, id_no, id_no_mask, id_no_index, mobile, mobile_mask,
                      mobile_index, email, branch_id, opened_on, closed_on, status, risk_level,
                      risk_assessed_on, investor_kind, assets, source, digest)
values ($1, $2, $3, 'id_card', $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, 'ordinary', $17, 'counter',
        '')
returning id"""
_RELATION = """
insert into relation (customer_id, employee_id, kind, share, valid_from, valid_to, branch_id, assets, source, digest)
values ($1, $2, $3, 1, $4, $5, $6, $7, 'counter', '')"""


class Brokerage:
    """Units, employees and customers by their codes and numbers; assets in yuan."""

    def __init__(self, database: Database, settings: Settings) -> None:
        self.database, self.settings = database, settings
        self._fields, self._index = Fields(settings), BlindIndex(settings)
        self.units: dict[str, int] = {}
        self.employees: dict[str, int] = {}
        self.customers: dict[str, int] = {}

    async def unit(self, kind: str, code: str, above: str = "company") -> None:
        """Makes a unit below another."""
        if "company" not in self.units:
            self.units["company"] = await self._value("select id from unit where kind = 'company'")
        self.units[code] = await self._value(_UNIT, kind, code, self.units[above])

    async def employee(self, no: str, unit: str, *roles: str, left_on: date | None = None) -> None:
        """Makes an employee; a role may name its unit, `branch_manager@b1`."""
        self.employees[no] = await self._value(_EMPLOYEE, no, f"员工{no}", self.units[unit], left_on)
        for role in roles:
            await self.assign(no, role)

    async def assign(self, no: str, role: str) -> None:
        """Gives a role."""
        code, _, place = role.partition("@")
        await self._value("insert into assignment values ($1, $2, $3) returning 1", self.employees[no], code,
                          self.units[place] if place else None)  # fmt: skip

    async def customer(
        self, no: str, branch: str, *, name: str = "张三", assets: str = "0", mobile_no: str = "13800138000",
        brokers: Sequence[str] = (), opened_on: date = date(2020, 1, 1), status: str = "normal",
        risk_level: int | None = 3, kind: str = "individual", id_no: str = ID_NO,
    ) -> None:  # fmt: skip
        """Makes a customer of a branch whom these brokers serve; a level was found long ago, in 2020."""
        cents, number = round(float(assets) * 100), mobile(mobile_no)
        closed_on = date(2026, 1, 1) if status == "closed" else None
        self.customers[no] = await self._value(
            _CUSTOMER, no, name, kind, self._fields.seal(id_no, Place("customer", "id_no", no)), mask_id_no(id_no),
            self._index.of("id_no", id_no), self._fields.seal(number, Place("customer", "mobile", no)),
            mask_mobile(number), self._index.of("mobile", number), f"{no.lower()}@example.com", self.units[branch],
            opened_on, closed_on, status, risk_level, risk_level and date(2020, 1, 1), cents,
        )  # fmt: skip
        for broker in brokers:
            await self.relate(no, broker)

    async def relate(
        self, no: str, broker: str, kind: str = "service", valid_from: date = date(2020, 1, 1),
        valid_to: date | None = None,
    ) -> None:  # fmt: skip
        """Has a broker look after a customer."""
        row = await self._row("select id, branch_id, assets from customer where customer_no = $1", no)
        await self._value(
            _RELATION + " returning 1", row["id"], self.employees[broker], kind, valid_from, valid_to, row["branch_id"],
            row["assets"],
        )  # fmt: skip

    async def headers(self, subject: str, audience: Audience = "staff", device_id: str = "phone-1") -> dict[str, str]:
        """Signs somebody in and gives the headers of their requests."""
        async with self.database.transaction() as tx:
            roles = ["investor"] if audience == "investor" else []
            session_id = await principal.open_session(tx, audience, subject, roles, device_id, 3600)
        return {"Authorization": f"Bearer {Tokens(self.settings).issue(audience, subject, session_id)}"}

    async def execute(self, statement: str, *args: Any) -> None:
        """Runs a statement as the system, which sees every row."""
        async with self.database.transaction() as tx:
            await apply_system(tx, "test", kind="company")
            await tx.execute(statement, *args)

    async def _value(self, statement: str, *args: Any) -> Any:
        return (await self._row(statement, *args))[0]

    async def _row(self, statement: str, *args: Any) -> Any:
        async with self.database.transaction() as tx:
            await apply_system(tx, "test", kind="company")
            return await tx.fetchrow(statement, *args)


async def small(database: Database, settings: Settings) -> Brokerage:
    """Two regions, two branches, two teams in one of them, and somebody in every role."""
    house = Brokerage(database, settings)
    for kind, code, above in (
        ("region", "north", "company"), ("region", "south", "company"), ("branch", "b1", "north"),
        ("branch", "b2", "south"), ("team", "t1", "b1"), ("team", "t2", "b1"),
    ):  # fmt: skip
        await house.unit(kind, code, above)
    await house.employee("1001", "t1", "broker")
    await house.employee("1002", "t1", "broker")
    await house.employee("1003", "t2", "account_manager")
    await house.employee("1004", "t1", "team_leader")
    await house.employee("1005", "b1", "branch_manager")
    await house.employee("1006", "b2", "branch_manager")
    await house.employee("1007", "b2", "region_manager")
    await house.employee("1008", "b1", "head_office_marketing")
    await house.employee("1009", "b1", "compliance")
    await house.employee("1010", "b1", "administrator")
    await house.employee("2001", "b2", "adviser")
    await house.customer("88000001", "b1", name="王一", assets="300", brokers=["1001"], mobile_no="13800000001")
    await house.customer("88000002", "b1", name="王二", assets="900", brokers=["1001"], mobile_no="13800000002")
    await house.customer("88000003", "b1", name="李三", assets="500", brokers=["1001", "1002"], mobile_no="13800000003")
    await house.customer("88000004", "b1", name="赵四", assets="100", brokers=["1003"], mobile_no="13800000004")
    await house.customer("88000005", "b1", name="钱五", assets="700", mobile_no="13800000005")
    await house.customer("88000006", "b2", name="王六", assets="800", brokers=["2001"], mobile_no="13800000006")
    return house
