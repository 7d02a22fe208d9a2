/* SPDX-License-Identifier: Apache-2.0 */
/* What a curl result means: one table, shared by every caller. */
#pragma once

#include "daemon/net/http.h"

#include <curl/curl.h>

typedef struct HttpFailureRow {
    CURLcode result;
    HttpFailureKind kind;
    ErrorKind error;
} HttpFailureRow;

extern const HttpFailureRow http_failure_rows[];
extern const size_t http_failure_row_count;

/* A result no row names counts as HTTP_FAILED_RECEIVE, LATER. */
HttpFailureRow http_failure_of(CURLcode result);
