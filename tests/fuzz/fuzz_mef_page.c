/* SPDX-License-Identifier: Apache-2.0 */
/* A feed's page from a hostile server.  Byte 1: form; byte 2: how it is cut on the wire. */
#include "adapters/feed/mef_manifest.h"
#include "adapters/feed/mef_page.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool read_page(const char *bytes, size_t size, size_t step, bool snapshot, Arena *arena,
                      MefPage *ret)
{
    Error err = {0};
    MefReader *reader = mef_reader_new(arena, snapshot);
    for (size_t at = 0; at < size; at += step)
        if (!mef_reader_add(reader, bytes + at, size - at < step ? size - at : step, &err))
            return false;
    return mef_reader_finish(reader, ret, &err);
}

/* What is promised to the store. */
static void check_page(const MefPage *page)
{
    for (size_t i = 0; i < page->count; i++) {
        const Change *change = &page->changes[i];
        if (!change->type || !mef_id_is(change->id) || change->version < 1 || change->seq < 0)
            abort();
        if ((change->op == CHANGE_UPSERT) != (change->json != NULL))
            abort();
    }
    for (size_t i = 0; i < page->refused_count; i++)
        if (!page->refused[i].code || !page->refused[i].text)
            abort();
    if (!mef_cursor_is(page->trailer.next_cursor))
        abort();
}

static void lines(const char *bytes, size_t size, size_t step, bool snapshot, Arena *arena)
{
    MefPage whole, pieces;
    bool is_page = read_page(bytes, size, size ? size : 1, snapshot, arena, &whole);
    if (is_page != read_page(bytes, size, step, snapshot, arena, &pieces))
        abort();
    if (!is_page)
        return;
    check_page(&whole);
    if (whole.count != pieces.count || whole.refused_count != pieces.refused_count)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    MefPage page;
    MefManifest manifest;
    Error err = {0};
    if (size < 2)
        return 0;
    Arena *arena = arena_new(8 << 20);
    const char *bytes = (const char *)data + 2;
    bool snapshot = data[0] & 1;
    if ((data[0] & 6) == 2) {
        if (mef_page_from_json(bytes, size - 2, snapshot, arena, &page, &err))
            check_page(&page);
    } else if ((data[0] & 6) == 4) {
        (void)mef_manifest_read(bytes, size - 2, NULL, 0, arena, &manifest, &err);
    } else {
        lines(bytes, size - 2, data[1] % 64 + 1, snapshot, arena);
    }
    arena_free(arena);
    return 0;
}
