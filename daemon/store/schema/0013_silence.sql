-- SPDX-License-Identifier: Apache-2.0
-- When a feed last brought anything new, and whether it was said that it fell silent.

alter table feed_state add column last_news timestamptz;
alter table feed_state add column silent boolean not null default false;
