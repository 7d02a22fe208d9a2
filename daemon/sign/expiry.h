/* SPDX-License-Identifier: Apache-2.0 */
/* How soon a certificate's end is worth saying: one list for journal, status and check. */
#pragma once

#include <stdint.h>

#define EXPIRY_DAY 86400
#define EXPIRY_LATE_DAYS 14 /* by then a new one should be in place */

/* The smallest of 60, 30, 14, 7 and 1 days that `left` seconds no longer reach; 0: none. */
int expiry_mark(int64_t left);
