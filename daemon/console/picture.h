/* SPDX-License-Identifier: Apache-2.0 */
/* Small pictures, drawn on the server; each stands above a table that says the same in words. */
#pragma once

#include "daemon/console/page.h"
#include "daemon/store/tally.h"

/* A square for each provider and month, by the state of its newest revision. */
void picture_months(Page *page, const Today *today);
/* Findings day by day. */
void picture_days(Page *page, const DayTally *days, size_t count);
