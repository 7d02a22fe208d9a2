/* SPDX-License-Identifier: Apache-2.0 */
/* The whole change log of a caseload in memory: ordered, numbered, each line ready to be sent.
 *
 * About 13 KB per person. Immutable after change_log_build(), so any number of threads may read it;
 * what has been revealed is a plain number that the feed keeps. Positions ("at") count entries from
 * 0; `upto` means: the first `upto` entries are visible. */
#ifndef SANDBOX_CHANGE_LOG_H
#define SANDBOX_CHANGE_LOG_H

#include "tests/sandbox/buffer.h"
#include "tests/sandbox/caseload.h"

typedef struct LogEntry {
    int64_t recorded_at;
    size_t line_start; /* in ChangeLog.text; a whole NDJSON line with its LF */
    uint32_t line_length;
    uint32_t record;   /* in ChangeLog.records[type] */
    uint32_t previous; /* the entry before it of the same record, or LOG_NONE */
    uint32_t version;
    uint8_t type; /* RecordType */
    uint8_t op;   /* ChangeOp */
} LogEntry;

#define LOG_NONE UINT32_MAX

typedef struct LogRecord {
    char id[RECORD_ID_SIZE];
    uint32_t first;     /* its first entry */
    uint32_t last;      /* its last entry, revealed or not */
    uint32_t merged_at; /* the entry that merged it into another, or LOG_NONE */
} LogRecord;

typedef struct LogRecords {
    LogRecord *items; /* in order of first appearance */
    uint32_t count;
    uint32_t capacity;
} LogRecords;

typedef struct ChangeLog {
    CaseloadPlan plan;
    LogEntry *entries;
    uint32_t count;
    uint32_t late; /* the first entry recorded on the caseload's own today */
    Buffer text;
    LogRecords records[TYPE_COUNT];
    uint64_t *index; /* hash of type and id → type and record; open addressing */
    uint32_t index_mask;
} ChangeLog;

ChangeLog *change_log_build(const CaseloadPlan *plan);
void change_log_free(ChangeLog *log);

/* Sequence numbers have gaps, as the contract allows. */
int64_t change_log_seq(uint32_t at);
/* The number of entries whose sequence number is at most `seq`. */
uint32_t change_log_position(const ChangeLog *log, int64_t seq);

/* LOG_NONE when no such record ever was. */
uint32_t change_log_find(const ChangeLog *log, RecordType type, const char *id);
/* The entry that holds the record's state when `upto` entries are visible; LOG_NONE when there was
 * none yet, or it is deleted or merged (then *ret_gone is true). */
uint32_t change_log_state(const ChangeLog *log, RecordType type, uint32_t record, uint32_t upto,
                          bool *ret_gone);
/* The last visible entry of a record, of whatever operation. */
uint32_t change_log_last(const ChangeLog *log, RecordType type, uint32_t record, uint32_t upto);

#endif
