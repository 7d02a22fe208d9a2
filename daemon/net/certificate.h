/* SPDX-License-Identifier: Apache-2.0 */
/* When a file of certificates (PEM) begins to be out of date. */
#pragma once

#include "daemon/base/error.h"

#include <stdint.h>

/* The earliest end of all certificates in the file, in seconds since 1970.  CONFIG
 * "certificate.file" when it cannot be read or has none. */
bool certificate_first_end(const char *path, int64_t *ret_end, Error *err);
