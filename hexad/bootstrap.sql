-- Run by psql as the superuser of a new cluster (embedded or not): the two roles and the database, where missing.
--   OWNER_PASSWORD=… APP_PASSWORD=… psql -v database=hexad -f bootstrap.sql
-- Without the variables no password is set; with them, running it again changes the passwords.
\getenv owner_password OWNER_PASSWORD
\getenv app_password APP_PASSWORD
select format('create role %I login', wanted)
  from unnest(array ['hexad_owner', 'hexad_app']) as wanted
 where not exists (select from pg_roles where rolname = wanted)
\gexec
\if :{?owner_password}
alter role hexad_owner password :'owner_password';
\endif
\if :{?app_password}
alter role hexad_app password :'app_password';
\endif
select format('create database %I owner hexad_owner', :'database')
 where not exists (select from pg_database where datname = :'database')
\gexec
