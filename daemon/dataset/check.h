/* SPDX-License-Identifier: Apache-2.0 */
/* Inside the checker: rules made ready to run, rows as far as they are kept.
 *
 * Only the checker's own files include this.  Each rule of the pack becomes a
 * CheckRule once; each table has an array of those that judge its rows as they
 * come.  Of a row stay its number, what rejected it, and its slots: the keys and
 * days that rules of the end look at. */
#pragma once

#include "daemon/dataset/check_keys.h"
#include "daemon/dataset/check_value.h"
#include "daemon/dataset/checker.h"
#include "daemon/dataset/reference.h"

#define CHECK_WORDS_MAX 12
#define CHECK_DAY_NONE INT32_MIN

typedef enum CheckStage { STAGE_NONE, STAGE_RECORD, STAGE_GROUP, STAGE_FILE } CheckStage;

typedef enum BoundKind {
    BOUND_PERIOD_START,
    BOUND_PERIOD_END,
    BOUND_SUBMITTED,
    BOUND_PROVIDER,
    BOUND_SUBMITTER,
    BOUND_TEXT,
    BOUND_ELEMENT, /* of the same row */
    BOUND_LINKED,  /* of the row that this one is linked to: known at the end */
} BoundKind;

typedef struct CheckRule CheckRule;
typedef struct RowView RowView;
typedef struct CheckWord CheckWord;

typedef bool (*RecordJudge)(const CheckRule *rule, RowView *row);
typedef void (*FinalJudge)(Checker *checker, const CheckRule *rule);

/* The functions of check.def. */
#define STAGE_RECORD_JUDGE(name) bool name(const CheckRule *rule, RowView *row);
#define STAGE_GROUP_JUDGE(name) void name(Checker *checker, const CheckRule *rule);
#define STAGE_FILE_JUDGE(name) void name(Checker *checker, const CheckRule *rule);
#define STAGE_NONE_JUDGE(name) void name(Checker *checker, const CheckRule *rule);
#define CHECK(word, stage, parse, judge, arguments, help) STAGE_##stage##_JUDGE(judge)
#include "daemon/dataset/check.def"

bool parse_none(Checker *checker, CheckRule *rule, Error *err);
bool parse_numbers(Checker *checker, CheckRule *rule, Error *err);
bool parse_decimal(Checker *checker, CheckRule *rule, Error *err);
bool parse_format(Checker *checker, CheckRule *rule, Error *err);
bool parse_codes(Checker *checker, CheckRule *rule, Error *err);
bool parse_codes_with(Checker *checker, CheckRule *rule, Error *err);
bool parse_equals(Checker *checker, CheckRule *rule, Error *err);
bool parse_bound(Checker *checker, CheckRule *rule, Error *err);
bool parse_age(Checker *checker, CheckRule *rule, Error *err);
bool parse_other(Checker *checker, CheckRule *rule, Error *err);
bool parse_snomed(Checker *checker, CheckRule *rule, Error *err);
bool parse_scheme(Checker *checker, CheckRule *rule, Error *err);
bool parse_organisation(Checker *checker, CheckRule *rule, Error *err);
bool parse_elements(Checker *checker, CheckRule *rule, Error *err);
bool parse_linked(Checker *checker, CheckRule *rule, Error *err);

/* A place in what is kept of each row of a table. */
typedef struct CheckSlot {
    const Element *element;
    KeyPool *pool; /* NULL: a day */
} CheckSlot;

struct CheckRule {
    const Rule *rule;
    const CheckWord *word;
    const char *skipped; /* why it is not judged; NULL when it is */
    RecordJudge judge;   /* RECORD */
    FinalJudge finish;   /* GROUP, FILE and linked bounds */
    size_t at;           /* the rule's element, as a column */
    size_t other;        /* another column */
    int64_t numbers[4];
    bool (*shape)(const char *text);
    const CodeList *codes;
    const char *texts[CHECK_WORDS_MAX];
    size_t text_count;
    BoundKind bound;
    unsigned kinds; /* of reference data, as bits */
    bool today;
    /* What the end needs: places in this table's slots and in the other's. */
    const Table *linked;
    size_t slots[CHECK_WORDS_MAX], slot_count;
    size_t own_slot, link_slot, linked_slot, linked_link_slot;
};

