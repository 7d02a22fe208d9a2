-- SPDX-License-Identifier: Apache-2.0
-- What a feed holds back until a person says yes (a drop that fell, by its digest), and what a person
-- said yes to.

alter table feed_state add column held text;
alter table feed_state add column allowed text;
