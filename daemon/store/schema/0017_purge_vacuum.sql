-- SPDX-License-Identifier: Apache-2.0
-- When what a purge deleted was cleared from the tables, too.

alter table purge add column xact xid8;
alter table purge alter column xact set default pg_current_xact_id();
alter table purge add column vacuumed_at timestamptz;