struct CheckWord {
    const char *name;
    CheckStage stage;
    bool (*parse)(Checker *checker, CheckRule *rule, Error *err);
    RecordJudge judge;
    FinalJudge finish;
    const char *arguments, *help;
};

const CheckWord *check_word(const char *name);
size_t check_word_count(void);
const CheckWord *check_word_at(size_t index);

/* A row while it is judged: blanks as NULL, its days read at most once. */
struct RowView {
    Checker *checker;
    const Row *row;
    const char **values;
    Day *days;
    unsigned char *days_known; /* 0 not yet, 1 a day, 2 none */
};

bool row_day(RowView *row, size_t column, Day *ret);

typedef struct KeptRow {
    uint64_t number;
    uint32_t root_row; /* where its rejection began */
    uint16_t rule;     /* what rejected it: rule's place plus one; 0 while it stands */
    uint8_t root_table;
} KeptRow;

typedef struct CheckTable {
    const Table *table;
    CheckRule **record;
    size_t record_count, record_capacity;
    CheckSlot *slots;
    size_t slot_count, slot_capacity;
    KeptRow *rows;
    uint32_t *values; /* slot_count for each row */
    uint32_t count, capacity;
    uint32_t standing;
    uint32_t *order; /* rows by number, made when first asked for */
} CheckTable;

/* How many rows that stand have this key, and where those that fell began. */
typedef struct CheckIndex {
    CheckTable *table;
    size_t slot;
    uint32_t *standing; /* by key */
    uint32_t *fallen;   /* by key: row plus one */
} CheckIndex;

typedef struct CheckDeath {
    CheckTable *table;
    uint32_t row, root_row;
    uint16_t rule;
    uint8_t root_table;
} CheckDeath;

struct Checker {
    const Dataset *dataset;
    CheckContext context;
    CheckSink sink;
    void *sink_context;
    Arena *arena; /* rules and slots: fixed once opened */
    CheckRule *rules;
    CheckTable *tables;
    size_t table_count; /* the data set's: it may be gone when the checker is freed */
    KeyPool **pools;    /* by name of element */
    const char **pool_names;
    size_t pool_count, pool_capacity;
    RowView view;
    Day first, last, submitted_day;
    int64_t submitted;
    CheckIndex *indexes;
    size_t index_count, index_capacity;
    CheckDeath *deaths;
    size_t death_count, death_capacity;
    CheckSummary summary;
    bool finished;
};

/* check_word.c: why the rule is not judged with this context; NULL when it is. */
const char *check_skipped(const Dataset *dataset, const Rule *rule, const CheckWord *word,
                          const CheckContext *context);

/* check_parse.c */
bool check_compile(Checker *checker, Error *err);
/* The slot that keeps this element of each row of its table, made when new.  Elements whose keys
 * are compared with each other share a pool by name. */
size_t check_slot_key(Checker *checker, const Element *element, const char *pool);
size_t check_slot_day(Checker *checker, const Element *element);

/* checker.c */
void check_find(Checker *checker, const CheckRule *rule, const CheckTable *table, uint32_t row,
                const Element *element);
void check_find_caused(Checker *checker, const CheckRule *rule, const CheckTable *table,
                       uint32_t row, const Element *element, const CheckTable *cause_table,
                       uint32_t cause_row);
/* A finding about no row of the table. */
void check_find_table(Checker *checker, const CheckRule *rule, const Table *table);
/* Reject a row for a reason of its own; of several reasons the first in the pack counts. */
void check_reject(Checker *checker, CheckTable *table, uint32_t row, const CheckRule *rule);
bool check_here(const Checker *checker, const Table *table);

static inline CheckTable *check_table(Checker *checker, const Table *table)
{
    return &checker->tables[table->index];
}
static inline uint32_t check_value(const CheckTable *table, uint32_t row, size_t slot)
{
    return table->values[(size_t)row * table->slot_count + slot];
}
static inline bool check_stands(const CheckTable *table, uint32_t row)
{
    return table->rows[row].rule == 0;
}

/* check_linked.c: bounds in another table, judged when all rows have come */
void check_linked_bounds(Checker *checker);
/* check_group.c */
void check_groups(Checker *checker);
/* check_file.c */
void check_file(Checker *checker);
