/* SPDX-License-Identifier: Apache-2.0 */
/* What is known and open outside the data set: organisations, sites, practices, schools, postcodes.
 *
 * Read from a CSV file `kind,code,from,to`: the dates, both inclusive, may be
 * blank for "always".  A code may stand on several lines.  Of a kind that the
 * file does not mention nothing is known: rules that need it are not checked. */
#pragma once

#include "daemon/base/arena.h"
#include "daemon/base/civil.h"

typedef enum ReferenceKind {
    REFERENCE_ORGANISATION,
    REFERENCE_SITE,
    REFERENCE_PRACTICE,
    REFERENCE_SCHOOL,
    REFERENCE_POSTCODE,
    REFERENCE_KINDS,
} ReferenceKind;

typedef struct Reference Reference;

/* DATA with file and line when a line cannot be understood. */
bool reference_open(const char *path, Arena *arena, const Reference **ret, Error *err);

bool reference_kind(const char *name, size_t size, ReferenceKind *ret);
bool reference_has(const Reference *reference, ReferenceKind kind);

/* Open on at least one day from `first` to `last`.  Codes are compared as written;
 * postcodes without spaces and in capitals. */
bool reference_is_open(const Reference *reference, ReferenceKind kind, const char *code, Day first,
                       Day last);
