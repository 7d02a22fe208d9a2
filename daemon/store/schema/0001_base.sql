-- SPDX-License-Identifier: Apache-2.0
-- Everything the first version keeps.  The runner has made the schema and schema_version.

-- Time ---------------------------------------------------------------------------------------------

-- The only "now" in SQL.  Of the statement, not of the transaction, and stable, so that an index on a due
-- time can be used; the offset comes from the connection, so that a test moves it with the program's clock.
create function now() returns timestamptz language sql stable parallel safe as $$
  select statement_timestamp()
         + coalesce(nullif(current_setting('mhsflow.clock_offset', true), '')::bigint, 0) * interval '1 microsecond'
$$;
create function today() returns date language sql stable parallel safe as $$
  select (mhsflow.now() at time zone 'Europe/London')::date
$$;
create function us(at timestamptz) returns bigint language sql immutable parallel safe as $$
  select (extract(epoch from at) * 1000000)::bigint
$$;
create function at(us bigint) returns timestamptz language sql immutable parallel safe as $$
  select timestamptz '1970-01-01 00:00:00+00' + us * interval '1 microsecond'
$$;
create function ms(wait bigint) returns interval language sql immutable parallel safe as $$
  select wait * interval '1 millisecond'
$$;

-- A date of a record, or null when it is none: a feed's mistake must not stop a query.  No cast to date,
-- which depends on a setting: so it stays immutable, and is inlined.
create function to_day(value text) returns date language sql immutable parallel safe as $$
  select case when value ~ '^[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])$' and value >= '0001'
              then case when substr(value, 9, 2)::integer
                             <= extract(day from make_date(substr(value, 1, 4)::integer, substr(value, 6, 2)::integer, 1)
                                                 + interval '1 month - 1 day')
                        then make_date(substr(value, 1, 4)::integer, substr(value, 6, 2)::integer,
                                       substr(value, 9, 2)::integer) end end
$$;

-- A value of a record as a word: a coded value ({"code": …}) reads as its code.
create function word(value jsonb) returns text language sql immutable parallel safe as $$
  select case jsonb_typeof(value) when 'object' then value ->> 'code' else value #>> '{}' end
$$;

-- Keys that never leave the database ---------------------------------------------------------------

create table secret (
  name text primary key,
  value bytea not null
);
insert into secret values ('subject', decode(replace(gen_random_uuid()::text || gen_random_uuid()::text, '-', ''), 'hex'));

-- Feeds and records --------------------------------------------------------------------------------

create table feed_state (
  feed text primary key,
  id_prefix text not null unique,
  round integer not null default 1,
  epoch text, phase text not null default '', cursor text, etag text,
  seq bigint not null default 0, head_seq bigint not null default 0,
  complete boolean not null default false,
  state text not null default 'new' check (state in ('new', 'ok', 'late', 'down', 'stopped', 'paused')),
  next_poll timestamptz, last_poll timestamptz, last_ok timestamptz,
  pages bigint not null default 0, changes bigint not null default 0, stored bigint not null default 0,
  ignored bigint not null default 0, unknown_types bigint not null default 0,
  unknown_fields bigint not null default 0, refused bigint not null default 0,
  failures integer not null default 0,
  last_error_code text, last_error_text text, remedy text,
  reference_version bigint not null default 1,
  records bigint not null default 0 -- live ones
);

create table source_record (
  feed text collate "C" not null references feed_state,
  type text collate "C" not null,
  id text collate "C" not null,
  version bigint not null,
  round integer not null,
  seq bigint,
  recorded_at timestamptz,
  org text,
  deleted boolean not null default false,
  restricted boolean not null default false,
  parent_type text collate "C", parent_id text collate "C",
  owner text collate "C",   -- whose it is, as the feed has it; null while the parent is missing
  person text collate "C",  -- the same after merges
  record jsonb,
  primary key (feed, type, id)
);
create index source_record_person on source_record (feed, person, type, id) where person is not null;
create index source_record_parent on source_record (feed, parent_type, parent_id) where parent_id is not null;
create index source_record_owner on source_record (feed, owner) where owner is not null;
create index source_record_orphan on source_record (feed) where owner is null and parent_id is not null and not deleted;
create index source_record_consent on source_record (feed, person) where type = 'consent';

-- A merged person and the survivor; survivor null: the merge was taken back.
create table person_merge (
  feed text collate "C" not null,
  merged text collate "C" not null,
  survivor text collate "C",
  final text collate "C" not null, -- the survivor after all merges
  version bigint not null,
  primary key (feed, merged)
);
create index person_merge_final on person_merge (feed, final);
create index person_merge_survivor on person_merge (feed, survivor);

