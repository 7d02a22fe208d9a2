/* SPDX-License-Identifier: Apache-2.0 */
/* How soon a certificate's end is worth saying. */
#include "daemon/sign/expiry.h"

#include <stddef.h>

int expiry_mark(int64_t left)
{
    static const int marks[] = {1, 7, 14, 30, 60};
    for (size_t i = 0; i < sizeof marks / sizeof *marks; i++)
        if (left < (int64_t)marks[i] * EXPIRY_DAY)
            return marks[i];
    return 0;
}
