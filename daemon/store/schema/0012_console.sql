-- SPDX-License-Identifier: Apache-2.0
-- The pages: who may sign in, what they look for, and what is counted ahead for them.

create table console_token (
  name text primary key check (length(name) between 1 and 64),
  role text not null check (role in ('viewer', 'manager', 'auditor')),
  hash bytea not null unique,         -- SHA-256 of the token, which is kept nowhere
  created_at timestamptz not null, created_by text not null,
  ends_at timestamptz not null,
  ended_by text                       -- who took it back before its end
);
create table console_session (
  hash bytea primary key,             -- SHA-256 of the cookie
  name text not null references console_token on delete cascade,
  started_at timestamptz not null, seen_at timestamptz not null
);

-- The audit by time, by kind, by who did it and by whom it was about.
create index audit_event_at on audit_event (at, number);
create index audit_event_kind on audit_event (event, at, number);
create index audit_event_actor on audit_event ((fields ->> 'actor'), at, number) where (fields ->> 'actor') is not null;
create index audit_event_subject on audit_event ((fields ->> 'subject'), at, number)
  where (fields ->> 'subject') is not null;

-- Findings that hold, as a fix list and by cause: the same order, two ways in.
create index finding_fix on finding ((coalesce(org, '')), (coalesce(cause_rule, rule)), id) where gen_to is null;
create index finding_cause on finding ((coalesce(cause_rule, rule)), (coalesce(org, '')), id) where gen_to is null;

-- Counted in the background, because a count over a million rows is no answer to a page.
create table tally (
  name text primary key,
  at timestamptz not null,
  basis bigint not null               -- how many changes the counted tables had seen
);
create table finding_tally (
  source text not null, rule text not null, table_code text,
  org text,                           -- '' is no organisation, null is all together
  severity text not null, element text, message text, remedy text,
  findings bigint not null, people bigint not null, records bigint not null, left_out bigint not null
);
create table finding_day (
  day date primary key,
  findings bigint not null, left_out bigint not null
);
create table code_tally (
  feed text not null, record_type text not null, field text not null,
  code text not null, records bigint not null
);
create table submission_tally (
  submission bigint not null references submission,
  table_code text not null, table_order smallint not null, rows bigint not null,
  primary key (submission, table_code)
);

create function tally_findings(basis bigint) returns void language plpgsql set search_path = mhsflow, pg_temp as $$
begin
  lock table tally in exclusive mode; -- one counter at a time, wherever it runs
  delete from finding_tally;
  insert into finding_tally
  select source, cause, cause_table, org, coalesce(min(severity) filter (where own), min(severity)),
         min(element) filter (where own), coalesce(min(message) filter (where own), min(message)),
         coalesce(min(remedy) filter (where own), min(remedy)), count(*), count(distinct (feed, person)),
         count(distinct (feed, record_type, record_id)), count(*) filter (where left_out)
    from (select source, coalesce(cause_rule, rule) as cause, coalesce(cause_table, table_code) as cause_table,
                 coalesce(org, '') as org, severity, element, message, remedy, feed, person, record_type, record_id,
                 left_out, cause_rule is null as own
            from finding f
           where gen_to is null
             -- What a build found holds until the month is built again.
             and (source <> 'build' or not exists (select from submission s join submission n using (data_set, provider, period)
                                                    where s.id = f.submission and n.id > s.id))) f
   group by grouping sets ((source, cause, cause_table), (source, cause, cause_table, org));
  insert into finding_day
  select mhsflow.today(), coalesce(sum(findings), 0), coalesce(sum(left_out), 0) from finding_tally where org is null
      on conflict (day) do update set findings = excluded.findings, left_out = excluded.left_out;
  delete from code_tally;
  insert into code_tally
  select f.feed, f.record_type, f.field, left(mhsflow.word(s.record #> string_to_array(f.field, '.')), 64), count(*)
    from finding f join source_record s on s.feed = f.feed and s.type = f.record_type and s.id = f.record_id
   where f.gen_to is null and f.rule = 'unmapped_code' and f.field is not null
     and mhsflow.word(s.record #> string_to_array(f.field, '.')) is not null
   group by 1, 2, 3, 4;
  insert into tally values ('findings', mhsflow.now(), basis)
      on conflict (name) do update set at = excluded.at, basis = excluded.basis;
end $$;

-- The rows of a submission never change, so they are counted once.  The table '' says that they were, also
-- where there are none.
create function tally_submissions(most bigint) returns void language plpgsql set search_path = mhsflow, pg_temp as $$
declare
  counted submission;
begin
  lock table tally in exclusive mode;
  for counted in select * from submission s where not purged and not exists
                   (select from submission_tally t where t.submission = s.id) order by id desc limit most loop
    insert into submission_tally
    select counted.id, table_code, min(table_order), count(*)
      from (select n.table_code, n.table_order
              from national_row n
             where n.provider = counted.provider and counted.period between n.first_month and n.last_month
               and n.gen_from <= counted.generation and (n.gen_to is null or n.gen_to > counted.generation)
               and not exists (select from left_out l where l.submission = counted.id and l.row_id = n.id)
            union all
            select table_code, table_order from submission_row where submission = counted.id) r
     group by table_code;
    insert into submission_tally values (counted.id, '', 0, 0);
  end loop;
end $$;
