/* SPDX-License-Identifier: Apache-2.0 */
/* What one value of a national row must look like. */
#include "daemon/dataset/check_value.h"

#include <ctype.h>
#include <string.h>

#define EARLIEST (-29219) /* 1890-01-01 */

static bool digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool letter(char c)
{
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
}

/* 'd' in the pattern is a digit, everything else itself; the pattern may end before the text. */
static bool follows(const char *text, const char *pattern)
{
    for (; *pattern; pattern++, text++)
        if (*pattern == 'd' ? !digit(*text) : *text != *pattern)
            return false;
    return true;
}

static int two(const char *text)
{
    return (text[0] - '0') * 10 + (text[1] - '0');
}

bool value_blank(const char *text)
{
    if (!text)
        return true;
    while (*text == ' ')
        text++;
    return !*text;
}

size_t value_length(const char *text)
{
    size_t length = 0;
    for (; *text; text++)
        length += ((unsigned char)*text & 0xc0) != 0x80;
    return length;
}

bool value_is_digits(const char *text, size_t min, size_t max)
{
    size_t size = strspn(text, "0123456789");
    return !text[size] && size >= min && size <= max;
}

bool value_is_decimal(const char *text, const int64_t bounds[4])
{
    int64_t before = (int64_t)strspn(text, "0123456789");
    if (text[before] != '.')
        return !text[before] && before >= bounds[0] && before <= bounds[1] && bounds[2] == 0;
    const char *rest = text + before + 1;
    int64_t after = (int64_t)strspn(rest, "0123456789");
    return !rest[after] && before >= bounds[0] && before <= bounds[1] && after >= bounds[2] &&
           after <= bounds[3];
}

bool value_day(const char *text, Day *ret)
{
    char date[11];
    if (!follows(text, "dddd-dd-dd") || (text[10] && text[10] != 'T'))
        return false;
    memcpy(date, text, 10);
    date[10] = '\0';
    Day day;
    if (!civil_parse_day(date, &day) || day < EARLIEST)
        return false;
    *ret = day;
    return true;
}

static bool clock_reads(const char *text)
{
    return follows(text, "dd:dd:dd") && two(text) < 24 && two(text + 3) < 60 && two(text + 6) < 60;
}

bool value_is_date(const char *text)
{
    Day day;
    return strlen(text) == 10 && value_day(text, &day);
}

bool value_is_time(const char *text)
{
    return strlen(text) == 8 && clock_reads(text);
}

static bool moment_begins(const char *text, Day *ret)
{
    return value_day(text, ret) && text[10] == 'T' && clock_reads(text + 11);
}

bool value_is_datetime(const char *text)
{
    Day day;
    return strlen(text) == 19 && moment_begins(text, &day);
}

bool value_moment(const char *text, int64_t *ret)
{
    Day day;
    if (!moment_begins(text, &day))
        return false;
    *ret = (int64_t)day * 86400 + two(text + 11) * 3600 + two(text + 14) * 60 + two(text + 17);
    return true;
}

bool value_is_timestamp(const char *text)
{
    static const char *const offsets[] = {"Z", "+00:00", "+01:00", "-00:00"};
    Day day;
    if (!moment_begins(text, &day))
        return false;
    for (size_t i = 0; i < sizeof offsets / sizeof *offsets; i++)
        if (strcmp(text + 19, offsets[i]) == 0)
            return true;
    return false;
}

bool value_is_postcode(const char *text)
{
    if (value_length(text) > 8)
        return false;
    size_t at = 0;
    while (at < 2 && letter(text[at]))
        at++;
    if (at == 0 || !digit(text[at]))
        return false;
    at++;
    if (digit(text[at]) || letter(text[at]))
        at++;
    size_t spaces = strspn(text + at, " ");
    at += spaces;
    return spaces > 0 && digit(text[at]) && letter(text[at + 1]) && letter(text[at + 2]) &&
           !text[at + 3];
}

bool value_is_version(const char *text)
{
    static const int64_t bounds[] = {1, 2, 1, 2};
    return value_is_decimal(text, bounds);
}

