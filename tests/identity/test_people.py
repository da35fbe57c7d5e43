"""Who may come to the door: those who are here today, found by their own number, or the one mobile number of one."""

import pytest

from identity import people as module
from kernel.security.scope import Audience, apply_system
from tests.api.identity.conftest import MOBILE, People

OTHER = "+8613900000000"


async def customer(people: People, login: str) -> str | None:
    """The customer number that a login leads to."""
    async with people.database.transaction() as tx:
        await apply_system(tx, "test", kind="company")
        found = await module.customer(tx, people.index, login)
    return found.subject if found else None


async def employee(people: People, employee_no: str) -> str | None:
    """The same for staff."""
    async with people.database.transaction() as tx:
        found = await module.employee(tx, employee_no)
    return found.subject if found else None


@pytest.mark.parametrize("login", ["880001", MOBILE, "13812345678", "138-1234-5678", "1 3 8 1 2 3 4 5 6 7 8"])
async def test_a_customer_is_found(people: People, login: str) -> None:
    await people.customer()
    assert await customer(people, login) == "880001"


@pytest.mark.parametrize("login", ["", "880", "88000", "%", "880001 ", "' or true --", "1381234567", OTHER])
async def test_nobody_is_found_by_less(people: People, login: str) -> None:
    await people.customer()
    assert await customer(people, login) is None


async def test_a_number_comes_before_a_mobile_number(people: People) -> None:
    await people.customer("13900000000", MOBILE)
    await people.customer("880002", OTHER)
    assert await customer(people, "13900000000") == "13900000000"
    assert await customer(people, "+86 139 0000 0000") == "880002"


async def test_a_closed_account_does_not_stand_in_the_way_of_a_new_one(people: People) -> None:
    await people.customer("880001")
    await people.customer("880002")
    assert await customer(people, MOBILE) is None
    await people.sql("update customer set status = 'closed' where customer_no = '880001' returning 1")
    assert await customer(people, MOBILE) == "880002"
    assert await customer(people, "880001") is None


async def test_an_employee_is_found_from_the_first_day_to_the_last(people: People) -> None:
    await people.employ(password=None)
    assert await employee(people, "10086") == "10086"
    assert await employee(people, "1008") is None
    await people.sql("update employee set left_on = current_date + 1 returning 1")
    assert await employee(people, "10086") == "10086"
    await people.sql("update employee set left_on = current_date returning 1")
    assert await employee(people, "10086") is None
    await people.sql("update employee set left_on = null, hired_on = current_date + 1 returning 1")
    assert await employee(people, "10086") is None


async def test_who_is_here(people: People) -> None:
    await people.employ(password=None)
    await people.customer()
    async with people.database.transaction() as tx:
        await apply_system(tx, "test", kind="company")
        assert await module.is_here(tx, "staff", "10086")
        assert await module.is_here(tx, "investor", "880001")
        assert not await module.is_here(tx, "staff", "880001")
        assert not await module.is_here(tx, "gateway", "10086")


async def test_a_device_is_known_of_whoever_signed_in_on_it_until_it_is_revoked(people: People) -> None:
    await people.sql(
        "insert into device (audience, subject, device_id) values ('staff', '10086', 'desk'),"
        " ('investor', '880001', 'phone') returning 1"
    )

    async def asked(audience: Audience, subject: str, device_id: str) -> tuple[bool, bool]:
        async with people.database.transaction() as tx:
            await apply_system(tx, "test", kind="company")
            person = module.Person(subject) if subject else None
            return await module.knows(tx, audience, person, device_id), await module.works_on(tx, device_id)

    assert await asked("staff", "10086", "desk") == (True, True)
    assert await asked("staff", "10087", "desk") == (False, True)
    assert await asked("staff", "", "desk") == (False, True)
    assert await asked("investor", "880001", "phone") == (True, False)
    assert await asked("investor", "10086", "desk") == (False, True)
    await people.sql("update device set revoked_at = now() returning 1")
    assert await asked("staff", "10086", "desk") == (False, False)
