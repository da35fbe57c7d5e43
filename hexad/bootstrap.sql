-- Run by psql as the superuser of a new cluster (embedded or not): the two roles and the database, where missing.
--   psql -v database=hexad -f bootstrap.sql
select format('create role %I login', wanted)
  from unnest(array ['hexad_owner', 'hexad_app']) as wanted
 where not exists (select from pg_roles where rolname = wanted)
\gexec
select format('create database %I owner hexad_owner', :'database')
 where not exists (select from pg_database where datname = :'database')
\gexec
