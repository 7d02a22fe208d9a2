/* SPDX-License-Identifier: Apache-2.0 */
/* Retry-After (RFC 9110 section 10.2.3): seconds or a date, to milliseconds from now. */
#pragma once

#include <stdint.h>

/* `now_wall` in microseconds since 1970.  0 for NULL, nonsense, or a date that has passed; a wait
 * longer than a year counts as a year.  Nothing is capped below that: retry.h has the policy. */
int64_t retry_after_ms(const char *value, int64_t now_wall);
