/* SPDX-License-Identifier: Apache-2.0 */
/* NHS numbers of the 999 range, which is never issued to a person. */
#ifndef SANDBOX_NHS_NUMBER_H
#define SANDBOX_NHS_NUMBER_H

#include <stdbool.h>
#include <stdint.h>

enum { NHS_NUMBER_COUNT = 909091 };

/* The modulus 11 check digit of nine digits: 0 to 9, or 10 when the number cannot exist. */
int nhs_number_check_digit(const char *digits);
/* The `ordinal`-th (0 … NHS_NUMBER_COUNT-1) number of the range, ten digits and NUL. Not safe
 * before nhs_number_start(). */
void nhs_number_write(char text[11], uint32_t ordinal);
void nhs_number_start(void);

#endif
