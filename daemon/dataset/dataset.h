/* SPDX-License-Identifier: Apache-2.0 */
/* A national data set as data: tables, elements, code lists, rules, read from a pack folder.
 *
 * Nothing about MHSDS is compiled in.  A pack (mappings/mhsds-6.0) holds
 * dataset.yaml (tables in order with their elements, keys, parents and inclusion
 * rule), codes/NAME.csv (code lists), scales.csv (assessment scales) and
 * rules.csv.  A Dataset is loaded once, never changes, and lives in the arena it
 * was given; everything else points into it. */
#pragma once

#include "daemon/base/arena.h"
#include "daemon/base/civil.h"

#include <stdint.h>

typedef struct Table Table;
typedef struct Dataset Dataset;

typedef struct Code {
    const char *code, *meaning;
    Month from, to; /* months in which it holds; 0 for no bound */
} Code;

typedef struct CodeList {
    const char *name;
    Code *codes; /* sorted by code */
    size_t count;
} CodeList;

typedef enum ValueKind {
    VALUE_TEXT,      /* an: length only */
    VALUE_NUMBER,    /* n: digits */
    VALUE_DATE,      /* CCYY-MM-DD */
    VALUE_TIME,      /* HH:MM:SS */
    VALUE_DATETIME,  /* CCYY-MM-DDThh:mm:ss, no zone */
    VALUE_TIMESTAMP, /* the same and Z, +00:00, +01:00 or -00:00 */
    VALUE_DECIMAL,   /* digits, a point, digits: "max n7.n2" */
    VALUE_POSTCODE,  /* outward part, at least one space, inward part */
} ValueKind;

/* Whether a value is left out of a month because a date lies outside it. */
typedef enum BlankWhen {
    BLANK_NEVER,
    BLANK_AFTER,   /* its own date is after the last day of the month */
    BLANK_OUTSIDE, /* its own date is not in the month */
    BLANK_WITH,    /* the element `with` is left out */
} BlankWhen;

typedef struct Element Element;
struct Element {
    const Table *table;
    size_t index;                /* place in its table, from 0 */
    const char *name;            /* "LocalPatientID": column, XML element */
    const char *id;              /* "M001901": the specification's item number */
    const char *dictionary_name; /* "LOCAL PATIENT IDENTIFIER (EXTENDED)" */
    const char *meaning;         /* one sentence for people */
    const char *format;          /* as the specification writes it: "max an20" */
    ValueKind kind;
    int min, max;          /* characters */
    char mandation;        /* M R O P, or 0 where not published */
    bool key;              /* part of the table's unique key */
    bool reject_unknown;   /* a code outside the list is rejected, not warned of */
    const CodeList *codes; /* NULL: any value of the format */
    BlankWhen blank;
    const Element *with; /* BLANK_WITH: the element, in the same table */
};

/* When a row belongs to a month (reference: the national rules on dates). */
typedef enum InclusionKind {
    INCLUDE_ALWAYS,      /* header, lists of what is used */
    INCLUDE_WITH_PARENT, /* no date of its own: goes with the rows it belongs to */
    INCLUDE_OPEN_SPAN,   /* starts on or before the last day, ends empty or on or after the first */
    INCLUDE_SPAN_IN,     /* the same, and an end after the month is blanked: it was open then */
    INCLUDE_EVENT,       /* its date lies inside the month */
    INCLUDE_STATE,       /* its date is empty or on or before the last day */
} InclusionKind;

struct Table {
    const Dataset *dataset;
    size_t index;      /* order in the data set, from 0 */
    const char *code;  /* "MHS101" */
    const char *name;  /* "MHS101Referral" */
    const char *title; /* "Service or team referral" */
    Element *elements;
    size_t count;
    const Element **keys; /* unique key; none: repeats are allowed */
    size_t key_count;
    const Table *parent;        /* NULL: stands alone */
    const Element *parent_link; /* the element here that names the parent's key (same name there) */
    InclusionKind inclusion;
    const Element *starts, *ends; /* the dates that inclusion looks at; NULL where not used */
    const Element *ends_also; /* a second date that ends it: a referral is discharged or rejected */
    const Element **blanked;  /* the elements with a BlankWhen, those with BLANK_WITH first */
    size_t blanked_count;
    bool person; /* its rows belong to one person, directly or through parents */
};

typedef enum RuleLevel { RULE_FILE, RULE_GROUP, RULE_RECORD } RuleLevel;
typedef enum Severity {
    SEVERITY_FILE_REJECTED,
    SEVERITY_GROUP_REJECTED,
    SEVERITY_RECORD_REJECTED,
    SEVERITY_ONE_WARNING, /* "severity 1 warning": kept, but a key item is poor */
    SEVERITY_WARNING,
} Severity;

/* A national rule.  `check` is one word of the closed vocabulary in check.def; its
 * arguments are the words of rules.csv, resolved by the checker when it is opened. */
typedef struct Rule {
    const char *id; /* "MHS10108" */
    const Table *table;
    const Element *element; /* NULL: the row as a whole */
    RuleLevel level;
    Severity severity;
    const char *check, *arguments;
    const char *message; /* what is wrong, for people */
    const char *remedy;  /* what to do */
    const char *note;    /* where sources differ, or why it cannot be checked; may be "" */
    int line;            /* in rules.csv, for errors about the pack itself */
} Rule;

typedef struct Scale {
    const char *code; /* SNOMED CT observable entity */
    const char *tool, *term;
    const char *min, *max; /* decimal text; NULL where the range is not known */
    const char *values;    /* a closed list, space separated, or NULL */
    bool accepted;         /* in the list that the version in force accepts */
} Scale;

struct Dataset {
    const char *name;                               /* "mhsds-6.0" */
    const char *title, *version, *namespace, *root; /* root element "MHSDS" */
    const char *folder;
    const Table *header;             /* the table with exactly one row per document */
    const Table *person;             /* the table of people, whose key is the person's local id */
    const Table *referral, *contact; /* counted, with people, to see that a month did not shrink */
    Table *tables;
    size_t table_count, element_count;
    Rule *rules;
    size_t rule_count;
    Scale *scales;
    size_t scale_count;
    const CodeList **lists;
    size_t list_count;
};

/* Read and check a pack.  Errors are CONFIG with file, line and what to do. */
bool dataset_open(const char *folder, Arena *arena, const Dataset **ret, Error *err);

/* NULL when there is none.  Both names of a table are known: "MHS101" and "MHS101Referral". */
const Table *dataset_table(const Dataset *dataset, const char *name);
const Element *table_element(const Table *table, const char *name);
const Element *dataset_element_by_id(const Dataset *dataset, const char *id);
const Rule *dataset_rule(const Dataset *dataset, const char *id);
const CodeList *dataset_codes(const Dataset *dataset, const char *name);
const Scale *dataset_scale(const Dataset *dataset, const char *code);
const Code *code_find(const CodeList *list, const char *code, Month month); /* month 0: any */

const char *severity_name(Severity severity); /* "file rejected", "severity 1 warning" … */
bool severity_rejects(Severity severity);

/* One national row: a value, or NULL, for each element of its table, in order. */
typedef struct Row {
    const Table *table;
    const char **values;
    uint64_t number; /* the caller's own name for it: row number in a file, id in a database */
} Row;

Row *row_new(const Table *table, Arena *arena);
static inline const char *row_get(const Row *row, const Element *element)
{
    return row->values[element->index];
}
