/* SPDX-License-Identifier: Apache-2.0 */
/* JSON from outside: what is read writes itself again and reads the same. */
#include "daemon/base/json.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    _cleanup_json_ json_t *value = NULL, *again = NULL;
    Error err = {0};
    if (!json_parse((const char *)data, size, &value, &err)) {
        if (!err.code)
            abort();
        return 0;
    }
    Arena *arena = arena_new(16 << 20);
    const char *text = json_canonical(arena, value);
    if (!json_parse(text, strlen(text), &again, &err) ||
        strcmp(text, json_canonical(arena, again)) != 0)
        abort();
    arena_free(arena);
    return 0;
}
