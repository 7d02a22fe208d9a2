/* SPDX-License-Identifier: Apache-2.0 */
/* A source record: named values, and explicit kinds of "no value".
 *
 * A feed distinguishes what it does not collect (absent), what was left blank
 * (null) and three explicit answers (declined, not known, not asked); the national
 * codes do too, so the difference is kept from the feed to the mapping.  A record
 * is a tree in an arena and never changes.  A coded value ({"code","system","label"})
 * reads as text that also knows its system and label. */
#pragma once

#include "daemon/base/arena.h"
#include "daemon/base/json.h"

#include <stdint.h>

typedef enum FieldKind {
    FIELD_ABSENT,    /* not collected by this source */
    FIELD_NULL,      /* collected, left blank */
    FIELD_DECLINED,  /* {"nv":"declined"} */
    FIELD_NOT_KNOWN, /* {"nv":"not_known"} */
    FIELD_NOT_ASKED, /* {"nv":"not_asked"} */
    FIELD_TEXT,      /* strings, numbers, booleans: always as text ("true", "6", "2.5") */
    FIELD_LIST,
    FIELD_OBJECT,
} FieldKind;

typedef struct Field {
    FieldKind kind;
    const char *text;           /* FIELD_TEXT */
    const char *system, *label; /* FIELD_TEXT that came as a coded value; else NULL */
    struct Field *items;        /* FIELD_LIST, FIELD_OBJECT */
    const char **names;         /* FIELD_OBJECT: beside items */
    size_t count;
} Field;

typedef struct Record {
    const char *feed; /* name of the feed it came from */
    const char *type; /* "person", "referral" … */
    const char *id;   /* as the feed has it, without the feed's id_prefix */
    const char *org;
    int64_t version;
    const Field *root; /* FIELD_OBJECT */
} Record;

typedef struct RecordList {
    Record **items;
    size_t count, capacity;
} RecordList;

/* The record's own fields from a JSON object.  DATA "record.shape" when it is none. */
bool record_from_json(const json_t *object, Arena *arena, const Field **ret, Error *err);
bool record_parse(const char *json, size_t size, Arena *arena, const Field **ret, Error *err);

/* By name, or by path through objects: "completed_at.date".  Never NULL: absent is a Field too. */
const Field *field_get(const Field *object, const char *path);
const char *field_text(const Field *object,
                       const char *path); /* NULL unless FIELD_TEXT and not "" */
bool field_is(const Field *object, const char *path, const char *text);
const char *field_kind_name(FieldKind kind); /* "absent", "null", "declined" … */

void record_list_add(RecordList *list, Record *record, Arena *arena);
