/* SPDX-License-Identifier: Apache-2.0 */
/* The pages: a server that lives in somebody else's loop, one request after the other.
 *
 * The caller owns the database and the waiting: it waits until console_fd() can be
 * read or console_wait() is over, then calls console_run().  While the database is
 * away pages say so, and /live goes on answering.  What goes wrong in a page is
 * counted and handed to `failed`, which is where it is logged. */
#pragma once

#include "daemon/config/calendar.h"
#include "daemon/config/config.h"
#include "daemon/report/health.h"
#include "daemon/store/store.h"

typedef struct Console Console;

typedef struct ConsoleSettings {
    const Config *config;
    const Calendar *calendar;
    void (*failed)(void *data, const char *page, const Error *err);
    void *data;
} ConsoleSettings;

/* Listens.  `settings` is copied; what it points to must live until the next console_settings(). */
bool console_open(const ConsoleSettings *settings, Console **ret, Error *err);
void console_settings(Console *console, const ConsoleSettings *settings); /* after a reload */
void console_store(Console *console, Store *store); /* NULL while the database is away */
void console_close(Console *console);               /* NULL is fine; answers under way are cut */

int console_fd(const Console *console);
int64_t console_wait(const Console *console); /* milliseconds; -1: until the descriptor says so */
void console_run(Console *console);

static inline void console_closep(Console **console)
{
    console_close(*console);
}
#define _cleanup_console_ __attribute__((cleanup(console_closep)))
