-- SPDX-License-Identifier: Apache-2.0
-- People whom two feeds know: what they are known by, and who goes under whose local id.

-- An NHS number in digits, or null: no placeholder may make two people one.
create function to_nhs_number(value text) returns text language sql immutable parallel safe as $$
  select case when v ~ '^[0-9]{10}$' and v !~ '^(.)\1{9}$'
               and (11 - (select sum(substr(v, i, 1)::integer * (11 - i)) from generate_series(1, 9) i) % 11) % 11
                   = substr(v, 10, 1)::integer then v end
    from (select translate(value, ' -', '') as v) n
$$;

create table match_setting (
  only_row boolean primary key default true check (only_row),
  rule text not null
);

-- The person's own record, while it is there; nobody without number and global id.
create table person_identity (
  feed text collate "C" not null references feed_state,
  person text collate "C" not null,
  nhs_number text collate "C", birth_date date, global_id text collate "C",
  known bigint generated always as identity, -- in what order they became known here
  primary key (feed, person)
);
create index person_identity_nhs_number on person_identity (nhs_number) where nhs_number is not null;
create index person_identity_global_id on person_identity (global_id) where global_id is not null;

-- This person's records go with those of another feed's.  One step: who leads follows nobody.
create table person_match (
  feed text collate "C" not null,
  person text collate "C" not null,
  lead_feed text collate "C" not null,
  lead_person text collate "C" not null,
  rule text not null,
  primary key (feed, person)
);
create index person_match_lead on person_match (lead_feed, lead_person);

-- Everyone whom a number or a global id connects with these, step by step.  What fifty people share says nothing
-- about the fifty-first.
create function people_known_by(numbers text[], global_ids text[]) returns setof person_identity
  language sql stable parallel safe as $$
  with recursive c as (
    select s.* from (select distinct unnest(numbers) as key) k cross join lateral
      (select * from mhsflow.person_identity i where i.nhs_number = k.key order by known limit 50) s
    union
    select s.* from (select distinct unnest(global_ids) as key) k cross join lateral
      (select * from mhsflow.person_identity i where i.global_id = k.key order by known limit 50) s
    union
    select s.* from c cross join lateral
      ((select * from mhsflow.person_identity i where i.nhs_number = c.nhs_number order by known limit 50)
       union all
       (select * from mhsflow.person_identity i where i.global_id = c.global_id order by known limit 50)) s)
  select * from c
$$;

-- Everyone who goes under one local id with this person, the person included.
create function person_group(of_feed text, of_person text) returns table (feed text, person text)
  language sql stable parallel safe as $$
  with h as (select coalesce(m.lead_feed, of_feed) as feed, coalesce(m.lead_person, of_person) as person
               from (select) as one left join mhsflow.person_match m on m.feed = of_feed and m.person = of_person)
  select h.feed, h.person from h
  union all
  select m.feed, m.person from h join mhsflow.person_match m on m.lead_feed = h.feed and m.lead_person = h.person
$$;

-- As before, of all who go under one local id together; under whom they go.
create or replace view consent_in_force as
select distinct on (feed, person, purpose) feed, person, purpose, id, status, valid_from, valid_to,
       status = 'given' and (valid_to is null or valid_to >= mhsflow.today()) as holds
  from (select coalesce(m.lead_feed, d.feed) as feed, coalesce(m.lead_person, d.person) as person, d.purpose, d.id,
               d.status, d.valid_from, d.valid_to, d.recorded_at
          from mhsflow.consent_decision d
          left join mhsflow.person_match m on m.feed = d.feed and m.person = d.person) d
 where valid_from <= mhsflow.today()
 order by feed, person, purpose, valid_from desc, recorded_at desc nulls last, (status = 'given'), id desc;

create view person_restricted as
select coalesce(m.lead_feed, s.feed) as feed, coalesce(m.lead_person, s.person) as person
  from mhsflow.source_record s
  left join mhsflow.person_match m on m.feed = s.feed and m.person = s.person
 where s.type = 'person' and s.restricted;

alter table finding add column record_feed text collate "C"; -- the record's, where it is not the person's

create function grant_match_rights() returns void language plpgsql set search_path = mhsflow, pg_temp as $$
declare
  name text;
begin
  foreach name in array array['mhsflow_map', 'mhsflow_build', 'mhsflow_submit', 'mhsflow_read', 'mhsflow_operate'] loop
    if exists (select from pg_roles where rolname = name) then
      execute format('grant select on person_match, person_restricted to %I', name);
    end if;
  end loop;
  foreach name in array array['mhsflow_read', 'mhsflow_operate'] loop
    if exists (select from pg_roles where rolname = name) then
      execute format('grant select on person_identity, match_setting to %I', name);
    end if;
  end loop;
  if exists (select from pg_roles where rolname = 'mhsflow_poll') then
    grant select, insert, update, delete on person_identity, person_match, match_setting to mhsflow_poll;
  end if;
end $$;
select grant_match_rights();
