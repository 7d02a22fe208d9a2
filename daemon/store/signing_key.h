/* SPDX-License-Identifier: Apache-2.0 */
/* The signing key in force, as the submit role saw it. */
#pragma once

#include "daemon/store/store.h"

typedef struct SigningKey {
    const char *key_id;      /* NULL: none was seen yet */
    int64_t certificate_end; /* seconds since 1970 */
    int64_t since;           /* microseconds: when this key was first seen in force */
} SigningKey;

/* Another key than before is an audit event; another certificate for the same key is not. */
bool signing_key_save(Store *store, const char *key_id, int64_t certificate_end, Error *err);
bool signing_key_get(Store *store, Arena *arena, SigningKey *ret, Error *err);
