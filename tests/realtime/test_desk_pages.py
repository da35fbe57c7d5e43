"""Who has very many conversations gets them all at the sign-in, in pages, and of each what is new."""

from tests.realtime.chat import House, house, numbers, two_nodes

__all__ = ["house", "numbers", "two_nodes"]

MANY = 1200
_CUSTOMERS = """
insert into customer (customer_no, name, kind, id_kind, id_no, id_no_mask, id_no_index, branch_id, opened_on, status,
                      investor_kind, source, digest)
select 'm' || $2 || n, 'x', 'individual', 'id_card', '', '', '', $1, '2020-01-01', 'normal', 'ordinary', 'counter', ''
  from generate_series(1, $3::integer) as n"""
_RELATIONS = """
insert into relation (customer_id, employee_id, kind, share, valid_from, branch_id, source, digest)
select id, $1, 'service', 1, '2020-01-01', branch_id, 'counter', ''
  from customer where customer_no like 'm' || $2 || '%'"""
_CONVERSATIONS = """
insert into conversation (id, customer_id, branch_id, employee_id, state, by_relation, last_seq, opened_at)
select gen_random_uuid(), id, branch_id, $1, 'assigned', true, 3, now() - id * interval '1 second'
  from customer where customer_no like 'm' || $2 || '%'"""
_PARTICIPANTS = """
insert into participant (conversation_id, kind, person_id, no, name)
select c.id, who.kind, who.id, who.no, 'x'
  from conversation c
  join customer k on k.id = c.customer_id
  join employee e on e.id = c.employee_id,
       lateral (values ('investor', k.id, k.customer_no), ('staff', e.id, e.employee_no)) as who (kind, id, no)
 where c.employee_id = $1"""
_MESSAGES = """
insert into message (conversation_id, seq, id, sender_kind, sender_id, client_id, kind, body)
select c.id, seq, gen_random_uuid(), 'investor', c.customer_id, gen_random_uuid(), 'text', 'x'
  from conversation c, generate_series(1, 3) as seq
 where c.employee_id = $1"""


async def test_all_are_named_in_pages_and_nothing_old_follows(house: House) -> None:
    broker = await house.broker()
    own = house.brokerage.employees[broker]
    await house.brokerage.execute(_CUSTOMERS, house.brokerage.units["b1"], broker, MANY)
    await house.brokerage.execute(_RELATIONS, own, broker)
    await house.brokerage.execute(_CONVERSATIONS, own, broker)
    await house.brokerage.execute(_PARTICIPANTS, own)
    await house.brokerage.execute(_MESSAGES, own)
    async with house.device(f"staff:{broker}") as talker:
        pages = [talker.frames[0]]
        while pages[-1].get("more"):
            pages.append(await talker.get("ready"))
        assert [len(page["conversations"]) for page in pages] == [500, 500, 200]
        named = [line["conversation_id"] for page in pages for line in page["conversations"]]
        assert len(set(named)) == MANY
        first, last = named[0], named[-1]
        assert (await talker.say(last, "还在"))["seq"] == 4
        seen = await talker.quiet(5)  # looks at everything pass
        assert set(seen) == {"ready", "accepted"}
    async with house.device(f"staff:{broker}", node=1, resume={last: 1, first: 3}) as again:
        while again.frames[-1].get("more"):
            await again.get("ready")
        assert [(await again.get("message"))["seq"] for _ in range(3)] == [2, 3, 4]
        assert again.seqs(first) == []
