/* SPDX-License-Identifier: Apache-2.0 */
/* The only source of time.
 *
 * Wall time moves for tests: in builds with fault points, MHSFLOW_CLOCK in the
 * environment (an RFC 3339 instant, "2026-03-29T00:59:58Z") is taken as the wall
 * time at the start of the process, and wall time runs on from there.  PostgreSQL
 * is told the same offset when a connection opens (store), so that both agree.
 * Intervals are measured on a clock that no one can set (CLOCK_BOOTTIME).
 *
 * All values are microseconds. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CLOCK_SECOND INT64_C(1000000)

int64_t clock_wall(void);   /* since 1970-01-01T00:00:00Z */
int64_t clock_steady(void); /* since boot, sleeping time included */
int64_t clock_offset(void); /* what MHSFLOW_CLOCK added; 0 in releases */
/* As if somebody set this machine's clock, for this process; nothing in releases. */
void clock_move(int64_t microseconds);

/* "2026-11-23T02:20:00.123Z" (RFC 3339, UTC, milliseconds). */
#define CLOCK_TEXT_SIZE 32
const char *clock_format(int64_t wall, char buffer[CLOCK_TEXT_SIZE]);

/* RFC 3339 with Z or an offset, 0 to 9 fraction digits.  False when it is not one. */
bool clock_parse(const char *text, int64_t *ret_wall);

/* HTTP date, all three forms of RFC 9110 section 5.6.7, and "UTC" for "GMT" as some peers write. */
bool clock_parse_http(const char *text, int64_t *ret_wall);
