/* SPDX-License-Identifier: Apache-2.0 */
/* Reading a folder with one CSV file per table. */
#include "daemon/dataset/table_folder.h"

#include "daemon/base/cleanup.h"
#include "daemon/base/csv.h"
#include "daemon/base/text.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#define MOST_FILES 4096
#define MANIFEST "manifest.csv"

typedef struct FolderRead {
    const Dataset *dataset;
    const char *folder;
    bool *present;        /* by table index */
    const char **unknown; /* names of other CSV files, sorted */
    size_t unknown_count, unknown_capacity;
    RowSink rows;
    StructureSink faults;
    void *context;
    Arena *arena;
} FolderRead;

static bool fault(const FolderRead *reading, const StructureFault *found, Error *err)
{
    if (reading->faults)
        return reading->faults(reading->context, found, err);
    return error_set(err, ERROR_DATA, "folder.structure", "%s",
                     structure_text(found, false, reading->arena));
}

/* The table a file name stands for; NULL when it is none. */
static const Table *file_table(const Dataset *dataset, const char *file)
{
    char name[128];
    size_t size = strlen(file) - 4; /* ".csv" was seen */
    if (size >= sizeof name)
        return NULL;
    memcpy(name, file, size);
    name[size] = '\0';
    const Table *table = dataset_table(dataset, name);
    return table && text_equal(table->name, name) ? table : NULL;
}

static bool is_csv(const char *file)
{
    size_t size = strlen(file);
    return size > 4 && strcasecmp(file + size - 4, ".csv") == 0;
}

static int name_compare(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* Only names are looked at here; other files than CSV do not matter. */
static bool folder_list(FolderRead *reading, Error *err)
{
    _cleanup_closedir_ DIR *dir = opendir(reading->folder);
    if (!dir)
        return error_errno(err, errno, "folder.open", "could not open folder %s", reading->folder);
    const struct dirent *entry;
    for (size_t files = 0; (entry = readdir(dir)); files++) {
        if (files == MOST_FILES)
            return error_set(err, ERROR_DATA, "folder.files", "%s holds more than %d files",
                             reading->folder, MOST_FILES);
        if (!is_csv(entry->d_name) || text_equal(entry->d_name, MANIFEST))
            continue;
        const Table *table = file_table(reading->dataset, entry->d_name);
        size_t size = strlen(entry->d_name);
        if (table && text_equal(entry->d_name + size - 4, ".csv")) {
            reading->present[table->index] = true;
            continue;
        }
        reading->unknown = arena_grow(reading->arena, reading->unknown, reading->unknown_count,
                                      &reading->unknown_capacity, sizeof *reading->unknown);
        reading->unknown[reading->unknown_count++] = arena_text(reading->arena, entry->d_name);
    }
    if (reading->unknown_count > 1)
        qsort(reading->unknown, reading->unknown_count, sizeof *reading->unknown, name_compare);
    return true;
}

static bool unknown_report(const FolderRead *reading, Error *err)
{
    const Dataset *dataset = reading->dataset;
    const char **names = arena_array(reading->arena, dataset->table_count, sizeof *names);
    for (size_t i = 0; i < dataset->table_count; i++)
        names[i] = arena_format(reading->arena, "%s.csv", dataset->tables[i].name);
    for (size_t i = 0; i < reading->unknown_count; i++) {
        StructureFault found = {.kind = STRUCTURE_TABLE_UNKNOWN,
                                .name = reading->unknown[i],
                                .near =
                                    text_nearest(reading->unknown[i], names, dataset->table_count),
                                .file = "folder"};
        if (!fault(reading, &found, err))
            return false;
    }
    return true;
}

/* Where each element's value stands in the file's rows; -1: not there. */
static bool columns_find(const FolderRead *reading, const Table *table, const char *file,
                         const CsvRow *header, int *columns, Error *err)
{
    const char **names = arena_array(reading->arena, table->count, sizeof *names);
    for (size_t i = 0; i < table->count; i++) {
        names[i] = table->elements[i].name;
        columns[i] = -1;
    }
    for (size_t i = 0; i < header->count; i++) {
        const Element *element = table_element(table, header->fields[i]);
        if (element) {
            columns[element->index] = (int)i;
            continue;
        }
        StructureFault found = {.kind = STRUCTURE_COLUMN_UNKNOWN,
                                .table = table,
                                .name = header->fields[i],
                                .near = text_nearest(header->fields[i], names, table->count),
                                .file = file,
                                .column = (int)i + 1};
        if (!fault(reading, &found, err))
            return false;
    }
    for (size_t i = 0; i < table->count; i++) {
        StructureFault found = {.kind = STRUCTURE_COLUMN_MISSING,
                                .table = table,
                                .element = &table->elements[i],
                                .file = file};
        if (columns[i] < 0 && !fault(reading, &found, err))
            return false;
    }
    return true;
}

static bool table_open(const FolderRead *reading, const char *file, CsvReader **ret, Error *err)
{
    struct stat about;
    const char *path = arena_format(reading->arena, "%s/%s", reading->folder, file);
    if (stat(path, &about) != 0)
        return error_errno(err, errno, "folder.open", "could not open %s", path);
    if (!S_ISREG(about.st_mode))
        return error_set(err, ERROR_DATA, "folder.open", "%s is not a file", path);
    return csv_open(path, ret, err);
}

static bool table_read(const FolderRead *reading, const Table *table, Error *err)
{
    _cleanup_csv_ CsvReader *csv = NULL;
    const char *file = arena_format(reading->arena, "%s.csv", table->name);
    int *columns = arena_array(reading->arena, table->count, sizeof *columns);
    Row *row = row_new(table, reading->arena);
    if (!table_open(reading, file, &csv, err) ||
        !columns_find(reading, table, file, csv_header(csv), columns, err))
        return false;
    for (;;) {
        const CsvRow *fields;
        if (!csv_next(csv, &fields, err))
            return false;
        if (!fields)
            return true;
        for (size_t i = 0; i < table->count; i++) {
            const char *value = columns[i] < 0 ? "" : fields->fields[columns[i]];
            row->values[i] = *value ? value : NULL;
        }
        row->number = fields->number;
        if (!reading->rows(reading->context, row, err))
            return false;
    }
}

bool table_folder_read(const Dataset *dataset, const char *folder, bool partial, RowSink rows,
                       StructureSink faults, void *context, Error *err)
{
    _cleanup_arena_ Arena *arena = arena_new((size_t)16 << 20);
    FolderRead reading = {.dataset = dataset,
                          .folder = folder,
                          .present = arena_array(arena, dataset->table_count, sizeof(bool)),
                          .rows = rows,
                          .faults = faults,
                          .context = context,
                          .arena = arena};
    if (!folder_list(&reading, err) || !unknown_report(&reading, err))
        return false;
    for (size_t i = 0; i < dataset->table_count; i++) {
        const Table *table = &dataset->tables[i];
        StructureFault missing = {
            .kind = STRUCTURE_TABLE_MISSING, .table = table, .file = "folder"};
        if (reading.present[i] ? !table_read(&reading, table, err)
                               : !partial && !fault(&reading, &missing, err))
            return false;
        if (!arena_check(arena, err))
            return false;
    }
    return true;
}

bool table_folder_tables(const Dataset *dataset, const char *folder, bool *ret_present, Error *err)
{
    _cleanup_arena_ Arena *arena = arena_new((size_t)1 << 20);
    FolderRead reading = {
        .dataset = dataset, .folder = folder, .present = ret_present, .arena = arena};
    return folder_list(&reading, err);
}
