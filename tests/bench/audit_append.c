/* SPDX-License-Identifier: Apache-2.0 */
/* Writers that append audit events as fast as they can: bench-audit-append CONNINFO WRITERS EVENTS.
 *
 * Each writer is a process with a connection and a chain of its own; a transaction
 * holds a hundred events.  Prints nothing; the caller takes the time. */
#include "daemon/base/cleanup.h"
#include "daemon/store/audit.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#define BATCH 100

static bool append(Store *store, Error *err)
{
    _cleanup_transaction_ Transaction transaction = {0};
    AuditFields fields = {.feed = "bench", .from = "ok", .to = "down"};
    if (!store_begin(store, &transaction, err))
        return false;
    for (int i = 0; i < BATCH; i++)
        if (!audit_append(store, AUDIT_FEED_CHANGED, &fields, err))
            return false;
    return store_commit(&transaction, err);
}

static int write_all(const char *conninfo, long events)
{
    _cleanup_store_ Store *store = NULL;
    Error err = {0};
    char text[700];
    bool good = store_open(conninfo, "bench", &store, &err);
    for (long done = 0; good && done < events; done += BATCH)
        good = append(store, &err);
    if (!good)
        fprintf(stderr, "%s\n", error_text(&err, text, sizeof text));
    return good ? EXIT_SUCCESS : EXIT_FAILURE;
}

int main(int argc, char **argv)
{
    if (argc != 4)
        return 2;
    long writers = strtol(argv[2], NULL, 10), events = strtol(argv[3], NULL, 10);
    int worst = EXIT_SUCCESS, status;
    for (long i = 0; i < writers; i++)
        if (fork() == 0)
            _exit(write_all(argv[1], events / writers));
    while (wait(&status) > 0)
        if (status != 0)
            worst = EXIT_FAILURE;
    return worst;
}
