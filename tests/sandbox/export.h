/* SPDX-License-Identifier: Apache-2.0 */
/* The caseload as other systems would export it: the state at the end of the change log, as files.
 *
 * For tests and demonstrations of feeds that read files. Everything is made up,
 * and every slip of the originals is planted on purpose. */
#ifndef SANDBOX_EXPORT_H
#define SANDBOX_EXPORT_H

#include <jansson.h>
#include <stdio.h>

#include "tests/sandbox/change_log.h"

/* A CSV drop as a folder: OUT/mef1_sandbox_full_STAMP_1/ with its manifest, and the hash beside.
 * Returns the exit code. */
int export_csv_drop(const ChangeLog *log, const char *out);
/* The eight files of a MYMUP dump in OUT/dump-DDMMYYYY/, dirt included. */
int export_mymup(const ChangeLog *log, const char *out);

/* ---- shared by both ---- */

typedef void ExportVisit(void *user, const json_t *record);
/* Every live record of a type as it is at the end, in order of first appearance. */
void export_each(const ChangeLog *log, RecordType type, ExportVisit *visit, void *user);

/* The text of a field: strings, numbers and booleans as text, a code's code; ~declined and its
 * like; a list joined by |; "" when blank. `path` may be OUTER.INNER. */
void export_value(const json_t *record, const char *path, Buffer *out);
const char *export_text(const json_t *record, const char *name); /* "" unless a string */

void export_field(Buffer *out, const char *text); /* with quotes where CSV wants them */
bool export_file(const char *folder, const char *name, const Buffer *text);
void export_hash(const Buffer *text, char ret_hex[65]);

#endif
