/* SPDX-License-Identifier: Apache-2.0 */
/* The formats of the specification, as it writes them, to kind and length. */
#include "daemon/base/cleanup.h"
#include "daemon/base/text.h"
#include "daemon/dataset/dataset_read.h"

#include <stdio.h>
#include <string.h>

/* Formats with a shape of their own. */
static const struct {
    const char *text;
    ValueKind kind;
    int min, max;
} shapes[] = {
    {"an10 CCYY-MM-DD", VALUE_DATE, 10, 10},
    {"an8 HH:MM:SS", VALUE_TIME, 8, 8},
    {"an19 CCYY-MM-DDThh:mm:ss", VALUE_DATETIME, 19, 19},
    {"an25 CCYY-MM-DDThh:mm:ssZ", VALUE_TIMESTAMP, 20, 25},
    {"max an8 postcode", VALUE_POSTCODE, 1, 8},
    {"not published", VALUE_TEXT, 1, 255},
};

/* "an20" or "n4": the letters say what, the number how many. */
static bool part_parse(const char *part, size_t size, ValueKind *ret_kind, int *ret_length)
{
    char text[16];
    int length, used = 0;
    if (size >= sizeof text)
        return false;
    memcpy(text, part, size);
    text[size] = '\0';
    const char *digits = text_starts(text, "an") ? text + 2 : text[0] == 'n' ? text + 1 : NULL;
    if (!digits || sscanf(digits, "%3d%n", &length, &used) != 1 || digits[used] || length < 1)
        return false;
    *ret_kind = digits == text + 2 ? VALUE_TEXT : VALUE_NUMBER;
    *ret_length = length;
    return true;
}

bool format_decimal(const char *format, int *ret_whole, int *ret_fraction_min,
                    int *ret_fraction_max)
{
    int whole, fraction, used = 0;
    if (sscanf(format, "max n%2d.n%2d%n", &whole, &fraction, &used) == 2 && !format[used]) {
        *ret_fraction_min = fraction;
    } else if (sscanf(format, "max n%2d.max n%2d%n", &whole, &fraction, &used) == 2 &&
               !format[used]) {
        *ret_fraction_min = 1;
    } else {
        return false;
    }
    *ret_whole = whole;
    *ret_fraction_max = fraction;
    return whole > 0 && fraction > 0;
}

bool format_parse(const char *format, ValueKind *ret_kind, int *ret_min, int *ret_max)
{
    for (size_t i = 0; i < COUNT_OF(shapes); i++)
        if (text_equal(shapes[i].text, format)) {
            *ret_kind = shapes[i].kind;
            *ret_min = shapes[i].min;
            *ret_max = shapes[i].max;
            return true;
        }
    int whole, fraction_min, fraction_max;
    if (format_decimal(format, &whole, &fraction_min, &fraction_max)) {
        *ret_kind = VALUE_DECIMAL;
        *ret_min = 2 + fraction_min;
        *ret_max = whole + 1 + fraction_max;
        return true;
    }
    ValueKind kind, other;
    int min, max;
    if (text_starts(format, "max ")) {
        if (!part_parse(format + 4, strlen(format + 4), &kind, &max))
            return false;
        min = 1;
    } else if (text_starts(format, "min ")) {
        const char *middle = strstr(format, " max ");
        if (!middle || !part_parse(format + 4, (size_t)(middle - format) - 4, &kind, &min) ||
            !part_parse(middle + 5, strlen(middle + 5), &other, &max) || other != kind || min > max)
            return false;
    } else {
        if (!part_parse(format, strlen(format), &kind, &max))
            return false;
        min = max;
    }
    *ret_kind = kind;
    *ret_min = min;
    *ret_max = max;
    return true;
}
