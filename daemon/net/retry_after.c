/* SPDX-License-Identifier: Apache-2.0 */
/* Retry-After. */
#include "daemon/net/retry_after.h"

#include "daemon/base/clock.h"

#include <ctype.h>
#include <string.h>

#define YEAR_MS (INT64_C(366) * 86400 * 1000)

int64_t retry_after_ms(const char *value, int64_t now_wall)
{
    if (!value)
        return 0;
    while (*value == ' ' || *value == '\t')
        value++;
    size_t digits = strspn(value, "0123456789");
    if (digits) {
        if (value[digits + strspn(value + digits, " \t")] != '\0')
            return 0;
        int64_t seconds = 0;
        for (size_t i = 0; i < digits && seconds < YEAR_MS / 1000; i++)
            seconds = seconds * 10 + (value[i] - '0');
        return seconds < YEAR_MS / 1000 ? seconds * 1000 : YEAR_MS;
    }
    int64_t at;
    if (!clock_parse_http(value, &at) || at <= now_wall)
        return 0;
    int64_t wait = (at - now_wall + 999) / 1000;
    return wait < YEAR_MS ? wait : YEAR_MS;
}
