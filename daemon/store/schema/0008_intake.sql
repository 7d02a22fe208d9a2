-- SPDX-License-Identifier: Apache-2.0
-- Taking records in costs what it must.  A page locks its feed's row, so no record can name a feed that is
-- not there, and asking again for each record was a tenth of the cost.  Whose a record is and whom it is
-- counted to differ only after a merge: only those need an index of their own.

alter table source_record drop constraint source_record_feed_fkey;
drop index source_record_owner;
create index source_record_owner on source_record (feed, owner) where owner <> person;
