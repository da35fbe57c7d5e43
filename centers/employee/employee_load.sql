-- name: stage_branch#
create temp table staged_branch (
    branch_code  text primary key,
    name         text not null,
    region_code  text not null,
    region_name  text not null,
    source       text not null
) on commit drop;

-- name: stage_branch_source#
create temp table staged_branch_source (source text primary key) on commit drop;

-- name: stage_employee#
create temp table staged_employee (
    employee_no       text primary key,
    name              text not null,
    branch_code       text not null,
    team_code         text,
    position          text not null,
    licence_kind      text,
    licence_no        text,
    licence_valid_to  date,
    mobile            bytea,
    mobile_mask       text,
    mobile_index      bytea,
    email             text,
    hired_on          date not null,
    left_on           date,
    source            text not null,
    digest            bytea not null
) on commit drop;

-- name: stage_place#
create temp table staged_place (
    employee_no  text primary key,
    branch_code  text not null,
    team_code    text
) on commit drop;

-- name: stage_gone_employee#
create temp table staged_gone_employee (employee_no text primary key) on commit drop;

-- name: known_branches()
-- scope: none, the loader compares what is delivered with what is there
select u.code as key, delivered.source, delivered.name, region.code as region_code, lasts(delivered.ended_on) as open
  from unit u
  left join unit delivered on delivered.id = u.id and delivered.placed_by = 'feed' -- what staff placed is never different
  left join unit region on region.id = delivered.parent_id
 where u.kind = 'branch';

-- name: known_employees()
-- scope: none, the loader compares what is delivered with what is there
select id, employee_no as key, source, encode(digest, 'hex') as digest from employee;

-- name: known_branch_ids()
-- scope: none, the loader compares what is delivered with what is there
select code as key, id from unit where kind = 'branch';

-- name: find_new_units()$
-- scope: none, the organisation belongs to nobody
select count(*)
  from (select 'region', region_code from staged_branch union select 'branch', branch_code from staged_branch)
       as delivered (kind, code)
 where not exists (select from unit u where u.kind = delivered.kind and u.code = delivered.code);

-- name: add_regions()!
-- scope: none, the organisation belongs to nobody
insert into unit (kind, code, name, parent_id, source)
select 'region', d.region_code, min(d.region_name), company.id, min(d.source)
  from staged_branch d
  join unit company on company.kind = 'company'
 group by d.region_code, company.id
    on conflict (kind, code) do nothing;

-- name: add_branches()!
-- scope: none, the organisation belongs to nobody
insert into unit (kind, code, name, parent_id, source)
select 'branch', d.branch_code, d.name, region.id, d.source
  from staged_branch d
  join unit region on region.kind = 'region' and region.code = d.region_code
    on conflict (kind, code) do nothing;

-- name: renew_units()!
-- scope: none, the organisation belongs to nobody
update unit u
   set name = d.name, source = d.source, ended_on = null, version = nextval('row_version')
  from (select 'branch', branch_code, name, source from staged_branch
        union all
        select 'region', region_code, min(region_name), min(source) from staged_branch group by region_code)
       as d (kind, code, name, source)
 where u.kind = d.kind and u.code = d.code and u.placed_by = 'feed'
   and (u.name, u.source, u.ended_on) is distinct from (d.name, d.source, null::date);

-- name: find_moved_branches()
-- scope: none, the organisation belongs to nobody
select u.id, region.id as parent_id
  from staged_branch d
  join unit u on u.kind = 'branch' and u.code = d.branch_code
  join unit region on region.kind = 'region' and region.code = d.region_code
 where u.placed_by = 'feed' and u.parent_id <> region.id;

-- name: move_units(ids, parents)!
-- scope: none, the organisation belongs to nobody
update unit u
   set parent_id = moved.parent_id, version = nextval('row_version')
  from unnest(:ids::integer[], :parents::integer[]) as moved (id, parent_id)
 where u.id = moved.id;

-- name: end_units(day)!
-- between days: the delivery's
-- scope: none, the organisation belongs to nobody
update unit u
   set ended_on = :day, version = nextval('row_version')
  from staged_branch_source s
 where u.source = s.source and u.kind in ('region', 'branch') and u.placed_by = 'feed'
   and (u.ended_on is null or u.ended_on > :day)
   and not exists (select from staged_branch d
                    where (u.kind = 'branch' and d.branch_code = u.code) or (u.kind = 'region' and d.region_code = u.code));

