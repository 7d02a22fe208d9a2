-- SPDX-License-Identifier: Apache-2.0
-- People bring in what a receiver answered by hand: the receipt, and the findings of its reports.

create function grant_receipt_rights() returns void language plpgsql set search_path = mhsflow, pg_temp as $$
begin
  if exists (select from pg_roles where rolname = 'mhsflow_operate') then
    grant insert on receipt, finding to mhsflow_operate;
    grant delete on finding to mhsflow_operate;
  end if;
end $$;
select grant_receipt_rights();
