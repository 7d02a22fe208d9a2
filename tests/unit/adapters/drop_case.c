/* SPDX-License-Identifier: Apache-2.0 */
/* A folder of drops, an adapter over it, and what a database would have after each page. */
#include "tests/unit/adapters/drop_case.h"

#include "daemon/base/digest.h"
#include "daemon/base/file.h"
#include "daemon/base/text.h"
#include "daemon/config/config.h"

#include <ftw.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zip.h>

static void open_adapter(DropCase *at, const char *more)
{
    YamlNode *map;
    const Section *section;
    const char *text = arena_format(at->arena, "name: drops\nadapter: %s\nfolder: %s\n%s",
                                    at->adapter->name, at->folder, more ? more : "");
    const OptionDecl *const tables[] = {feed_options, at->adapter->options};
    ck_assert(yaml_parse("settings", text, strlen(text), at->arena, &map, &at->err));
    ck_assert_msg(section_read(map, tables, 2, at->arena, &section, &at->err), "%s", at->err.cause);
    ck_assert_msg(at->adapter->open("drops", section, &at->self, &at->err), "%s", at->err.cause);
}

DropCase *drop_case_new(const FeedAdapter *adapter, const char *more_settings)
{
    DropCase *at = calloc(1, sizeof *at);
    at->adapter = adapter;
    at->arena = arena_new(64 << 20);
    at->work = arena_new(48 << 20);
    snprintf(at->folder, sizeof at->folder, "/tmp/drop-case-XXXXXX");
    ck_assert(mkdtemp(at->folder) != NULL);
    open_adapter(at, more_settings);
    return at;
}

static int remove_entry(const char *path, const struct stat *about, int flag, struct FTW *ftw)
{
    (void)about;
    (void)flag;
    (void)ftw;
    return remove(path);
}

