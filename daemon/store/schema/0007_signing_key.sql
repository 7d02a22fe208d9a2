-- SPDX-License-Identifier: Apache-2.0
-- The signing key in force as the submit role last saw it: the signer itself has no database.

create table signing_key (
  only_row boolean primary key default true check (only_row),
  key_id text not null,
  certificate_end timestamptz not null,
  since timestamptz not null
);

create function grant_signing_key_rights() returns void language plpgsql set search_path = mhsflow, pg_temp as $$
begin
  if exists (select from pg_roles where rolname = 'mhsflow_submit') then
    grant select, insert, update on signing_key to mhsflow_submit;
    grant select on signing_key to mhsflow_read, mhsflow_operate;
  end if;
end $$;
select grant_signing_key_rights();
