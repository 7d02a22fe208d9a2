-- SPDX-License-Identifier: Apache-2.0
-- One group role per process role, with the least it needs.  Where this user may not make roles, a database
-- administrator makes them and runs the grants; the daemon works either way, as the tables' owner.

do $$
declare
  name text;
begin
  if (select rolsuper or rolcreaterole from pg_roles where rolname = current_user) then
    foreach name in array array['mhsflow_poll', 'mhsflow_map', 'mhsflow_build', 'mhsflow_submit', 'mhsflow_read',
                                'mhsflow_operate'] loop
      if not exists (select from pg_roles where rolname = name) then
        execute format('create role %I nologin', name);
      end if;
    end loop;
  end if;
end $$;

create function grant_rights() returns void language plpgsql set search_path = mhsflow, pg_temp as $$
declare
  name text;
begin
  revoke all on all tables in schema mhsflow from public;
  foreach name in array array['mhsflow_poll', 'mhsflow_map', 'mhsflow_build', 'mhsflow_submit', 'mhsflow_read',
                              'mhsflow_operate'] loop
    if not exists (select from pg_roles where rolname = name) then
      return;
    end if;
    execute format('grant usage on schema mhsflow to %I', name);
    execute format('grant select on schema_version, presence, feed_state, route_state, provider, provider_month to %I', name);
    execute format('grant select (writer, seq, number, at, event, fields, submission, previous, hash) on audit_event to %I', name);
  end loop;

  -- Append-only for everyone: insert and nothing else.
  grant insert on audit_event to mhsflow_poll, mhsflow_map, mhsflow_build, mhsflow_submit, mhsflow_operate;
  grant insert, update, delete on presence to mhsflow_poll, mhsflow_map, mhsflow_build, mhsflow_submit;
  grant select on secret to mhsflow_poll, mhsflow_map, mhsflow_operate;

  grant select, insert, update, delete on source_record, person_merge, work to mhsflow_poll;
  grant select, insert on purge to mhsflow_poll;
  grant insert, update on feed_state to mhsflow_poll;
  grant select, delete on national_row, finding to mhsflow_poll; -- a purge reaches the rows
  grant insert, update on finding to mhsflow_poll;
  grant insert, update on provider, provider_month to mhsflow_poll;
  grant select, update (purged) on submission to mhsflow_poll;

  grant select on source_record, person_merge, consent_decision, consent_in_force, purge to mhsflow_map;
  grant select, insert, update, delete on work, work_setting to mhsflow_map;
  grant select, insert, update, delete on national_row, finding to mhsflow_map;
  grant select, insert, update on row_maker to mhsflow_map;
  grant insert, update on provider, provider_month to mhsflow_map;

  grant select on source_record, person_merge, national_row, row_maker, work, consent_decision, consent_in_force to mhsflow_build;
  grant insert, update on provider, provider_month to mhsflow_build;
  grant select, insert, update on submission, submission_queue to mhsflow_build;
  grant select, insert on submission_row, left_out, finding to mhsflow_build;
  grant select on attempt, receipt to mhsflow_build;

  grant select, update on submission, submission_queue to mhsflow_submit;
  grant select, insert on attempt, receipt, finding to mhsflow_submit;
  grant select on national_row, left_out, submission_row, source_record, person_merge, consent_decision,
                  consent_in_force to mhsflow_submit;
  grant insert, update on route_state, provider, provider_month to mhsflow_submit;

  grant select on all tables in schema mhsflow to mhsflow_read;
  revoke select on secret from mhsflow_read;

  grant select on all tables in schema mhsflow to mhsflow_operate;
  grant update on submission, submission_queue, feed_state, route_state, provider, provider_month, work to mhsflow_operate;
  grant insert on provider_month, provider, work to mhsflow_operate;
end $$;
select grant_rights();
