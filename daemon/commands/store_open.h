/* SPDX-License-Identifier: Apache-2.0 */
/* What commands that read the database share. */
#pragma once

#include "daemon/base/civil.h"
#include "daemon/commands/command.h"
#include "daemon/store/audit.h"

/* The database of the settings.  Says plainly when the embedded one is not running. */
bool command_store(CommandContext *context, Store **ret, Error *err);

/* Before personal data is shown or handed out: one audit event with who asked (`--as`), in a
 * transaction of its own.  `fields` says what; not who. */
bool command_shows(CommandContext *context, Store *store, const AuditFields *fields, Error *err);

/* `--period YYYY-MM` as a month; 0 when not given.  A usage error otherwise. */
bool command_period(const CommandContext *context, Month *ret, Error *err);

/* "2026-11-23T02:20:00.123Z" for JSON; NULL for 0. */
const char *json_time(const CommandContext *context, int64_t wall_us);
const char *month_text(const CommandContext *context, Month month); /* NULL for 0 */
