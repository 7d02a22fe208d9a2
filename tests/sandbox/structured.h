/* SPDX-License-Identifier: Apache-2.0 */
/* The part of RFC 8941 (structured fields) that message signatures and our headers need. */
#ifndef SANDBOX_STRUCTURED_H
#define SANDBOX_STRUCTURED_H

#include "tests/sandbox/buffer.h"

enum { STRUCTURED_PARAMETERS = 8, STRUCTURED_ITEMS = 32, STRUCTURED_NAME = 64 };

typedef enum BareKind { BARE_STRING, BARE_INTEGER, BARE_TOKEN, BARE_BYTES, BARE_TRUE } BareKind;

typedef struct Bare {
    BareKind kind;
    int64_t integer;
    Buffer text; /* string, token, or the decoded bytes */
} Bare;

typedef struct Parameter {
    char name[STRUCTURED_NAME];
    Bare value;
} Parameter;

typedef struct Parameters {
    size_t count;
    Parameter items[STRUCTURED_PARAMETERS];
} Parameters;

typedef struct Item {
    Bare value;
    Parameters parameters;
} Item;

typedef struct InnerList {
    size_t count;
    Item items[STRUCTURED_ITEMS];
    Parameters parameters;
} InnerList;

/* Finds `name` in a dictionary of inner lists, or of byte sequences. */
bool structured_inner_list(const char *field, const char *name, InnerList *ret_list);
bool structured_bytes_member(const char *field, const char *name, Buffer *ret_bytes);
/* A field that is one item. */
bool structured_string(const char *field, Buffer *ret_text);
bool structured_bytes(const char *field, Buffer *ret_bytes);
/* The names of all members of a dictionary of inner lists: `take` is asked for each. False when it
 * is not such a dictionary. */
bool structured_each_member(const char *field, void (*take)(void *user, const char *name),
                            void *user);

/* The strict serialisation of RFC 8941 section 4.1. */
void structured_write_item(const Item *item, Buffer *out);
void structured_write_list(const InnerList *list, Buffer *out);

const Bare *structured_parameter(const Parameters *parameters, const char *name);
void structured_free_list(InnerList *list);

#endif
