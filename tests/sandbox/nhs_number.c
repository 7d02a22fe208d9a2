/* SPDX-License-Identifier: Apache-2.0 */
/* Counts through the valid NHS numbers of the 999 range. */
#include "tests/sandbox/nhs_number.h"

#include <string.h>

enum { BLOCK = 1000, BLOCKS = 1000 };

/* valid_before[b]: how many valid numbers lie below 999 b×1000. One entry per thousand keeps the
 * table small. */
static uint32_t valid_before[BLOCKS + 1];

static void write_body(char digits[10], uint32_t body)
{
    memcpy(digits, "999", 3);
    for (int at = 8; at >= 3; at--) {
        digits[at] = (char)('0' + body % 10);
        body /= 10;
    }
    digits[9] = '\0';
}

int nhs_number_check_digit(const char *digits)
{
    int sum = 0;
    for (int i = 0; i < 9; i++)
        sum += (10 - i) * (digits[i] - '0');
    int check = 11 - sum % 11;
    return check == 11 ? 0 : check;
}

static bool body_is_valid(uint32_t body)
{
    char digits[10];
    write_body(digits, body);
    return nhs_number_check_digit(digits) != 10;
}

void nhs_number_start(void)
{
    if (valid_before[BLOCKS] != 0)
        return;
    uint32_t count = 0;
    for (uint32_t block = 0; block < BLOCKS; block++) {
        valid_before[block] = count;
        for (uint32_t i = 0; i < BLOCK; i++)
            count += body_is_valid(block * BLOCK + i);
    }
    valid_before[BLOCKS] = count;
}

void nhs_number_write(char text[11], uint32_t ordinal)
{
    uint32_t low = 0;
    uint32_t high = BLOCKS;
    while (high - low > 1) {
        uint32_t middle = (low + high) / 2;
        if (valid_before[middle] <= ordinal)
            low = middle;
        else
            high = middle;
    }
    uint32_t body = low * BLOCK;
    for (uint32_t left = ordinal - valid_before[low];; body++) {
        if (!body_is_valid(body))
            continue;
        if (left == 0)
            break;
        left--;
    }
    write_body(text, body);
    text[9] = (char)('0' + nhs_number_check_digit(text));
    text[10] = '\0';
}
