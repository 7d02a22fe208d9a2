/* SPDX-License-Identifier: Apache-2.0 */
/* What the name of a CSV drop says. */
#include "adapters/feed/csv_drop_check.h"
#include "daemon/base/clock.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#define PREFIX "mef1_"

/* `count` digits at *at as a number; moves on. */
static bool digits(const char **at, size_t count, int64_t *ret)
{
    int64_t value = 0;
    for (size_t i = 0; i < count; i++) {
        if (!isdigit((unsigned char)(*at)[i]))
            return false;
        value = value * 10 + ((*at)[i] - '0');
    }
    *at += count;
    *ret = value;
    return true;
}

/* "20261031T140512Z" as a number of 14 digits; a real instant. */
static bool read_stamp(const char **at, int64_t *ret)
{
    int64_t date, time, instant;
    char text[32];
    if (!digits(at, 8, &date) || *(*at)++ != 'T' || !digits(at, 6, &time) || *(*at)++ != 'Z')
        return false;
    snprintf(text, sizeof text, "%04d-%02d-%02dT%02d:%02d:%02dZ", (int)(date / 10000),
             (int)(date / 100 % 100), (int)(date % 100), (int)(time / 10000),
             (int)(time / 100 % 100), (int)(time % 100));
    *ret = date * 1000000 + time;
    return clock_parse(text, &instant);
}

/* From the right: the feed's own name may hold anything. */
bool csv_drop_name_read(const char *name, CsvDropName *ret)
{
    size_t size = strlen(name);
    char stem[160];
    int64_t stamp, number;
    if (size > 4 && strcmp(name + size - 4, ".zip") == 0)
        size -= 4;
    if (size >= sizeof stem || strncmp(name, PREFIX, strlen(PREFIX)) != 0)
        return false;
    memcpy(stem, name, size);
    stem[size] = '\0';
    char *last = strrchr(stem, '_');
    const char *at = last + 1;
    size_t length = strlen(at);
    if (length < 1 || length > 3 || !digits(&at, length, &number))
        return false;
    *last = '\0';
    char *before = strrchr(stem, '_');
    if (!before || before < stem + strlen(PREFIX))
        return false;
    at = before + 1;
    if (!read_stamp(&at, &stamp) || *at)
        return false;
    *before = '\0';
    char *mode = strrchr(stem, '_');
    if (!mode || mode < stem + strlen(PREFIX))
        return false;
    ret->full = strcmp(mode + 1, "full") == 0;
    if (!ret->full && strcmp(mode + 1, "delta") != 0)
        return false;
    *mode = '\0';
    if (strlen(stem + strlen(PREFIX)) >= sizeof ret->feed)
        return false;
    snprintf(ret->feed, sizeof ret->feed, "%s", stem + strlen(PREFIX));
    ret->order = stamp * 1000 + number;
    return true;
}
