/* SPDX-License-Identifier: Apache-2.0 */
/* A frame at the signer's socket: what is read writes itself again, and nothing else is read. */
#include "daemon/sign/protocol.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    SignAsk ask;
    if (!sign_ask_read(data, size, &ask))
        return 0;
    Arena *arena = arena_new(1 << 20);
    size_t written;
    const uint8_t *frame = sign_ask_write(&ask, arena, &written);
    if (written != size + SIGN_FRAME_HEAD || sign_get_u32(frame) != size ||
        memcmp(frame + SIGN_FRAME_HEAD, data, size) != 0)
        abort();
    arena_free(arena);
    return 0;
}
