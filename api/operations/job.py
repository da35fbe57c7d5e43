"""Jobs for administrators: what waits, what was set aside, trying one again."""

from typing import Annotated
from uuid import UUID

from litestar import Router, post
from litestar.params import FromPath, PathParameter, QueryParameter

from api.edge.answer import Answer, versioned
from api.edge.dependencies import PageQuery, Tx
from api.edge.identify import may
from api.edge.reading import get
from kernel.events import job
from kernel.events.job import JobCursor
from mobile_contracts.base import Page
from mobile_contracts.operations.job import Job, JobState

State = Annotated[JobState, QueryParameter(name="state", description="the state that is asked for")]
Handler = Annotated[str, PathParameter(max_length=100)]


@get("/jobs", guards=[may("job.read")], summary="Jobs that are not done")
async def list_jobs(tx: Tx, page: PageQuery, in_state: State = "set_aside") -> Page[Job]:
    """Jobs of one state, the newest first; `set_aside` are those that failed too often."""
    jobs = await job.list_open(tx, in_state, page.after(JobCursor) or JobCursor(), page.limit + 1)
    return page.of(jobs, lambda one: JobCursor(one.started_at, one.event_id, one.handler))


@get("/jobs/{event_id:uuid}/{handler:str}", guards=[may("job.read")], summary="One job")
async def read_job(tx: Tx, event_id: FromPath[UUID], handler: Handler) -> Answer[Job]:
    """The job of one event and handler."""
    found = await job.find(tx, event_id, handler)
    return versioned(found, found.version)


@post(
    "/jobs/{event_id:uuid}/{handler:str}/retry",
    guards=[may("job.retry")],
    opt={"once": True},
    status_code=200,
    summary="Try a job again that was set aside",
)
async def retry_job(tx: Tx, event_id: FromPath[UUID], handler: Handler) -> Job:
    """Sends the job out again with all its tries."""
    return await job.try_again(tx, event_id, handler)


staff = Router("", route_handlers=[list_jobs, read_job, retry_job], tags=["Jobs"])
