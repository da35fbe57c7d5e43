"""The peer: the same two reads as they are usually written, FastAPI with SQLAlchemy and Pydantic under uvicorn.

It checks a JWT (HS256, without asking for a session) and has the scope in the WHERE; no policies, limits or log. It
selects columns rather than mapped objects, which would be slower.
"""

import contextlib
import os
from collections.abc import AsyncIterator
from datetime import date
from decimal import Decimal
from typing import Annotated

import jwt
import uvicorn
from fastapi import Depends, FastAPI, Header, HTTPException, Request
from pydantic import BaseModel, ConfigDict
from sqlalchemy import ColumnElement, and_, column, exists, func, literal_column, or_, select, table
from sqlalchemy.dialects.postgresql import distinct_on
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker, create_async_engine

_SIZE = 20
_customer = table(
    "customer",
    *(
        column(name)
        for name in (
            "id", "customer_no", "name", "kind", "id_kind", "id_no_mask", "mobile_mask", "email", "gender", "birthday",
            "branch_id", "opened_on", "closed_on", "status", "risk_level", "risk_assessed_on", "investor_kind",
            "assets", "version",
        )
    ),
).alias("c")  # fmt: skip
_relation = table(
    "relation", *(column(name) for name in ("customer_id", "employee_id", "valid_from", "valid_to", "assets"))
).alias("r")
_unit = table("unit", column("id"), column("code"), column("name")).alias("b")
_c, _r = _customer.c, _relation.c
_today = func.current_date()
_in_force = and_(_r.valid_from <= _today, or_(_r.valid_to.is_(None), _r.valid_to > _today))
_mail = func.left(_c.email, 1) + "***" + func.substr(_c.email, func.strpos(_c.email, "@"))
_HUNDREDTH: ColumnElement[Decimal] = literal_column("0.01")


class Line(BaseModel):
    """A customer in a list."""

    model_config = ConfigDict(from_attributes=True)
    id: int
    customer_no: str
    name: str
    kind: str
    mobile: str | None
    status: str
    risk_level: int | None
    opened_on: date
    assets: Decimal


class Whole(Line):
    """One customer."""

    id_kind: str
    id_no: str
    email: str | None
    gender: str | None
    birthday: date | None
    branch_code: str
    branch_name: str
    closed_on: date | None
    risk_assessed_on: date | None
    investor_kind: str
    version: int


class Lines(BaseModel):
    """A page."""

    items: list[Line]
    next: str | None


async def session(request: Request) -> AsyncIterator[AsyncSession]:
    """A session of SQLAlchemy for this request."""
    async with request.app.state.sessions() as opened:
        yield opened


async def broker(authorization: Annotated[str, Header()]) -> int:
    """The database id of the broker whose token this is."""
    try:
        claims = jwt.decode(
            authorization.removeprefix("Bearer "), os.environ["BENCH_SECRET"], algorithms=["HS256"], audience="staff"
        )
    except jwt.PyJWTError as error:
        raise HTTPException(401) from error
    return int(claims["sub"])


async def read_customer(
    customer_no: str, who: Annotated[int, Depends(broker)], db: Annotated[AsyncSession, Depends(session)]
) -> Whole:
    """One customer of the broker."""
    wanted = (
        select(
            _c.id, _c.customer_no, _c.name, _c.kind, _c.id_kind, _c.id_no_mask.label("id_no"),
            _c.mobile_mask.label("mobile"), _mail.label("email"), _c.gender, _c.birthday,
            _unit.c.code.label("branch_code"), _unit.c.name.label("branch_name"), _c.opened_on, _c.closed_on,
            _c.status, _c.risk_level, _c.risk_assessed_on, _c.investor_kind, (_c.assets * _HUNDREDTH).label("assets"),
            _c.version,
        )
        .join_from(_customer, _unit, _unit.c.id == _c.branch_id)
        .where(
            _c.customer_no == customer_no,
            exists().where(_r.customer_id == _c.id, _r.employee_id == who, _in_force),
        )
    )  # fmt: skip
    found = (await db.execute(wanted)).one_or_none()
    if found is None:
        raise HTTPException(404)
    shown: Whole = Whole.model_validate(found)
    return shown


async def list_customers(
    who: Annotated[int, Depends(broker)], db: Annotated[AsyncSession, Depends(session)], limit: int = _SIZE
) -> Lines:
    """The richest customers of the broker."""
    wanted = (
        select(
            _c.id, _c.customer_no, _c.name, _c.kind, _c.mobile_mask.label("mobile"), _c.status, _c.risk_level,
            _c.opened_on, (_r.assets * _HUNDREDTH).label("assets"),
        )
        .ext(distinct_on(_r.assets, _r.customer_id))
        .join_from(_relation, _customer, _c.id == _r.customer_id)
        .where(_r.employee_id == who, _in_force)
        .order_by(_r.assets.desc(), _r.customer_id.desc())
        .limit(limit + 1)
    )  # fmt: skip
    rows = (await db.execute(wanted)).all()
    return Lines(items=[Line.model_validate(one) for one in rows[:limit]], next="more" if len(rows) > limit else None)


def application() -> FastAPI:
    """What the server loads."""
    app = FastAPI(lifespan=_open, openapi_url=None)
    app.add_api_route("/customers/{customer_no}", read_customer, methods=["GET"])
    app.add_api_route("/customers", list_customers, methods=["GET"])
    return app


@contextlib.asynccontextmanager
async def _open(app: FastAPI) -> AsyncIterator[None]:
    url = os.environ["BENCH_DATABASE_URL"].replace("postgresql://", "postgresql+asyncpg://", 1)
    engine = create_async_engine(url, pool_size=int(os.environ["BENCH_POOL"]), max_overflow=0)
    app.state.sessions = async_sessionmaker(engine, expire_on_commit=False)
    yield
    await engine.dispose()


if __name__ == "__main__":
    uvicorn.run(
        "bench.peer:application", factory=True, host="127.0.0.1", port=int(os.environ["BENCH_PORT"]), loop="uvloop",
        http="httptools", log_level="warning", access_log=False,
    )  # fmt: skip
