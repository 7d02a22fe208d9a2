/* SPDX-License-Identifier: Apache-2.0 */
/* For machines: /metrics, /live, /ready. */
#include "daemon/console/pages.h"

#include <string.h>

static void answer_text(Page *page, int status, const char *type, const char *text)
{
    page->answer.status = status;
    page->answer.type = type;
    page->answer.body = text;
    page->answer.size = strlen(text);
}

bool page_metrics(Page *page, Error *err)
{
    Health health;
    Text text = text_new(page->arena, (size_t)1 << 20);
    if (!health_read(page->store, page->state->config, page->state->calendar, page->arena, &health,
                     err) ||
        !metrics_write(page->store, &health, &text, err))
        return false;
    answer_text(page, 200, "text/plain; version=0.0.4; charset=utf-8", text_get(&text));
    return true;
}

/* The loop comes round: that is all that this says. */
bool page_live(Page *page, Error *err)
{
    (void)err;
    answer_text(page, 200, "text/plain; charset=utf-8", "live\n");
    return true;
}

bool page_ready(Page *page, Error *err)
{
    Health health;
    Text text = text_new(page->arena, (size_t)16 << 10);
    if (!health_read(page->store, page->state->config, page->state->calendar, page->arena, &health,
                     err))
        return false;
    text_add(&text, health.ready ? "ready\n" : "not ready\n");
    for (int check = 0; check < HEALTH_COUNT; check++) {
        bool unknown = !health.good[HEALTH_DATABASE] && check != HEALTH_DATABASE;
        text_addf(&text, "%s: %s\n", health_name((HealthCheck)check),
                  health.good[check] ? "good"
                  : unknown          ? "not known"
                                     : health_wrong((HealthCheck)check));
    }
    answer_text(page, health.ready ? 200 : 503, "text/plain; charset=utf-8", text_get(&text));
    return true;
}
