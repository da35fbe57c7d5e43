-- name: claim(id, ahead, seconds)^
-- record_class: Due
-- scope: none, the worker speaks to the platform on behalf of whoever asked
update subscription s
   set next_try_at = clock_timestamp() + make_interval(secs => :seconds) -- when it is tried again, whatever becomes of this try
  from customer c, product p
 where s.id = :id and s.next_try_at <= clock_timestamp() + make_interval(secs => :ahead)
   and c.id = s.customer_id and p.product_code = s.product_code
returning s.id, c.customer_no, s.product_code, s.price, s.agreement_version, s.requested_at, s.state,
          s.cancel_asked_at is not null as cancelling, s.tries, p.status as product_status, p.price as product_price,
          s.next_try_at as claimed_until;

-- name: hold(id, claimed_until)$
-- scope: none, the worker speaks to the platform on behalf of whoever asked
select true from subscription where id = :id and next_try_at = :claimed_until for update;

-- name: list_due(size)
-- scope: none, the worker speaks to the platform on behalf of whoever asked
select id from subscription where next_try_at <= now() order by next_try_at limit :size;

-- name: note_try(id, tries, seconds, problem)!
-- scope: none, the worker speaks to the platform on behalf of whoever asked
update subscription
   set tries = :tries, problem = :problem, next_try_at = now() + make_interval(secs => :seconds),
       changed_in = pg_current_xact_id(), version = nextval('row_version')
 where id = :id and next_try_at is not null;

-- name: decide(id, states, state, reason, contract_no)$
-- scope: none, the worker speaks to the platform on behalf of whoever asked
update subscription
   set state = :state, reason = :reason, contract_no = coalesce(:contract_no, contract_no), decided_at = now(),
       problem = '', cancel_asked_at = case when :state = 'confirmed' then cancel_asked_at end,
       next_try_at = case when :state = 'confirmed' and cancel_asked_at is not null then next_try_at end,
       changed_in = pg_current_xact_id(), version = nextval('row_version')
 where id = :id and state = any (:states::text[])
returning id;

-- name: give_up_cancelling(id, problem)!
-- scope: none, the worker speaks to the platform on behalf of whoever asked
update subscription
   set cancel_asked_at = null, next_try_at = null, problem = :problem, changed_in = pg_current_xact_id(),
       version = nextval('row_version')
 where id = :id and cancel_asked_at is not null;

-- name: put_contracts(contract_nos, customer_nos, product_codes, kinds, signed, ended, digests)!
-- scope: none, the platform tells of everybody's contracts
insert into contract (contract_no, customer_id, product_code, kind, signed_on, ended_on, polled, source, digest)
select t.contract_no, c.id, t.product_code, t.kind, t.signed_on, t.ended_on, true, 'advisory', t.digest
  from unnest(:contract_nos::text[], :customer_nos::text[], :product_codes::text[], :kinds::text[], :signed::date[],
              :ended::date[], :digests::bytea[])
       as t (contract_no, customer_no, product_code, kind, signed_on, ended_on, digest)
  join customer c on c.customer_no = t.customer_no
  join product p on p.product_code = t.product_code
    on conflict (contract_no) do update
   set kind = excluded.kind, signed_on = excluded.signed_on, ended_on = excluded.ended_on, polled = true,
       digest = excluded.digest, changed_in = pg_current_xact_id()
 where contract.digest <> excluded.digest and contract.source = 'advisory'
   and contract.customer_id = excluded.customer_id and contract.product_code = excluded.product_code;

-- name: confirm(subscription_ids, contract_nos)
-- scope: none, the platform tells of everybody's contracts
with named as ( -- one per customer and product; what was given up counts only where nothing else is open
    select distinct on (s.customer_id, s.product_code) s.id, k.contract_no
      from unnest(:subscription_ids::uuid[], :contract_nos::text[]) as t (subscription_id, contract_no)
      join contract k on k.contract_no = t.contract_no
      join subscription s
        on s.id = t.subscription_id and s.customer_id = k.customer_id and s.product_code = k.product_code
     where not exists (select from subscription o where o.contract_no = k.contract_no)
       and (s.state = 'requested' or s.state = 'failed' and not exists (
               select from subscription o
                where o.customer_id = s.customer_id and o.product_code = s.product_code
                  and o.state in ('requested', 'confirmed')))
     order by s.customer_id, s.product_code, s.id desc
)
update subscription s
   set state = 'confirmed', reason = '', contract_no = named.contract_no, decided_at = now(), problem = '',
       next_try_at = case when s.cancel_asked_at is not null then s.next_try_at end,
       changed_in = pg_current_xact_id(), version = nextval('row_version')
  from named
 where s.id = named.id and s.state in ('requested', 'failed')
returning s.id;

-- name: find_position()^
-- record_class: Position
-- scope: none, how far one has read belongs to nobody
select position, problem from advisory_position where platform = 'advisory';

-- name: move_position(before, position, problem)!
-- scope: none, how far one has read belongs to nobody
update advisory_position set position = :position, read_at = now(), problem = :problem
 where platform = 'advisory' and position = :before;

-- name: expire(size)
-- scope: none, time passes for everybody
update subscription s
   set state = 'expired', decided_at = now(), next_try_at = null, cancel_asked_at = null,
       changed_in = pg_current_xact_id(), version = nextval('row_version')
 where s.id in (
           select o.id
             from subscription o
             join contract k on k.contract_no = o.contract_no
            where o.state = 'confirmed' and not lasts(k.ended_on)
            limit :size
              for update of o skip locked)
returning s.id;

-- name: find_outcome(id)^
-- record_class: Outcome
-- scope: none, the worker tells customer and brokers
select s.id, s.state, s.reason, c.customer_no, c.name as customer_name, p.name as product_name,
       coalesce(f.language, 'zh') as language,
       array(select distinct e.employee_no
               from relation r
               join employee e on e.id = r.employee_id
              where r.customer_id = s.customer_id and r.kind = 'service' and holds(r.valid_from, r.valid_to)
                and lasts(e.left_on)) as brokers
  from subscription s
  join customer c on c.id = s.customer_id
  join product p on p.product_code = s.product_code
  left join preference f on f.customer_id = s.customer_id
 where s.id = :id;

-- name: list_own_contracts(customer, after, size)
-- record_class: Contract
select k.contract_no, k.product_code, p.name as product_name, k.kind, k.signed_on, k.ended_on
  from contract k
  join product p on p.product_code = k.product_code
 where k.customer_id = :customer and k.contract_no > :after
 order by k.contract_no
 limit :size;