create table purge (
  id bigint generated always as identity primary key,
  feed text not null, type text not null,
  subject bytea not null,
  version bigint not null,
  purged_at timestamptz not null,
  reason text,
  records bigint not null, rows bigint not null
);
create index purge_subject on purge (subject);

create view consent_decision as
select feed, person, id, owner, mhsflow.word(record -> 'purpose') as purpose,
       coalesce(mhsflow.word(record -> 'status'), '') as status,
       coalesce(mhsflow.to_day(record ->> 'valid_from'), (recorded_at at time zone 'Europe/London')::date,
                date '-infinity') as valid_from,
       mhsflow.to_day(record ->> 'valid_to') as valid_to, recorded_at
  from source_record
 where type = 'consent' and person is not null and record is not null and not deleted and not restricted;

-- The latest decision whose day has come; on one day the later recorded; at one instant a refusal.
create view consent_in_force as
select distinct on (feed, person, purpose) feed, person, purpose, id, status, valid_from, valid_to,
       status = 'given' and (valid_to is null or valid_to >= mhsflow.today()) as holds
  from consent_decision
 where valid_from <= mhsflow.today()
 order by feed, person, purpose, valid_from desc, recorded_at desc nulls last, (status = 'given'), id desc;

-- Work ---------------------------------------------------------------------------------------------

create table work (
  feed text collate "C" not null,
  person text collate "C" not null,
  changed bigint not null default 1, -- raised each time the person is queued again
  queued_at timestamptz not null,
  due_at timestamptz not null,
  fence bigint not null default 0,
  claimed_until timestamptz,
  claimed_by text,
  attempts integer not null default 0,
  crash_count integer not null default 0,
  quarantined boolean not null default false,
  primary key (feed, person)
) with (fillfactor = 70, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 1000,
        autovacuum_vacuum_cost_delay = 0);
create index work_due on work (due_at, feed, person) where not quarantined;

create table work_setting (
  only_row boolean primary key default true check (only_row),
  fingerprint text not null,
  set_at timestamptz not null
);

-- National rows ------------------------------------------------------------------------------------

create table provider (
  code text collate "C" primary key,
  generation bigint not null default 0,      -- frozen up to here
  purged_generation bigint not null default -1 -- nothing built at or below may leave: a purge came after
);

create table provider_month (
  provider text collate "C" not null references provider,
  month integer not null,
  dirty_generation bigint not null,
  built_generation bigint not null default 0,
  dirty_since timestamptz, dirty_at timestamptz,
  reason text,
  primary key (provider, month)
);

create table row_maker (
  id integer generated always as identity primary key,
  mapping_version text not null, dataset_version text not null,
  unique (mapping_version, dataset_version)
);

create table national_row (
  id bigint generated always as identity primary key,
  provider text collate "C" not null,
  table_code text collate "C" not null,
  table_order smallint not null,
  feed text collate "C" not null,
  person text collate "C" not null,
  person_key text collate "C",
  row_key text collate "C" not null,
  first_month integer not null, last_month integer not null,
  maker integer not null references row_maker,
  gen_from bigint not null,
  gen_to bigint,
  digest bytea not null,
  fragment text not null,
  lineage json,
  check (first_month <= last_month),
  check (gen_to > gen_from)
);
create index national_row_person on national_row (feed, person);
create index national_row_order on national_row (provider, table_order, row_key);

-- Findings -----------------------------------------------------------------------------------------

create table finding (
  id bigint generated always as identity primary key,
  source text not null, rule text not null, severity text not null,
  provider text collate "C", first_month integer, last_month integer,
  feed text collate "C", record_type text collate "C", record_id text collate "C", field text,
  person text collate "C", org text,
  table_code text, element text, row_key text,
  cause_rule text, cause_table text, cause_key text,
  left_out boolean not null default false,
  message text, remedy text,
  submission bigint,
  found_at timestamptz not null,
  gen_from bigint not null default 0, gen_to bigint,
  fingerprint bytea not null
);
create unique index finding_once on finding (fingerprint) where gen_to is null;
create index finding_person on finding (feed, person) where gen_to is null;
create index finding_submission on finding (submission) where submission is not null;

-- Submissions --------------------------------------------------------------------------------------

create table submission (
  id bigint generated always as identity primary key,
  data_set text not null, provider text collate "C" not null, period integer not null, revision integer not null,
  generation bigint not null,
  route text not null, legal_basis text not null,
  deadline timestamptz not null,
  created_at timestamptz not null,
  document_created text not null,
  document_digest bytea not null, content_digest bytea not null, document_size bigint not null,
  rows bigint not null, people bigint not null, referrals bigint not null, contacts bigint not null,
  left_out bigint not null default 0,
  pack_version text not null, format_version text not null, mapping_version text not null,
  program_version text not null,
  spool_name text not null,
  idempotency_key text not null unique,
  signature bytea,
  reference text, last_code text, last_reason text,
  held_reason text, held_by text, released_by text, cancelled_by text, person_reason text,
  purged boolean not null default false,
  unique (data_set, provider, period, revision)
);

