/* SPDX-License-Identifier: Apache-2.0 */
/* An HTTP answer as curl hands it over: header lines, then a body in pieces, plain or packed. */
#include "daemon/net/http_receive.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define LIMIT 4096

/* Header lines up to an empty one; what follows is the body. */
static size_t give_header(HttpReceiver *receiver, const char *bytes, size_t size)
{
    size_t at = 0;
    while (at < size) {
        const char *end = memchr(bytes + at, '\n', size - at);
        size_t line = end ? (size_t)(end - bytes) + 1 - at : size - at;
        if (!http_receiver_header(receiver, bytes + at, line))
            return SIZE_MAX;
        at += line;
        if (line <= 2)
            break;
    }
    return at;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char *bytes = (const char *)data;
    HttpRequest request = {.accept_gzip = true, .response_limit = LIMIT};
    Arena *arena = arena_new(16 << 20);
    Error err = {0};
    HttpReceiver receiver;
    HttpResponse response;
    http_receiver_open(&receiver, &request, arena, &err);
    size_t at = give_header(&receiver, bytes, size);
    bool fine = at != SIZE_MAX;
    size_t step = size ? 1 + data[0] % 97 : 1;
    for (; fine && at < size; at += step)
        fine = http_receiver_body(&receiver, bytes + at, at + step < size ? step : size - at);
    if (!fine && !receiver.failed && !receiver.cut)
        abort(); /* stopped, and nobody says why */
    if (receiver.failed && !err.code)
        abort();
    if ((fine || receiver.cut) && http_receiver_finish(&receiver, &response))
        if (response.body_size > LIMIT || response.body[response.body_size] != '\0' ||
            response.header_count > HTTP_HEADER_COUNT_LIMIT)
            abort();
    http_receiver_close(&receiver);
    arena_free(arena);
    return 0;
}
