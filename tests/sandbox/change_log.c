/* SPDX-License-Identifier: Apache-2.0 */
/* Builds the change log: generates the caseload, orders it by time, numbers it and indexes it by
 * record. */
#include "tests/sandbox/change_log.h"

#include <stdlib.h>
#include <string.h>

#include "tests/sandbox/random.h"

enum { SEQ_FIRST = 101, SEQ_STEP = 3 };

typedef struct Draft {
    int64_t recorded_at;
    size_t start;
    uint32_t length;
    uint32_t order;
    uint32_t version;
    uint8_t type;
    uint8_t op;
    char id[RECORD_ID_SIZE];
    char merged[RECORD_ID_SIZE];
} Draft;

typedef struct Drafts {
    Draft *items;
    uint32_t count;
    uint32_t capacity;
    Buffer text;
} Drafts;

int64_t change_log_seq(uint32_t at)
{
    return SEQ_FIRST + (int64_t)at * SEQ_STEP;
}

uint32_t change_log_position(const ChangeLog *log, int64_t seq)
{
    if (seq < SEQ_FIRST)
        return 0;
    int64_t position = (seq - SEQ_FIRST) / SEQ_STEP + 1;
    return position > log->count ? log->count : (uint32_t)position;
}

static void collect(void *user, const CaseloadChange *change)
{
    Drafts *drafts = user;
    if (drafts->count == drafts->capacity) {
        drafts->capacity = drafts->capacity == 0 ? 4096 : drafts->capacity * 2;
        drafts->items =
            memory_or_die(realloc(drafts->items, drafts->capacity * sizeof *drafts->items));
    }
    Draft *draft = &drafts->items[drafts->count];
    *draft = (Draft){.recorded_at = change->recorded_at,
                     .start = drafts->text.length,
                     .length = (uint32_t)change->length,
                     .order = drafts->count,
                     .version = change->version,
                     .type = (uint8_t)change->type,
                     .op = (uint8_t)change->op};
    memcpy(draft->id, change->id, sizeof draft->id);
    memcpy(draft->merged, change->merged, sizeof draft->merged);
    buffer_add(&drafts->text, change->text, change->length);
    drafts->count++;
}

static int compare_drafts(const void *left, const void *right)
{
    const Draft *a = left;
    const Draft *b = right;
    if (a->recorded_at != b->recorded_at)
        return a->recorded_at < b->recorded_at ? -1 : 1;
    return a->order < b->order ? -1 : a->order > b->order;
}

static uint64_t hash_id(RecordType type, const char *id)
{
    uint64_t hash = (uint64_t)type + 1;
    for (; *id != '\0'; id++)
        hash = (hash ^ (unsigned char)*id) * UINT64_C(0x100000001b3);
    return random_mix(hash);
}

uint32_t change_log_find(const ChangeLog *log, RecordType type, const char *id)
{
    for (uint32_t at = (uint32_t)hash_id(type, id) & log->index_mask;;
         at = (at + 1) & log->index_mask) {
        uint64_t cell = log->index[at];
        if (cell == 0)
            return LOG_NONE;
        uint32_t record = (uint32_t)cell;
        if ((cell >> 32) == (uint64_t)type + 1 &&
            strcmp(log->records[type].items[record].id, id) == 0)
            return record;
    }
}

static uint32_t add_record(ChangeLog *log, RecordType type, const char *id, uint32_t first)
{
    LogRecords *records = &log->records[type];
    if (records->count == records->capacity) {
        records->capacity = records->capacity == 0 ? 64 : records->capacity * 2;
        records->items =
            memory_or_die(realloc(records->items, records->capacity * sizeof *records->items));
    }
    uint32_t record = records->count++;
    records->items[record] = (LogRecord){.first = first, .last = LOG_NONE, .merged_at = LOG_NONE};
    memcpy(records->items[record].id, id, strnlen(id, RECORD_ID_SIZE - 1));
    uint32_t at = (uint32_t)hash_id(type, id) & log->index_mask;
    while (log->index[at] != 0)
        at = (at + 1) & log->index_mask;
    log->index[at] = ((uint64_t)type + 1) << 32 | record;
    return record;
}

