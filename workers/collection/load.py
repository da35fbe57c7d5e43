"""Loads what is good of a day in one transaction, feed by feed, each after those that it refers to."""

from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import date
from pathlib import Path

import asyncpg
import duckdb
import msgspec

from centers.customer import customer_load as customer
from centers.employee import employee_load as employee
from centers.product import product_load as product
from kernel.events.outbox import Record, emit
from kernel.security.scope import apply_system
from kernel.settings import Settings
from kernel.store.database import Tx
from kernel.store.sql import load
from mobile_contracts.event import DeliveryLoaded, OrganisationChanged
from workers.collection.day import Checked, Tally, count_changes
from workers.collection.seal import FIELDS, Sealers, Table
from workers.collection.transfer import batches, copy_out, fetch, lines, plainly, put, put_lines, put_parts
from workers.collection.workspace import Workspace

_sql = load(Path(__file__).with_name("load.sql"))

Tell = Callable[[int], None]
_OF_CUSTOMERS = ("customer", "account", "relation", "contract", "questionnaire")
"""Feeds whose rows are a customer's."""

_MANY = 5_000
"""Rows written after which PostgreSQL counts a table anew."""


class Loaded(msgspec.Struct):
    """What the audit log keeps of a load."""

    feeds: dict[str, Tally]


async def try_lock(connection: asyncpg.Connection) -> bool:
    """Takes the lock of loaders for this connection, unless another has it."""
    return bool(await _sql.try_lock(connection))


async def recorded(connection: asyncpg.Connection, source: str) -> dict[str, list[tuple[date, str]]]:
    """Per feed the days of the source that were loaded, each with the SHA-256."""
    found: dict[str, list[tuple[date, str]]] = {}
    for feed, day, sha256 in await _sql.recorded(connection, source=source):
        found.setdefault(feed, []).append((day, sha256))
    return found


async def copy_known(connection: asyncpg.Connection, work: Workspace, feeds: set[str], day: date) -> list[str]:
    """Gets what these feeds of a day are compared with into files, and gives their names for `take_in`."""
    queries = {**employee.KNOWN, **customer.KNOWN, **product.KNOWN}
    wanted = {"known_branch", "known_employee"} if feeds else set[str]()
    if feeds & set(_OF_CUSTOMERS):
        wanted |= {"known_customer"}
    if feeds & {"product", "contract"}:
        wanted |= {"known_product"}
    wanted |= {f"known_{feed}" for feed in ("account", "relation", "contract") if feed in feeds}
    of_day = product.KNOWN_OF_DAY if "questionnaire" in feeds else {}
    async with connection.transaction(readonly=True):
        await apply_system(connection, "ingest", kind="company")
        await copy_out(connection, {table: queries[table] for table in sorted(wanted)}, work)
        await copy_out(connection, of_day, work, day)
    return [*sorted(wanted), *of_day]


async def load_day(
    connection: asyncpg.Connection, work: Workspace, day: list[Checked], settings: Settings, tell: Tell
) -> None:
    """Writes the good deliveries of a day, records them, tells of them; all of it or nothing."""
    good = [one for one in day if one.good and one.loading()]
    if not good:
        return
    with Sealers(settings) as seal:
        async with connection.transaction():
            await apply_system(connection, "ingest", kind="company")
            await employee.stage(connection)
            await customer.stage(connection)
            await product.stage(connection)
            await _Merge(connection, work, good, seal, tell).run()
            for one in good:
                await _record(connection, one)


async def _record(connection: asyncpg.Connection, one: Checked) -> None:
    day, source = one.delivery.day, one.delivery.source
    for feed, file in one.loading():
        tally = one.tallies[feed]
        changed = tally.added + tally.changed + tally.ended
        await _sql.record(
            connection, day=day, source=source, feed=feed, sha256=file.sha256, rows=file.rows, changed=changed
        )
    record = Record(action="load", noun="delivery", noun_id=f"{day}/{source}", after=Loaded(feeds=one.tallies))
    await emit(connection, DeliveryLoaded(day=day, source=source), audit=record)


