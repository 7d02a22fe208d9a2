-- SPDX-License-Identifier: Apache-2.0
-- Who was warned before which cut-off, so that it is said once whoever says it.

create table cutoff_warning (
  provider text collate "C" not null,
  month integer not null,
  days integer not null, -- before the cut-off, at most
  at timestamptz not null,
  primary key (provider, month, days)
);
