-- SPDX-License-Identifier: Apache-2.0
-- A feed that was read anew: up to which round what it no longer holds was settled, how many records
-- wait for a person's word, and whose word it was.

alter table feed_state add column reconciled integer not null default 1;
alter table feed_state add column missing bigint not null default 0;
alter table feed_state add column drop_missing text;