static void add_entry(ChangeLog *log, const Draft *draft, const Buffer *text)
{
    uint32_t at = log->count++;
    RecordType type = (RecordType)draft->type;
    uint32_t record = change_log_find(log, type, draft->id);
    if (record == LOG_NONE)
        record = add_record(log, type, draft->id, at);
    LogRecord *item = &log->records[type].items[record];
    size_t start = log->text.length;
    buffer_add(&log->text, "{\"seq\":", 7);
    buffer_number(&log->text, change_log_seq(at));
    buffer_char(&log->text, ',');
    buffer_add(&log->text, text->data + draft->start, draft->length);
    buffer_char(&log->text, '\n');
    log->entries[at] = (LogEntry){.recorded_at = draft->recorded_at,
                                  .line_start = start,
                                  .line_length = (uint32_t)(log->text.length - start),
                                  .record = record,
                                  .previous = item->last,
                                  .version = draft->version,
                                  .type = draft->type,
                                  .op = draft->op};
    item->last = at;
    if (draft->merged[0] != '\0') {
        uint32_t merged = change_log_find(log, type, draft->merged);
        if (merged != LOG_NONE)
            log->records[type].items[merged].merged_at = at;
    }
}

ChangeLog *change_log_build(const CaseloadPlan *plan)
{
    ChangeLog *log = memory_or_die(calloc(1, sizeof *log));
    Drafts drafts = {0};
    log->plan = *plan;
    caseload_reference(plan, collect, &drafts);
    for (uint32_t i = 0; i < plan->people; i++)
        caseload_person(plan, i, collect, NULL, &drafts);
    qsort(drafts.items, drafts.count, sizeof *drafts.items, compare_drafts);

    uint32_t cells = 1024;
    while (cells < drafts.count * 2U)
        cells *= 2;
    log->index = memory_or_die(calloc(cells, sizeof *log->index));
    log->index_mask = cells - 1;
    log->entries = memory_or_die(calloc(drafts.count, sizeof *log->entries));
    buffer_reserve(&log->text, drafts.text.length + (size_t)drafts.count * 20);
    log->late = drafts.count;
    for (uint32_t i = 0; i < drafts.count; i++) {
        if (drafts.items[i].recorded_at >= caseload_cut(plan) && log->late == drafts.count)
            log->late = i;
        add_entry(log, &drafts.items[i], &drafts.text);
    }
    free(drafts.items);
    buffer_free(&drafts.text);
    return log;
}

void change_log_free(ChangeLog *log)
{
    if (log == NULL)
        return;
    for (int type = 0; type < TYPE_COUNT; type++)
        free(log->records[type].items);
    free(log->entries);
    free(log->index);
    buffer_free(&log->text);
    free(log);
}

uint32_t change_log_last(const ChangeLog *log, RecordType type, uint32_t record, uint32_t upto)
{
    uint32_t at = log->records[type].items[record].last;
    while (at != LOG_NONE && at >= upto)
        at = log->entries[at].previous;
    return at;
}

uint32_t change_log_state(const ChangeLog *log, RecordType type, uint32_t record, uint32_t upto,
                          bool *ret_gone)
{
    const LogRecord *item = &log->records[type].items[record];
    uint32_t at = change_log_last(log, type, record, upto);
    *ret_gone = false;
    if (at == LOG_NONE)
        return LOG_NONE;
    if ((item->merged_at != LOG_NONE && item->merged_at < upto) ||
        log->entries[at].op == CHANGE_DELETE) {
        *ret_gone = true;
        return LOG_NONE;
    }
    while (at != LOG_NONE && log->entries[at].op != CHANGE_UPSERT)
        at = log->entries[at].previous;
    return at;
}
