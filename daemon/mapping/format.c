/* SPDX-License-Identifier: Apache-2.0 */
/* The forms that national values have: times, timestamps, scores, postcodes, NHS numbers. */
#include "daemon/base/civil.h"
#include "daemon/base/clock.h"
#include "daemon/base/text.h"
#include "daemon/mapping/transform.h"

#include <stdio.h>
#include <string.h>

static bool is_digit(char letter)
{
    return letter >= '0' && letter <= '9';
}

static bool is_letter(char letter)
{
    return letter >= 'A' && letter <= 'Z';
}

bool format_time(const char *text, char ret[9])
{
    int seconds;
    if (!civil_parse_time(text, &seconds))
        return false;
    snprintf(ret, 9, "%02u:%02u:%02u", (unsigned)seconds / 3600 % 24, (unsigned)seconds / 60 % 60,
             (unsigned)seconds % 60);
    return true;
}

static bool timestamp_parts(Day day, int seconds, int offset_minutes, char ret[26])
{
    char date[CIVIL_TEXT_SIZE];
    snprintf(ret, 26, "%.10sT%02u:%02u:%02u+%02u:00", civil_format_day(day, date),
             (unsigned)seconds / 3600 % 24, (unsigned)seconds / 60 % 60, (unsigned)seconds % 60,
             (unsigned)offset_minutes / 60 % 24);
    return true;
}

/* An instant is told as London's clocks show it. */
static bool timestamp_of_instant(const char *text, char ret[26])
{
    int64_t wall;
    if (!clock_parse(text, &wall))
        return false;
    int offset = civil_london_offset_minutes(wall);
    int64_t local = wall / CLOCK_SECOND + (int64_t)offset * 60;
    Day day = civil_london_day(wall);
    return timestamp_parts(day, (int)(((local % 86400) + 86400) % 86400), offset, ret);
}

bool format_timestamp(const char *date, const char *time, const char *offset, char ret[26])
{
    Day day;
    int seconds = 0;
    if (strchr(date, 'T') && !time)
        return timestamp_of_instant(date, ret);
    if (!civil_parse_day(date, &day) || (time && !civil_parse_time(time, &seconds)))
        return false;
    bool summer = !offset || strcmp(offset, "+01:00") == 0;
    int64_t wall = civil_london_instant(day, seconds, summer);
    return timestamp_parts(day, seconds, civil_london_offset_minutes(wall), ret);
}

bool format_score(const char *text, Arena *arena, const char **ret)
{
    size_t whole = strspn(text, "0123456789");
    if (!whole || whole > 5)
        return false;
    const char *rest = text + whole;
    size_t decimals = *rest == '.' ? strspn(rest + 1, "0123456789") : 0;
    if (*rest == '.' && (!decimals || rest[1 + decimals]))
        return false;
    if (*rest && *rest != '.')
        return false;
    /* 6.0 and 6.00 are 6; 6.55 has no home and is not rounded behind anyone's back. */
    if (decimals > 1 && strspn(rest + 2, "0") != decimals - 1)
        return false;
    while (whole > 1 && *text == '0') {
        text++;
        whole--;
    }
    bool has_decimal = decimals && rest[1] != '0';
    *ret = arena_format(arena, "%.*s%.*s", (int)whole, text, has_decimal ? 2 : 0, rest);
    return true;
}

/* A9 A99 A9A AA9 AA99 AA9A, then 9AA. */
static bool is_postcode(const char *letters, size_t length)
{
    if (length < 5 || length > 7)
        return false;
    const char *inward = letters + length - 3;
    if (!is_digit(inward[0]) || !is_letter(inward[1]) || !is_letter(inward[2]))
        return false;
    size_t area = is_letter(letters[1]) ? 2 : 1, outward = length - 3;
    if (!is_letter(letters[0]) || outward < area + 1 || outward > area + 2 ||
        !is_digit(letters[area]))
        return false;
    char last = letters[outward - 1];
    return outward == area + 1 || is_digit(last) || is_letter(last);
}

bool format_postcode(const char *text, Arena *arena, const char **ret)
{
    char letters[9];
    size_t length = 0;
    for (; *text; text++) {
        char letter = *text >= 'a' && *text <= 'z' ? (char)(*text - 32) : *text;
        if (letter == ' ')
            continue;
        if (length == 8)
            return false;
        letters[length++] = letter;
    }
    letters[length] = '\0';
    if (!is_postcode(letters, length))
        return false;
    *ret = arena_format(arena, "%.*s %s", (int)(length - 3), letters, letters + length - 3);
    return true;
}

bool format_nhs_number(const char *text, char ret[11])
{
    size_t length = 0;
    unsigned sum = 0;
    for (; *text; text++) {
        if (*text == ' ' || *text == '-')
            continue;
        if (!is_digit(*text) || length == 10)
            return false;
        ret[length] = *text;
        if (length < 9)
            sum += (unsigned)(*text - '0') * (10 - (unsigned)length);
        length++;
    }
    if (length != 10)
        return false;
    ret[10] = '\0';
    unsigned check = (11 - sum % 11) % 11;
    return check != 10 && check == (unsigned)(ret[9] - '0');
}