bool value_is_nhs_number(const char *text)
{
    if (!value_is_digits(text, 10, 10))
        return false;
    int sum = 0;
    for (int i = 0; i < 9; i++)
        sum += (text[i] - '0') * (10 - i);
    int check = (11 - sum % 11) % 11;
    return check == text[9] - '0'; /* 10 is no digit and never matches */
}

/* Verhoeff's dihedral check: multiplication and permutation tables of his thesis (1969). */
static bool verhoeff(const char *digits, size_t size)
{
    static const char product[10][11] = {"0123456789", "1234067895", "2340178956", "3401289567",
                                         "4012395678", "5987604321", "6598710432", "7659821043",
                                         "8765932104", "9876543210"};
    static const char permutation[8][11] = {"0123456789", "1576283094", "5803796142", "8916043527",
                                            "9453126870", "4286573901", "2793806415", "7046913258"};
    int check = 0;
    for (size_t i = 0; i < size; i++) {
        int value = digits[size - 1 - i] - '0';
        check = product[check][permutation[i % 8][value] - '0'] - '0';
    }
    return check == 0;
}

static bool snomed_digits(const char *digits, size_t size)
{
    if (size < 6 || size > 18 || digits[0] == '0' || digits[size - 2] != '0')
        return false;
    /* The partition of a concept is 00, or 10 with a namespace of seven digits before it. */
    char partition = digits[size - 3];
    if (partition != '0' && (partition != '1' || size < 11))
        return false;
    return verhoeff(digits, size);
}

bool value_is_snomed(const char *text)
{
    size_t size = strspn(text, "0123456789");
    return !text[size] && snomed_digits(text, size);
}

bool value_is_snomed_expression(const char *text)
{
    size_t concepts = 0;
    while (*text) {
        size_t size = strspn(text, "0123456789");
        if (size) {
            if (!snomed_digits(text, size))
                return false;
            concepts++;
            text += size;
        } else if (*text == '|') { /* a term between bars is for people */
            const char *end = strchr(text + 1, '|');
            if (!end || !concepts)
                return false;
            text = end + 1;
        } else if (*text == '#' && concepts) { /* a number, not a concept */
            size = strspn(text + 1, "0123456789.");
            if (!size)
                return false;
            text += 1 + size;
        } else if (strchr(" +:=,{}()", *text)) {
            text++;
        } else {
            return false;
        }
    }
    return concepts > 0;
}

bool value_is_icd10(const char *text)
{
    if (!letter(text[0]) || !digit(text[1]) || !digit(text[2]))
        return false;
    const char *rest = text + 3 + (text[3] == '.');
    if (!digit(*rest) && toupper((unsigned char)*rest) != 'X')
        return false;
    size_t more = strlen(rest + 1);
    for (size_t i = 1; i <= more; i++)
        if (!digit(rest[i]) && !letter(rest[i]) && !strchr("+*-", rest[i]))
            return false;
    return more <= 2 && strlen(text) <= 7;
}

/* "12.5" → 125; false for anything else than digits and at most one decimal. */
static bool tenths(const char *text, int64_t *ret)
{
    size_t whole = strspn(text, "0123456789");
    if (!whole || whole > 9)
        return false;
    int64_t value = 0;
    for (size_t i = 0; i < whole; i++)
        value = value * 10 + (text[i] - '0');
    value *= 10;
    const char *rest = text + whole;
    if (*rest == '.') {
        if (!digit(rest[1]) || rest[2])
            return false;
        value += rest[1] - '0';
    } else if (*rest) {
        return false;
    }
    *ret = value;
    return true;
}

static bool in_words(const char *text, const char *words)
{
    size_t size = strlen(text);
    for (const char *word = words; *word;) {
        size_t length = strcspn(word, " ");
        if (length == size && memcmp(word, text, size) == 0)
            return true;
        word += length;
        word += strspn(word, " ");
    }
    return false;
}

bool value_fits_scale(const char *text, const Scale *scale)
{
    if (scale->values)
        return in_words(text, scale->values);
    int64_t low, high, score;
    if (!scale->min || !scale->max || !tenths(scale->min, &low) || !tenths(scale->max, &high))
        return true; /* the range is not published */
    if (text[0] == '0' && digit(text[1]))
        return false;
    return tenths(text, &score) && score >= low && score <= high;
}
