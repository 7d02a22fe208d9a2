/* SPDX-License-Identifier: Apache-2.0 */
/* Does everything move that should: for /ready, and as numbers for /metrics. */
#pragma once

#include "daemon/report/today.h"

typedef enum HealthCheck {
#define HEALTH(name, word, wrong) HEALTH_##name,
#include "daemon/report/health.def"
#undef HEALTH
    HEALTH_COUNT
} HealthCheck;
const char *health_name(HealthCheck check);
const char *health_wrong(HealthCheck check);

typedef struct Health {
    bool good[HEALTH_COUNT];
    bool ready;                      /* all of them */
    int64_t overdue_us, seal_age_us; /* how long; 0: nothing is overdue; -1: no seal yet */
    Today today;
} Health;

/* Reads today too: both answer from one look.  `store` NULL: the database is away. */
bool health_read(Store *store, const Config *config, const Calendar *calendar, Arena *arena,
                 Health *ret, Error *err);

/* Prometheus text.  Counts of findings are those last counted. */
bool metrics_write(Store *store, const Health *health, Text *out, Error *err);
/* The table of metrics as Markdown: conf/metrics.md. */
void metrics_reference(Text *out);
