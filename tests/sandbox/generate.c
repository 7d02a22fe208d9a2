/* SPDX-License-Identifier: Apache-2.0 */
/* Prints a caseload: its change log as NDJSON, or what is true of it. */
#include "tests/sandbox/generate.h"

#include <stdio.h>
#include <string.h>

#include "tests/sandbox/change_log.h"
#include "tests/sandbox/export.h"
#include "tests/sandbox/truth.h"

/* Written person by person: nothing is kept, so the size does not matter; the sequence is then not
 * in the order of time. */
static void print_change(void *user, const CaseloadChange *change)
{
    uint32_t *at = user;
    (void)printf("{\"seq\":%lld,", (long long)change_log_seq((*at)++));
    (void)fwrite(change->text, 1, change->length, stdout);
    (void)putchar('\n');
}

static int export_run(const Options *options)
{
    bool mymup = strcmp(options->format, "mymup") == 0;
    if (!mymup && strcmp(options->format, "csv-drop") != 0) {
        (void)fprintf(stderr, "mhsflow-sandbox: no such format \"%s\"\n", options->format);
        return 2;
    }
    if (options->out == NULL) {
        (void)fprintf(stderr, "mhsflow-sandbox: --format %s needs --out\n", options->format);
        return 2;
    }
    ChangeLog *log = change_log_build(&options->plan);
    int code = mymup ? export_mymup(log, options->out) : export_csv_drop(log, options->out);
    change_log_free(log);
    return code;
}

int generate_run(const Options *options)
{
    if (strcmp(options->format, "ndjson") != 0)
        return export_run(options);
    if (strcmp(options->order, "person") == 0) {
        uint32_t at = 0;
        caseload_reference(&options->plan, print_change, &at);
        for (uint32_t i = 0; i < options->plan.people; i++)
            caseload_person(&options->plan, i, print_change, NULL, &at);
    } else if (strcmp(options->order, "time") == 0) {
        ChangeLog *log = change_log_build(&options->plan);
        (void)fwrite(log->text.data, 1, log->text.length, stdout);
        change_log_free(log);
    } else {
        (void)fprintf(stderr, "mhsflow-sandbox: no such order \"%s\"\n", options->order);
        return 2;
    }
    return fflush(stdout) == 0 ? 0 : 3;
}

int truth_run(const Options *options)
{
    BUFFER_AUTO out = {0};
    ChangeLog *log = change_log_build(&options->plan);
    uint32_t hidden = options->tail < log->count ? options->tail : 0;
    truth_write(log, log->count - hidden, &out);
    change_log_free(log);
    (void)fwrite(out.data, 1, out.length, stdout);
    return fflush(stdout) == 0 ? 0 : 3;
}
