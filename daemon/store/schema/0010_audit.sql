-- SPDX-License-Identifier: Apache-2.0
-- The seal finds what waits without sorting it, and writes down when its key or its history became another.

create index audit_event_place on audit_event (xact, number);
drop index audit_event_xact;

do $$
begin
  if exists (select from pg_roles where rolname = 'mhsflow_seal') then
    grant insert on audit_event to mhsflow_seal;
  end if;
end $$;
