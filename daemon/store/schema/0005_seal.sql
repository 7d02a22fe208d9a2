-- SPDX-License-Identifier: Apache-2.0
-- The seal: each event gets its place in one tree once its transaction and all before it have ended, and
-- the tree's signed heads.

-- Which transaction wrote an event.  Events of before this step have none: they were committed when it ran.
alter table audit_event add column xact xid8;
alter table audit_event alter column xact set default pg_current_xact_id();
create index audit_event_xact on audit_event (xact);

create table audit_leaf (
  leaf bigint primary key,          -- from 0, without gaps
  number bigint not null unique,    -- of the event
  hash bytea not null               -- of the event, as sealed
);

create table audit_checkpoint (
  number bigint primary key,        -- from 1, without gaps
  size bigint not null,             -- how many leaves it covers
  at timestamptz not null,
  note text not null                -- the signed text
);

create trigger append_only before update or delete or truncate on audit_leaf for each statement execute function append_only();
create trigger append_only before update or delete or truncate on audit_checkpoint for each statement execute function append_only();
alter table audit_leaf enable always trigger append_only;
alter table audit_checkpoint enable always trigger append_only;

do $$
declare
  name text;
begin
  if (select rolsuper or rolcreaterole from pg_roles where rolname = current_user)
     and not exists (select from pg_roles where rolname = 'mhsflow_seal') then
    create role mhsflow_seal nologin;
  end if;
  if exists (select from pg_roles where rolname = 'mhsflow_seal') then
    grant usage on schema mhsflow to mhsflow_seal;
    grant select on schema_version to mhsflow_seal;
    grant select (writer, seq, number, at, event, fields, submission, previous, hash, xact) on audit_event to mhsflow_seal;
    grant select, insert on audit_leaf, audit_checkpoint to mhsflow_seal;
    grant select, insert, update, delete on presence to mhsflow_seal;
  end if;
  foreach name in array array['mhsflow_read', 'mhsflow_operate'] loop
    if exists (select from pg_roles where rolname = name) then
      execute format('grant select on audit_leaf, audit_checkpoint to %I', name);
    end if;
  end loop;
end $$;
