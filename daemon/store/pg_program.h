/* SPDX-License-Identifier: Apache-2.0 */
/* PostgreSQL's own programs: where they are, and running one to its end. */
#pragma once

#include "daemon/base/arena.h"

#define PG_PROGRAMS "/usr/lib/postgresql" /* Debian's place: one folder for each major version */

/* Folder of the newest that is installed; false when there is none (no error is set). */
bool pg_program_newest(Arena *arena, const char **ret);

/* Its words go to our standard error.  ERROR_LATER "database.program" when it ends badly; `what`
 * completes "could not …". */
bool pg_program_run(const char *const *arguments, const char *what, Error *err);
