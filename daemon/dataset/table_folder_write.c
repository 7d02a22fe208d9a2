/* SPDX-License-Identifier: Apache-2.0 */
/* Writing a folder with one CSV file per table, and its manifest. */
#include "daemon/dataset/document.h"
#include "daemon/dataset/table_folder.h"

#include "daemon/base/cleanup.h"
#include "daemon/base/digest.h"
#include "daemon/base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#define ROW_LIMIT ((size_t)8 << 20)

struct FolderWriter {
    const Dataset *dataset;
    char *folder;
    Arena *arena, *row;
    Digest *digest;
    Text manifest;
    FILE *file;  /* of table `next` - 1 */
    size_t next; /* the table whose file comes next */
    uint64_t rows;
};

static bool could_not_write(const FolderWriter *writer, const Table *table, Error *err)
{
    return error_errno(err, errno, "folder.write", "could not write %s/%s.csv", writer->folder,
                       table->name);
}

/* A field as it is: no guard, since this is for import and not for a spreadsheet. */
static void field_add(Text *text, const char *value)
{
    if (!strpbrk(value, ",\"\r\n")) {
        text_add(text, value);
        return;
    }
    text_add(text, "\"");
    for (const char *c = value; *c; c++)
        text_add_bytes(text, *c == '"' ? "\"\"" : c, *c == '"' ? 2 : 1);
    text_add(text, "\"");
}

static bool put(FolderWriter *writer, const Table *table, const Text *text, Error *err)
{
    if (!text_ok(text))
        return error_set(err, ERROR_DATA, "folder.size", "a row of %s is larger than a row may be",
                         table->name);
    digest_add(writer->digest, text->bytes, text->size);
    return fwrite(text->bytes, 1, text->size, writer->file) == text->size ||
           could_not_write(writer, table, err);
}

static bool table_begin(FolderWriter *writer, Error *err)
{
    const Table *table = &writer->dataset->tables[writer->next++];
    Text header = text_new(writer->row, ROW_LIMIT);
    const char *path = arena_format(writer->row, "%s/%s.csv", writer->folder, table->name);
    _cleanup_close_ int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd < 0 || !(writer->file = fdopen(fd, "w")))
        return could_not_write(writer, table, err);
    (void)TAKE_FD(fd);
    writer->rows = 0;
    for (size_t i = 0; i < table->count; i++)
        text_addf(&header, "%s%s", i ? "," : "", table->elements[i].name);
    text_add(&header, "\r\n");
    return put(writer, table, &header, err);
}

static bool table_end(FolderWriter *writer, Error *err)
{
    const Table *table = &writer->dataset->tables[writer->next - 1];
    uint8_t digest[DIGEST_SIZE];
    char hex[DIGEST_HEX_SIZE];
    FILE *file = TAKE_PTR(writer->file);
    bool written = fflush(file) == 0 && fsync(fileno(file)) == 0;
    if (fclose(file) != 0 || !written)
        return could_not_write(writer, table, err);
    digest_finish(writer->digest, digest);
    text_addf(&writer->manifest, "%s.csv,%s,%llu,%s\r\n", table->name, table->code,
              (unsigned long long)writer->rows, digest_hex(digest, hex));
    arena_reset(writer->row);
    return true;
}

/* Files up to and with `index` are begun, all before it ended. */
static bool advance(FolderWriter *writer, size_t index, Error *err)
{
    while (writer->next <= index) {
        if (writer->file && !table_end(writer, err))
            return false;
        if (!table_begin(writer, err))
            return false;
    }
    return true;
}

static bool folder_is_empty(const char *folder, Error *err)
{
    _cleanup_closedir_ DIR *dir = opendir(folder);
    const struct dirent *entry;
    if (!dir)
        return error_errno(err, errno, "folder.open", "could not open folder %s", folder);
    while ((entry = readdir(dir)))
        if (!text_equal(entry->d_name, ".") && !text_equal(entry->d_name, ".."))
            return error_set(err, ERROR_CONFIG, "folder.full",
                             "folder %s is not empty: an export needs a folder of its own", folder);
    return true;
}

bool folder_begin(const Dataset *dataset, const char *folder, FolderWriter **ret, Error *err)
{
    if (!file_make_folder(folder, 0700, err) || !folder_is_empty(folder, err))
        return false;
    Arena *arena = arena_new((size_t)4 << 20);
    FolderWriter *writer = arena_alloc(arena, sizeof *writer);
    *writer = (FolderWriter){.dataset = dataset,
                             .folder = arena_text(arena, folder),
                             .arena = arena,
                             .row = arena_new(ROW_LIMIT * 2),
                             .digest = digest_new(),
                             .manifest = text_new(arena, (size_t)1 << 20)};
    text_add(&writer->manifest, "file,table,rows,sha256\r\n");
    *ret = writer;
    return true;
}

bool folder_row(FolderWriter *writer, const Row *row, Error *err)
{
    const Table *table = row->table;
    if (table->index + 1 < writer->next)
        return error_set(err, ERROR_BUG, "folder.order", "a row of %s came too late", table->name);
    if (!advance(writer, table->index, err))
        return false;
    arena_reset(writer->row);
    Text text = text_new(writer->row, ROW_LIMIT);
    for (size_t i = 0; i < table->count; i++) {
        if (i)
            text_add(&text, ",");
        if (row->values[i])
            field_add(&text, row->values[i]);
    }
    text_add(&text, "\r\n");
    writer->rows++;
    return put(writer, table, &text, err);
}

bool folder_end(FolderWriter *writer, Error *err)
{
    if (!advance(writer, writer->dataset->table_count - 1, err) || !table_end(writer, err))
        return false;
    return file_write(arena_format(writer->arena, "%s/manifest.csv", writer->folder),
                      writer->manifest.bytes, writer->manifest.size, 0600, err);
}

void folder_free(FolderWriter *writer)
{
    if (!writer)
        return;
    if (writer->file)
        fclose(writer->file);
    digest_free(writer->digest);
    arena_free(writer->row);
    arena_free(writer->arena);
}

static bool row_write(void *context, const Row *row, Error *err)
{
    return folder_row(context, row, err);
}

bool table_folder_write(const Dataset *dataset, const char *document, const char *folder,
                        Error *err)
{
    _cleanup_folder_ FolderWriter *writer = NULL;
    return folder_begin(dataset, folder, &writer, err) &&
           document_read(dataset, document, row_write, NULL, writer, err) &&
           folder_end(writer, err);
}
