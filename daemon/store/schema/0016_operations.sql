-- SPDX-License-Identifier: Apache-2.0
-- A database restored from a backup: each restoration begins an epoch.  What was accepted since the backup is not
-- known here, so what waited to go is asked about first, and revisions of the new epoch never take an old number.

create table restoration (
  number integer primary key,       -- the epoch, from 1
  at timestamptz not null,
  actor text not null,
  digest bytea not null             -- SHA-256 of the backup's file
);

create or replace function submission_state_check() returns trigger language plpgsql as $$
begin
  if tg_op = 'INSERT' then
    if new.state not in ('ready', 'held') then
      raise exception 'a submission cannot begin as %', new.state using errcode = 'check_violation', constraint = 'submission_state';
    end if;
  elsif new.state <> old.state and (old.state, new.state) not in (
    ('ready', 'sending'),
    ('sending', 'accepted'),
    ('sending', 'waiting'),
    ('sending', 'rejected'),
    ('sending', 'ready'),
    ('sending', 'superseded'),
    ('sending', 'unsure'),
    ('unsure', 'accepted'),
    ('unsure', 'waiting'),
    ('unsure', 'rejected'),
    ('unsure', 'ready'),
    ('unsure', 'superseded'),
    ('waiting', 'accepted'),
    ('waiting', 'rejected'),
    ('waiting', 'unsure'),
    ('waiting', 'ready'),
    ('waiting', 'superseded'),
    ('ready', 'held'),
    ('held', 'ready'),
    ('rejected', 'ready'),
    ('ready', 'unsure'),
    ('ready', 'superseded'),
    ('held', 'superseded'),
    ('rejected', 'superseded'),
    ('ready', 'cancelled'),
    ('held', 'cancelled'),
    ('rejected', 'cancelled')
  ) then
    raise exception 'a submission cannot go from % to %', old.state, new.state using errcode = 'check_violation', constraint = 'submission_state';
  end if;
  return new;
end $$;

-- Who holds old row versions back: open transactions, prepared ones, replication slots.  Without their statements, which
-- can hold values; by the owner's right, because PostgreSQL hides other users' sessions.
create function sessions() returns table (kind text, who text, pid integer, seconds bigint)
language sql stable security definer set search_path = pg_catalog, pg_temp as $$
  select 'transaction', coalesce(a.usename, '') || ', ' || coalesce(a.application_name, ''), a.pid,
         extract(epoch from statement_timestamp() - a.xact_start)::bigint
    from pg_stat_activity a
   where a.xact_start is not null and a.pid <> pg_backend_pid() and a.datname = current_database()
     and (a.backend_xmin is not null or a.backend_xid is not null)
  union all
  select 'prepared transaction', p.owner::text, null, extract(epoch from statement_timestamp() - p.prepared)::bigint
    from pg_prepared_xacts p where p.database = current_database()
  union all
  select 'replication slot', s.slot_name::text, s.active_pid, null from pg_replication_slots s
   where s.xmin is not null or s.catalog_xmin is not null
$$;

create function grant_operations_rights() returns void language plpgsql set search_path = mhsflow, pg_temp as $$
declare
  name text;
begin
  revoke execute on function sessions() from public;
  foreach name in array array['mhsflow_build', 'mhsflow_read', 'mhsflow_operate'] loop
    if exists (select from pg_roles where rolname = name) then
      execute format('grant select on restoration to %I', name);
      execute format('grant execute on function sessions() to %I', name);
    end if;
  end loop;
end $$;
select grant_operations_rights();