class _Merge:
    """The merges of one day, feed by feed."""

    def __init__(
        self, connection: asyncpg.Connection, work: Workspace, good: list[Checked], seal: Sealers, tell: Tell
    ) -> None:
        self._connection, self._work, self._good, self._seal, self._tell = connection, work, good, seal, tell
        self._day = good[0].delivery.day

    async def run(self) -> None:
        """Every feed that is there, each after those that it refers to."""
        organisation = False
        if self._work.has("branch"):
            organisation |= await self._branches()
        if self._work.has("employee"):
            organisation |= await self._employees()
        if any(map(self._work.has, _OF_CUSTOMERS)):
            await self._customers()
        if self._work.has("account"):
            await self._accounts()
        if self._work.has("relation"):
            await self._relations()
        if self._work.has("product"):
            await self._products()
        if self._work.has("contract"):
            await self._contracts()
        if self._work.has("questionnaire"):
            await self._questionnaires()
        if organisation:
            await emit(self._connection, OrganisationChanged())

    async def _branches(self) -> bool:
        await self._compare("branch")
        live = self._work.live("branch").filter("latest")
        await self._put(live.project("branch_code, name, region_code, region_name, source"), "staged_branch")
        await self._put(live.project("source").distinct(), "staged_branch_source")
        return await employee.merge_branches(self._connection, self._day)

    async def _employees(self) -> bool:
        await self._compare("employee")
        live = self._work.live("employee").filter("latest")
        await self._put(live.project("employee_no, branch_code, team_code"), "staged_place")
        await self._put(self._work.db.table("gone_employee").project("employee_no"), "staged_gone_employee")
        await put_lines(self._connection, *self._sealed("employee"))
        return (await employee.merge_employees(self._connection, self._day)).any

    async def _customers(self) -> None:
        await self._again("known_branch_id")
        await self._compare("customer")
        first = await customer.draw_ids(self._connection, len(self._work.db.table("fresh_customer")))
        await self._work.beside(self._work.run, "place", first=first)
        async for _ in put_parts(self._connection, *self._sealed("customer")):
            await customer.merge_customers(self._connection)
        await self._counted("customer", customer.count_customers)
        await customer.prove_customers(self._connection)

    async def _accounts(self) -> None:
        await self._compare("account")
        async for _ in put_parts(self._connection, *self._plain("account")):
            await customer.merge_accounts(self._connection)
        await self._counted("account", customer.count_accounts)
        await customer.prove_accounts(self._connection)

    async def _relations(self) -> None:
        await self._again("known_employee")
        await self._compare("relation")
        gone = "customer_id, employee_id, kind, valid_from"
        await self._put(self._work.db.table("gone_relation").project(gone), "staged_gone_relation")
        await customer.end_relations(self._connection, self._day)
        async for _ in put_parts(self._connection, *self._plain("relation")):
            await customer.merge_relations(self._connection)
        await self._counted("relation", customer.count_relations)
        await customer.prove_relations(self._connection)

    async def _products(self) -> None:
        await self._compare("product")
        await self._put(self._work.db.table("gone_product").project("product_code"), "staged_gone_product")
        await put_lines(self._connection, *self._plain("product"))
        await product.merge_products(self._connection)

    async def _contracts(self) -> None:
        await self._compare("contract")
        await self._put(self._work.db.table("gone_contract").project("contract_no"), "staged_gone_contract")
        await product.end_contracts(self._connection, self._day)
        async for _ in put_parts(self._connection, *self._plain("contract")):
            await product.merge_contracts(self._connection)
        await self._counted("contract", product.count_contracts)

    async def _questionnaires(self) -> None:
        await self._compare("questionnaire")
        gone = self._work.db.table("gone_questionnaire").project('customer_id, "at", source')
        await self._put(gone, "staged_gone_assessment")
        await product.forget_assessments(self._connection)
        found, _, columns = self._plain("questionnaire")
        async for _ in put_parts(self._connection, found, "staged_assessment", columns):
            await product.merge_assessments(self._connection, self._day)
        await self._counted("questionnaire", product.count_assessments)

    async def _compare(self, feed: str) -> None:
        """Finds out what is new, changed and gone."""
        await self._work.beside(self._work.run, feed)
        count_changes(self._work, self._good, feed)

    async def _again(self, table: str) -> None:
        """What is known now, after the feeds before it were merged."""
        self._work.run(f"forget_{table}")
        await fetch(self._connection, {table: employee.KNOWN[table]}, self._work)

    async def _put(self, rows: duckdb.DuckDBPyRelation, table: str) -> None:
        await put(self._connection, self._work, rows, table, self._tell)

    def _plain(self, feed: str) -> tuple[AsyncIterator[bytes], str, list[str]]:
        """The rows of a feed that are to be written, their staging table, its columns."""
        rows = self._written(feed)
        return lines(batches(self._work, rows, self._tell), plainly), f"staged_{feed}", rows.columns

    def _sealed(self, table: Table) -> tuple[AsyncIterator[bytes], str, list[str]]:
        """The same, with the personal data sealed."""
        rows = self._written(table)
        ready = self._seal.ready(table, self._changes(table))
        columns = [*rows.columns, *(f"{field}_{part}" for field in FIELDS[table] for part in ("mask", "index"))]
        return lines(batches(self._work, rows, self._tell), ready), f"staged_{table}", columns

    def _changes(self, feed: str) -> int:
        return len(self._work.db.table(f"changed_{feed}"))

    async def _counted(self, feed: str, count: Callable[[Tx], Awaitable[None]]) -> None:
        """Has PostgreSQL count a table anew that changed a lot: it would plan for what it was before."""
        if self._changes(feed) >= _MANY:
            await count(self._connection)

    def _written(self, feed: str) -> duckdb.DuckDBPyRelation:
        """The rows of a feed that are to be written, as their staging table has them."""
        self._work.run(f"written_{feed}")
        return self._work.db.view(f"written_{feed}")
