/* SPDX-License-Identifier: Apache-2.0 */
/* What MESH says: ids that become paths have an id's shape, and the next page is ours. */
#include "adapters/submit/mesh_answer.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char prefix[] = "/messageexchange/X/inbox";
    Arena *arena = arena_new(16 << 20);
    MeshInboxPage page;
    MeshBody body;
    mesh_body_read((const char *)data, size, arena, &body);
    if (body.message_id && !mesh_is_id(body.message_id))
        abort();
    if (mesh_inbox_read((const char *)data, size, prefix, arena, &page)) {
        for (size_t i = 0; i < page.count; i++)
            if (!mesh_is_id(page.ids[i]))
                abort();
        if (page.next && (strncmp(page.next, prefix, strlen(prefix)) != 0 ||
                          strpbrk(page.next, "\r\n \"") || strstr(page.next, "..")))
            abort();
    }
    arena_free(arena);
    return 0;
}
