/* SPDX-License-Identifier: Apache-2.0 */
/* How often somebody may ask: a bucket for each address that fills at a steady rate. */
#pragma once

#include "daemon/base/arena.h"

#include <stdint.h>

typedef struct Limit Limit;

/* `per_minute` on average, `burst` at once.  In the arena. */
Limit *limit_new(Arena *arena, int per_minute, int burst);
/* False: too often.  `now` is of the steady clock. */
bool limit_take(Limit *limit, const char *who, int64_t now);
/* What was taken last goes back: it was no abuse. */
void limit_give(Limit *limit, const char *who);
