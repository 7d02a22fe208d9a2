-- SPDX-License-Identifier: Apache-2.0
-- When a merge was said: in which reading of the feed and at which place in it.  The version that comes with it is the
-- survivor's, and another survivor counts from elsewhere, so versions alone cannot say which merge is the later one.

alter table person_merge add column round integer not null default 1;
alter table person_merge add column seq bigint not null default 0;

-- Everything that a purge took, not only what it named: a page that comes twice must not bring the rest back.
create table purged_record (
  feed text not null,
  subject bytea not null,
  primary key (feed, subject)
);
insert into purged_record select distinct feed, subject from purge;


do $$
declare
  name text;
begin
  foreach name in array array['mhsflow_poll', 'mhsflow_console', 'mhsflow_read', 'mhsflow_operate'] loop
    if exists (select from pg_roles where rolname = name) then
      execute format('grant select on purged_record to %I', name);
    end if;
  end loop;
  if exists (select from pg_roles where rolname = 'mhsflow_poll') then
    grant insert on purged_record to mhsflow_poll;
  end if;
end $$;
