/* SPDX-License-Identifier: Apache-2.0 */
/* Names and values of a MYMUP dump, cleaned of what its export does to them. */
#include "adapters/feed/mymup_dump_table.h"
#include "daemon/base/civil.h"
#include "daemon/base/cleanup.h"
#include "daemon/base/text.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

static const struct {
    const char *entity, *text;
} entities[] = {{"&amp;", "&"},   {"&lt;", "<"},   {"&gt;", ">"},
                {"&quot;", "\""}, {"&apos;", "'"}, {"&nbsp;", " "}};

/* &#039; and &#x27;: how many bytes it takes; 0: none.  Only what prints as one byte. */
static size_t numeric(const char *at, char *ret)
{
    unsigned code = 0;
    int size = 0;
    bool found = sscanf(at, "&#%3u;%n", &code, &size) == 1 && size;
    if (!found)
        found = sscanf(at, "&#x%2x;%n", &code, &size) == 1 && size;
    if (!found || code < 0x20 || code > 0x7E)
        return 0;
    *ret = (char)code;
    return (size_t)size;
}

static size_t entity_at(const char *at, char *ret)
{
    for (size_t i = 0; i < COUNT_OF(entities); i++)
        if (strncasecmp(at, entities[i].entity, strlen(entities[i].entity)) == 0) {
            *ret = entities[i].text[0];
            return strlen(entities[i].entity);
        }
    return numeric(at, ret);
}

/* A blank of any kind, the no-break space included: how many bytes. */
static size_t blank_at(const char *at)
{
    if (strncmp(at, "\xc2\xa0", 2) == 0)
        return 2;
    return isspace((unsigned char)*at) ? 1 : 0;
}

static bool no_date(const char *text)
{
    return strncmp(text, "0000-00-00", 10) == 0 || strncmp(text, "00/00/0000", 10) == 0;
}

const char *mymup_clean_value(const char *text, Arena *arena)
{
    char *out = arena_text(arena, text);
    size_t used = 0;
    bool gap = false;
    for (const char *at = text; *at;) {
        char byte = *at;
        size_t size = *at == '&' ? entity_at(at, &byte) : 0;
        size_t blank = size ? (byte == ' ' ? size : 0) : blank_at(at);
        if (blank) {
            gap = used > 0;
            at += blank;
            continue;
        }
        if (gap)
            out[used++] = ' ';
        gap = false;
        out[used++] = byte;
        at += size ? size : 1;
    }
    out[used] = '\0';
    return no_date(out) ? "" : out;
}

/* ---- columns ---- */

static const struct {
    const char *from, *to;
} spellings[] = {
    {"service_type", "contact_service_type"},
    {"userid", "client_id"},
    {"sen", "special_education_needs"},
    {"postcode", "post_code"},
    {"attendance_code", "attendance"},
    {"contact_attendance", "attendance"},
    {"source", "referral_source"},
    {"reason", "file_closure_reason"},
    {"initial_or_followup", "initial_or_follow_up"},
};

const char *mymup_clean_column(const char *text, Arena *arena)
{
    const char *clean = mymup_clean_value(text, arena);
    char *out = arena_text(arena, clean);
    for (char *at = out; *at; at++)
        *at = strchr(" ,\"\r\n", *at) ? '_' : (char)tolower((unsigned char)*at);
    out += strspn(out, "_");
    for (size_t size = strlen(out); size && out[size - 1] == '_';)
        out[--size] = '\0';
    for (size_t i = 0; i < COUNT_OF(spellings); i++)
        if (strcmp(out, spellings[i].from) == 0)
            return spellings[i].to;
    return out;
}

/* ---- dates ---- */

const char *mymup_date(const char *text, Arena *arena)
{
    int first, second, third, end = 0;
    Day day;
    char out[40];
    bool iso = sscanf(text, "%4d-%2d-%2d%n", &first, &second, &third, &end) == 3;
    if (!iso && (sscanf(text, "%2d/%2d/%4d%n", &first, &second, &third, &end) != 3 || third < 1000))
        return NULL;
    if (text[end] && text[end] != ' ' && text[end] != 'T')
        return NULL;
    snprintf(out, sizeof out, "%04d-%02d-%02d", iso ? first : third, second, iso ? third : first);
    return civil_parse_day(out, &day) ? arena_text(arena, out) : NULL;
}

static int64_t as_day(int year, int month, int day)
{
    char text[40];
    Day parsed;
    snprintf(text, sizeof text, "%04d-%02d-%02d", year, month, day);
    return year >= 1990 && year < 2100 && civil_parse_day(text, &parsed)
               ? (int64_t)year * 10000 + month * 100 + day
               : 0;
}

int64_t mymup_file_day(const char *name)
{
    for (const char *at = name; *at; at++) {
        size_t size = strspn(at, "0123456789");
        int a, b, c;
        if (size == 8) {
            if (sscanf(at, "%4d%2d%2d", &a, &b, &c) == 3 && as_day(a, b, c))
                return as_day(a, b, c);
            return sscanf(at, "%2d%2d%4d", &a, &b, &c) == 3 ? as_day(c, b, a) : 0;
        }
        at += size ? size - 1 : 0;
    }
    return 0;
}
