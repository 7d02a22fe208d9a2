/* SPDX-License-Identifier: Apache-2.0 */
/* A ring of the latest requests. */
#include "tests/sandbox/request_log.h"

#include <pthread.h>
#include <string.h>

#include "tests/sandbox/calendar.h"
#include "tests/sandbox/json_writer.h"

enum { KEPT = 4096 };

typedef struct Entry {
    int64_t at;
    const char *target, *fault; /* constants */
    char method[8];
    char path[112];
    unsigned status;
} Entry;

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static Entry entries[KEPT];
static uint64_t seen;
static uint64_t seen_receiver;

void request_log_add(const char *target, const char *method, const char *path, unsigned status,
                     const char *fault)
{
    (void)pthread_mutex_lock(&lock);
    Entry *entry = &entries[seen++ % KEPT];
    *entry = (Entry){.at = calendar_now(), .target = target, .status = status, .fault = fault};
    memcpy(entry->method, method, strnlen(method, sizeof entry->method - 1));
    memcpy(entry->path, path, strnlen(path, sizeof entry->path - 1));
    seen_receiver += strcmp(target, "receiver") == 0;
    (void)pthread_mutex_unlock(&lock);
}

uint64_t request_log_seen(const char *target)
{
    (void)pthread_mutex_lock(&lock);
    uint64_t count = strcmp(target, "receiver") == 0 ? seen_receiver : seen - seen_receiver;
    (void)pthread_mutex_unlock(&lock);
    return count;
}

void request_log_write(Buffer *out)
{
    (void)pthread_mutex_lock(&lock);
    put_open(out, NULL, '{');
    put_number(out, "seen", (int64_t)seen);
    put_open(out, "requests", '[');
    for (uint64_t i = seen > KEPT ? seen - KEPT : 0; i < seen; i++) {
        const Entry *entry = &entries[i % KEPT];
        put_open(out, NULL, '{');
        put_instant(out, "at", entry->at);
        put_text(out, "target", entry->target);
        put_text(out, "method", entry->method);
        put_text(out, "path", entry->path);
        put_number(out, "status", entry->status);
        put_text(out, "fault", entry->fault);
        put_close(out, '}');
    }
    put_close(out, ']');
    put_close(out, '}');
    (void)pthread_mutex_unlock(&lock);
}