void drop_case_free(DropCase *at)
{
    at->adapter->close(at->self);
    nftw(at->folder, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
    arena_free(at->arena);
    arena_free(at->work);
    free(at);
}

void drop_case_write_bytes(DropCase *at, const char *name, const void *bytes, size_t size)
{
    const char *path = arena_format(at->arena, "%s/%s", at->folder, name);
    char *folder = arena_text(at->arena, path);
    *strrchr(folder, '/') = '\0';
    mkdir(folder, 0700);
    FILE *file = fopen(path, "we");
    ck_assert(file != NULL);
    ck_assert_uint_eq(fwrite(bytes, 1, size, file), size);
    ck_assert_int_eq(fclose(file), 0);
}

void drop_case_write(DropCase *at, const char *name, const char *text)
{
    drop_case_write_bytes(at, name, text, strlen(text));
}

static const char *hex_of(DropCase *at, const void *bytes, size_t size)
{
    uint8_t sum[DIGEST_SIZE];
    char *hex = arena_alloc(at->arena, DIGEST_HEX_SIZE);
    digest_bytes(bytes, size, sum);
    digest_hex(sum, hex);
    return hex;
}

static int rows_of(const char *text)
{
    int rows = -1;
    for (; *text; text++)
        rows += *text == '\n';
    return rows;
}

/* The manifest's text for FILE, TEXT pairs. */
static const char *manifest_of(DropCase *at, const char *name, va_list files)
{
    Text text = text_new(at->arena, 1 << 16);
    text_add(&text, "feed,schema,mode,generated_at,period_from,period_to,file,rows,sha256\r\n");
    for (const char *file; (file = va_arg(files, const char *));) {
        const char *content = va_arg(files, const char *);
        text_addf(&text, "made-up,1,%s,2026-10-01T02:00:00Z,,,%s,%d,%s\r\n",
                  strstr(name, "_full_") ? "full" : "delta", file, rows_of(content),
                  hex_of(at, content, strlen(content)));
    }
    return text_get(&text);
}

void drop_case_drop(DropCase *at, const char *name, ...)
{
    va_list files;
    va_start(files, name);
    const char *manifest = manifest_of(at, name, files);
    va_end(files);
    drop_case_write(at, arena_format(at->arena, "%s/manifest.csv", name), manifest);
    va_start(files, name);
    for (const char *file; (file = va_arg(files, const char *));)
        drop_case_write(at, arena_format(at->arena, "%s/%s", name, file),
                        va_arg(files, const char *));
    va_end(files);
    drop_case_write(
        at, arena_format(at->arena, "%s.sha256", name),
        arena_format(at->arena, "%s  manifest.csv\n", hex_of(at, manifest, strlen(manifest))));
}

static void add_entry(zip_t *zip, const char *name, const char *text)
{
    zip_source_t *source = zip_source_buffer(zip, text, strlen(text), 0);
    ck_assert(source && zip_file_add(zip, name, source, ZIP_FL_ENC_UTF_8) >= 0);
}

void drop_case_zip(DropCase *at, const char *name, ...)
{
    va_list files;
    char *bytes;
    size_t size;
    const char *path = arena_format(at->arena, "%s/%s", at->folder, name);
    zip_t *zip = zip_open(path, ZIP_CREATE | ZIP_TRUNCATE, NULL);
    ck_assert(zip != NULL);
    va_start(files, name);
    add_entry(zip, "manifest.csv", manifest_of(at, name, files));
    va_end(files);
    va_start(files, name);
    for (const char *file; (file = va_arg(files, const char *));)
        add_entry(zip, file, va_arg(files, const char *));
    va_end(files);
    ck_assert_int_eq(zip_close(zip), 0);
    ck_assert(file_read(path, 1 << 20, at->arena, &bytes, &size, &at->err));
    drop_case_write(at, arena_format(at->arena, "%s.sha256", name), hex_of(at, bytes, size));
}

static void note_seen(DropCase *at)
{
    size_t used = strlen(at->seen), room = sizeof at->seen;
    for (size_t i = 0; i < at->page.count; i++, used = strlen(at->seen))
        snprintf(at->seen + used, room - used, "%s%s:%s ",
                 at->page.changes[i].op == CHANGE_UPSERT ? "" : "-", at->page.changes[i].type,
                 at->page.changes[i].id);
    for (size_t i = 0; i < at->page.refused_count; i++, used = strlen(at->seen))
        snprintf(at->seen + used, room - used, "!%s ", at->page.refused[i].code);
}

bool drop_case_fetch(DropCase *at, bool commit)
{
    error_clear(&at->err);
    arena_reset(at->work);
    if (!at->adapter->fetch(at->self, at->work, &at->cursor, &at->page, &at->wait, &at->err))
        return false;
    if (!commit)
        return true;
    note_seen(at);
    at->cursor = at->page.next;
    at->cursor.allowed = NULL; /* as the store does: for one page */
    at->cursor.phase = arena_text(at->arena, at->cursor.phase);
    at->cursor.cursor = arena_text(at->arena, at->cursor.cursor);
    if (at->page.sweep_before)
        at->swept = at->page.sweep_before;
    return true;
}

void drop_case_allow(DropCase *at)
{
    ck_assert_ptr_nonnull(at->wait.held);
    at->cursor.allowed = arena_text(at->arena, at->wait.held);
}

void drop_case_drain(DropCase *at)
{
    at->seen[0] = '\0';
    at->swept = 0;
    for (int page = 0; page < 1000; page++) {
        ck_assert_msg(drop_case_fetch(at, true), "%s %s", at->err.code, at->err.cause);
        if (!at->page.more)
            return;
    }
    ck_abort_msg("pages without end");
}

void drop_case_restart(DropCase *at)
{
    at->adapter->close(at->self);
    open_adapter(at, "page_size: 2\n");
}

bool drop_case_has(const DropCase *at, const char *name)
{
    char path[512];
    snprintf(path, sizeof path, "%s/%s", at->folder, name);
    return access(path, F_OK) == 0;
}

const char *drop_case_read(DropCase *at, const char *name)
{
    char *bytes;
    size_t size;
    const char *path = arena_format(at->arena, "%s/%s", at->folder, name);
    ck_assert_msg(file_read(path, 1 << 20, at->arena, &bytes, &size, &at->err), "%s",
                  at->err.cause);
    return bytes;
}

const char *drop_case_json(const DropCase *at, const char *id)
{
    const char *json = NULL;
    for (size_t i = 0; i < at->page.count; i++)
        if (strcmp(at->page.changes[i].id, id) == 0)
            json = at->page.changes[i].json;
    return json;
}