-- name: follow_merges()!
-- scope: none, the organisation belongs to nobody
update staged_place p
   set branch_code = taker.code
  from unit branch
  join unit_under a on a.unit_id = branch.id and a.depth > 0
  join unit taker on taker.id = a.ancestor_id and taker.kind = 'branch'
  join unit above on above.id = taker.parent_id and above.kind <> 'branch'
 where branch.kind = 'branch' and branch.code = p.branch_code;

-- name: find_new_teams()$
-- scope: none, the organisation belongs to nobody
select count(distinct p.team_code)
  from staged_place p
 where p.team_code is not null
   and not exists (select from unit u where u.kind = 'team' and u.code = p.team_code);

-- name: add_teams()!
-- scope: none, the organisation belongs to nobody
insert into unit (kind, code, name, parent_id)
select distinct on (p.team_code) 'team', p.team_code, p.team_code, branch.id
  from (select team_code, branch_code, count(*) as people from staged_place group by team_code, branch_code) p
  join unit branch on branch.kind = 'branch' and branch.code = p.branch_code
 where p.team_code is not null
 order by p.team_code, p.people desc, p.branch_code
    on conflict (kind, code) do nothing;

-- name: find_moved_teams()
-- scope: none, the organisation belongs to nobody
select u.id, branch.id as parent_id
  from (select team_code, min(branch_code) as branch_code from staged_place
         where team_code is not null group by team_code having count(distinct branch_code) = 1) p
  join unit u on u.kind = 'team' and u.code = p.team_code
  join unit branch on branch.kind = 'branch' and branch.code = p.branch_code
 where u.placed_by = 'feed' and u.parent_id <> branch.id;

-- name: add_employees()!
-- scope: none, the loader writes everybody
insert into employee (employee_no, name, unit_id, position, licence_kind, licence_no, licence_valid_to, mobile,
                      mobile_mask, mobile_index, email, hired_on, left_on, source, digest)
select d.employee_no, d.name, branch.id, d.position, d.licence_kind, d.licence_no, d.licence_valid_to, d.mobile,
       d.mobile_mask, d.mobile_index, d.email, d.hired_on, d.left_on, d.source, d.digest
  from staged_employee d
  join staged_place p on p.employee_no = d.employee_no
  join unit branch on branch.kind = 'branch' and branch.code = p.branch_code
 where not exists (select from employee e where e.employee_no = d.employee_no)
 order by d.employee_no;

-- name: change_employees()!
-- scope: none, the loader writes everybody
update employee e
   set name = d.name, position = d.position, licence_kind = d.licence_kind, licence_no = d.licence_no,
       licence_valid_to = d.licence_valid_to, mobile = d.mobile, mobile_mask = d.mobile_mask,
       mobile_index = d.mobile_index, email = d.email, hired_on = d.hired_on, left_on = d.left_on, source = d.source,
       digest = d.digest, changed_in = pg_current_xact_id(), version = nextval('row_version')
  from staged_employee d
 where e.employee_no = d.employee_no and e.digest <> d.digest;

-- name: place_employees()!
-- scope: none, the loader writes everybody
update employee e
   set unit_id = coalesce(team.id, branch.id), changed_in = pg_current_xact_id(), version = nextval('row_version')
  from staged_place p
  join unit branch on branch.kind = 'branch' and branch.code = p.branch_code
  left join unit team on team.kind = 'team' and team.code = p.team_code
                     and (team.placed_by = 'staff' or team.parent_id = branch.id)
                     and lasts(team.ended_on)
 where e.employee_no = p.employee_no and e.placed_by = 'feed' and e.unit_id <> coalesce(team.id, branch.id);

-- name: end_employees(day)!
-- scope: none, the loader writes everybody
update employee e
   set left_on = least(e.left_on, :day::date), digest = '', changed_in = pg_current_xact_id(),
       version = nextval('row_version')
  from staged_gone_employee g
 where e.employee_no = g.employee_no;
