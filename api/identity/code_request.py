"""A code by SMS: asked for by anybody, sent to customers alone, answered alike."""

from litestar import Router, post
from litestar.params import JSONBody

from api.edge.identify import public
from api.edge.request import HttpRequest
from api.edge.visit import visit_of
from identity import one_time_code, people
from identity.door import NOBODY, Visit
from identity.one_time_code import Destination, Owner
from identity.people import Person
from kernel.events.outbox import Record, emit
from kernel.security.crypto import Place
from mobile_contracts.event import CodeWanted
from mobile_contracts.identity.sign_in import CodeOnItsWay, CodeRequest

_AGAIN_SECONDS = 60


@post(
    "/investor/code",
    guards=[public("whoever signs in has no token yet")],
    status_code=202,
    summary="Ask for a code by SMS",
)
async def ask_for_code(request: HttpRequest, data: JSONBody[CodeRequest]) -> CodeOnItsWay:
    """Sends a code when such a customer is known; the answer is the same when not.

    429 says when the next one may be asked for: after another for this login and purpose, or when the device, the
    address or the firm have had their share. A device on which the customer has signed in has shares of its own.
    """
    visit = visit_of(request, "investor")
    codes = visit.door.codes
    async with visit.transaction() as tx:
        person = await people.customer(tx, visit.door.index, data.login)
        known = await people.knows(tx, "investor", person, data.device_id)
        login = person.subject if known and person else data.login
        asker = codes.asker("device" if known else "stranger", login, data.device_id, visit.address)
        await codes.admit(tx, asker, data.purpose, person.mobile_index if person else None)
        subject, to, why = _destination(visit, person)
        owner = Owner(data.purpose, "investor", subject, data.device_id)
        code_id, _ = await codes.make(tx, owner, asker, to)
        what = Record(action="code.ask", noun="one_time_code", noun_id=str(code_id), reason=why,
                      after=visit.attempt(data.device_id))  # fmt: skip
        await emit(tx, CodeWanted(code_id=code_id), what)
    return CodeOnItsWay(expires_in=one_time_code.SMS_SECONDS, again_in=_AGAIN_SECONDS)


def _destination(visit: Visit, person: Person | None) -> tuple[str, Destination | None, str]:
    """Whose code it is and where it goes; for nobody, one is made that opens nothing, and the reason says why."""
    if person is None:
        return NOBODY, None, "nobody"
    if person.mobile is None or person.mobile_index is None:
        return NOBODY, None, "no mobile number"
    mobile = visit.door.fields.open(person.mobile, Place("customer", "mobile", person.subject))
    return person.subject, Destination(mobile, person.mobile_index), "wanted"


auth = Router("", route_handlers=[ask_for_code], tags=["Sign-in"])
