"""A code by SMS: asked for by anybody, sent to customers alone, answered alike."""

from litestar import Router, post
from litestar.params import JSONBody

from api.auth import code, people
from api.auth.code import Asked, Destination, Owner
from api.auth.door import NOBODY, Visit
from api.auth.people import Person
from api.edge.identify import public
from api.edge.request import HttpRequest
from kernel.crypto import Place
from kernel.errors import RateLimited
from kernel.outbox import Record, emit
from mobile_contracts.auth import CodeOnItsWay, CodeRequest
from mobile_contracts.event import CodeWanted

_AGAIN_SECONDS = 60


@post(
    "/investor/code",
    guards=[public("whoever signs in has no token yet")],
    status_code=202,
    summary="Ask for a code by SMS",
)
async def ask_for_code(request: HttpRequest, data: JSONBody[CodeRequest]) -> CodeOnItsWay:
    """Sends a code when such a customer is known; the answer is the same when not.

    429 when the address, the device or the firm have had their share of the hour.
    """
    visit = Visit.of(request, "investor")
    firm = visit.door.settings.sms_codes
    async with visit.transaction() as tx:
        person = await people.customer(tx, visit.door.index, data.login)
        asked = await code.asked(tx, visit.address, data.device_id, person.mobile_index if person else None, firm)
        if asked.refused(firm):
            raise RateLimited(await code.wait(tx, visit.address, data.device_id, firm))
        subject, to, why = _destination(visit, person, asked)
        owner = Owner(data.purpose, "investor", subject, data.device_id)
        code_id, _ = await visit.door.codes.make(tx, owner, visit.address, to)
        what = Record(action="code.ask", noun="one_time_code", noun_id=str(code_id), reason=why,
                      after=visit.attempt(data.device_id))  # fmt: skip
        await emit(tx, CodeWanted(code_id=code_id), what)
    return CodeOnItsWay(expires_in=code.SMS_SECONDS, again_in=_AGAIN_SECONDS)


def _destination(visit: Visit, person: Person | None, asked: Asked) -> tuple[str, Destination | None, str]:
    """Whose code it is and where it goes; for nobody, one is made that opens nothing, and the reason says why."""
    if person is None:
        return NOBODY, None, "nobody"
    if person.mobile is None or person.mobile_index is None:
        return NOBODY, None, "no mobile number"
    if asked.number_is_full:
        return NOBODY, None, "the number has had its share"
    mobile = visit.door.fields.open(person.mobile, Place("customer", "mobile", person.subject))
    return person.subject, Destination(mobile, person.mobile_index), "wanted"


auth = Router("", route_handlers=[ask_for_code], tags=["Sign-in"])
