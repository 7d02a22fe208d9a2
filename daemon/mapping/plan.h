/* SPDX-License-Identifier: Apache-2.0 */
/* A mapping as compiled: every word resolved, nothing left to look up by name while rows are made.
 */
#pragma once

#include "daemon/base/yaml.h"
#include "daemon/mapping/mapping.h"

typedef enum Link {
#define LINK(name, word, help) LINK_##name,
#include "daemon/mapping/link.def"
#undef LINK
    LINK_COUNT
} Link;

typedef enum RecordType {
#define RECORD_TYPE(name, word, help) TYPE_##name,
#include "daemon/mapping/type.def"
#undef RECORD_TYPE
    TYPE_COUNT
} RecordType;

typedef enum Scope { SCOPE_ITEM, SCOPE_RECORD, SCOPE_LINK } Scope;

typedef struct Path {
    Scope scope;
    Link link;
    const char *path; /* in the item, record or linked record; "" is the item itself */
    const char *text; /* as written */
} Path;

typedef enum ConditionKind { CONDITION_IS, CONDITION_GIVEN, CONDITION_HAS } ConditionKind;

typedef struct Condition {
    ConditionKind kind;
    bool not ;
    Path path;          /* IS, GIVEN */
    const char **words; /* IS: any of them */
    size_t word_count;
    RecordType type; /* HAS */
} Condition;

typedef struct Conditions {
    Condition *items;
    size_t count;
} Conditions;

struct CodeRow {
    const char *local, *national; /* national "": nothing is sent, on purpose */
    const char *note;
    const FindingKind *finding; /* what to count when this row is used; NULL: nothing */
    Month from, to;             /* 0: no bound */
    const char *file;           /* "codes/ethnicity.csv" */
    int line;
    const CodeRow *next; /* same hash bucket, in file order */
};

typedef struct CodeTable {
    const char *name, *file;
    CodeRow *rows;
    size_t count;
    const CodeRow **buckets;
    size_t bucket_count;     /* a power of two */
    const CodeRow *national; /* the row "~national": national codes pass as they are; or NULL */
} CodeTable;

typedef struct TransformCall TransformCall;
typedef enum Transformed { GOT_VALUE, GOT_NOTHING, GOT_HOLD } Transformed;
typedef struct Transform {
    const char *name;
    Transformed (*function)(TransformCall *call, const char **ret);
    bool sees_nothing;
    const char *help;
} Transform;

typedef enum Otherwise { OTHERWISE_BLANK, OTHERWISE_AS_IS, OTHERWISE_VALUE } Otherwise;

typedef struct Block Block;

struct MapLine {
    const Block *block;
    const Element *element;
    Path *from, *with;
    size_t from_count, with_count;
    const char *value;
    const Transform *transform;
    const CodeTable *codes;
    Otherwise otherwise;
    const char *otherwise_value;
    size_t max; /* characters; 0: no bound */
    Conditions when;
    Month from_month, to_month; /* 0: no bound */
    const char *file;           /* "mapping.yaml" */
    int line;
};

typedef struct Item {
    const Element *element;
    MapLine *lines; /* the first that holds counts */
    size_t count;
} Item;

struct Block {
    const Mapping *mapping;
    const Table *table;
    RecordType type;
    const char *list; /* path of a list in the record; NULL: the record itself */
    Conditions where, unless;
    const Element **needs;
    size_t need_count;
    bool distinct;
    const char **used; /* element names; only for rows without a person */
    size_t used_count;
    Item *items;
    size_t count;
    int line;
};

struct Mapping {
    const char *name, *version, *folder, *file;
    const Dataset *dataset;
    Block *blocks;
    size_t count;
    CodeTable **codes;
    size_t code_count, code_capacity;
    Month *changes; /* sorted: the first months in which something is different from the month
                       before */
    size_t change_count, change_capacity;
};

extern const Transform transforms[];
extern const size_t transform_count;

const Transform *transform_find(const char *name);
const char *const *transform_names(size_t *ret_count);

bool record_type_find(const char *word, RecordType *ret);
const char *record_type_name(RecordType type);

/* Paths and conditions from text; errors at `place`. */
bool path_parse(const YamlNode *place, const char *text, bool has_item, Arena *arena, Path *ret,
                Error *err);
bool conditions_parse(const YamlNode *node, bool has_item, Arena *arena, Conditions *ret,
                      Error *err);

/* codes/NAME.csv, loaded once per mapping. */
bool code_table_load(Mapping *mapping, const YamlNode *place, const char *name, Arena *arena,
                     const CodeTable **ret, Error *err);
/* The row for a local value in a month; NULL when there is none.  Capitals and doubled spaces do
 * not matter. */
const CodeRow *code_table_find(const CodeTable *table, const char *local, Month month);

/* Remember that something changes with `month`. */
void mapping_note_change(Mapping *mapping, Month month, Arena *arena);