-- The hot columns, alone: a claim touches nothing wide.
create table submission_queue (
  id bigint primary key references submission,
  month_id bigint not null,  -- the first submission of the same data set, provider and month
  state text not null,
  intent boolean not null default false, -- bytes of this attempt may have left
  route text not null,
  deadline timestamptz not null,
  next_at timestamptz not null,
  fence bigint not null default 0,
  lease_until timestamptz, lease_by text,
  attempts integer not null default 0, questions integer not null default 0
) with (fillfactor = 70, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 1000,
        autovacuum_vacuum_cost_delay = 0);
create unique index submission_queue_one_on_its_way on submission_queue (month_id)
  where state in ('sending', 'waiting', 'unsure');
create index submission_queue_ready on submission_queue (deadline, id) where state = 'ready';
create index submission_queue_asked on submission_queue (next_at, id) where state in ('waiting', 'unsure');
create index submission_queue_lease on submission_queue (lease_until) where state = 'sending';
create index submission_queue_month on submission_queue (month_id, id);

create function submission_state_check() returns trigger language plpgsql as $$
begin
  if tg_op = 'INSERT' then
    if new.state not in ('ready', 'held') then
      raise exception 'a submission cannot begin as %', new.state using errcode = 'check_violation', constraint = 'submission_state';
    end if;
  elsif new.state <> old.state and (old.state, new.state) not in (
    -- moves, made from states.def
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
    ('ready', 'superseded'),
    ('held', 'superseded'),
    ('rejected', 'superseded'),
    ('ready', 'cancelled'),
    ('held', 'cancelled'),
    ('rejected', 'cancelled')
    -- end of moves
  ) then
    raise exception 'a submission cannot go from % to %', old.state, new.state using errcode = 'check_violation', constraint = 'submission_state';
  end if;
  return new;
end $$;
create trigger submission_state before insert or update of state on submission_queue
  for each row execute function submission_state_check();

-- Rows of a document that belong to no person, and rows that held but are not in it.
create table submission_row (
  submission bigint not null references submission,
  position integer not null,
  table_code text collate "C" not null, table_order smallint not null,
  row_key text collate "C" not null,
  fragment text not null,
  primary key (submission, position)
);
create table left_out (
  submission bigint not null references submission,
  row_id bigint not null,
  primary key (submission, row_id)
);

create table attempt (
  id bigint generated always as identity primary key,
  submission bigint not null references submission,
  number integer not null,
  kind text not null check (kind in ('sent', 'asked')),
  at timestamptz not null,
  holder text not null,
  fence bigint not null,
  idempotency_key text not null
);
create index attempt_submission on attempt (submission, id);
create table receipt (
  id bigint generated always as identity primary key,
  submission bigint not null references submission,
  attempt integer not null,
  at timestamptz not null,
  holder text not null,
  outcome text not null,
  status integer not null,
  code text, reference text, reason text
);
create index receipt_submission on receipt (submission, id);

create table route_state (
  route text primary key,
  state text not null check (state in ('ok', 'down', 'stopped')),
  code text, fingerprint text,
  since timestamptz not null
);

-- Audit --------------------------------------------------------------------------------------------

create table audit_event (
  number bigint generated always as identity primary key,
  writer text collate "C" not null,
  seq bigint not null,
  at timestamptz not null,
  event text not null,
  fields json not null,
  submission bigint,
  previous bytea not null,
  hash bytea not null,
  unique (writer, seq)
);
create index audit_event_submission on audit_event (submission, number) where submission is not null;

create function append_only() returns trigger language plpgsql as $$
begin
  raise exception '% is append-only', tg_table_name using errcode = 'insufficient_privilege';
end $$;
create trigger append_only before update or delete or truncate on audit_event for each statement execute function append_only();
create trigger append_only before update or delete or truncate on attempt for each statement execute function append_only();
create trigger append_only before update or delete or truncate on receipt for each statement execute function append_only();
-- Always: session_replication_role = replica does not get around them.
alter table audit_event enable always trigger append_only;
alter table attempt enable always trigger append_only;
alter table receipt enable always trigger append_only;

-- Who is there -------------------------------------------------------------------------------------

create table presence (
  holder text primary key,
  role text not null, version text not null,
  started_at timestamptz not null, seen_at timestamptz not null
);
