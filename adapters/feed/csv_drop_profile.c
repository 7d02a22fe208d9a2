/* SPDX-License-Identifier: Apache-2.0 */
/* How one site's CSV differs from the contract's, read from a file in strict YAML. */
#include "adapters/feed/csv_drop_profile.h"

#include "daemon/base/cleanup.h"
#include "daemon/base/yaml.h"

#include <string.h>

static const struct {
    const char *word;
    char byte;
} delimiters[] = {{",", ','}, {";", ';'}, {"|", '|'}, {"tab", '\t'}},
  separators[] = {{"|", '|'}, {",", ','}, {";", ';'}, {"/", '/'}};

static const char *const date_words[] = {
#define CSV_DATES(name, word, form, year_first) word,
#include "adapters/feed/csv_drop_profile.def"
#undef CSV_DATES
};

/* ---- reading ---- */

static bool only_keys(const YamlNode *map, const char *const *keys, size_t count, Error *err)
{
    if (map->kind != YAML_MAP)
        return yaml_error(map, err, "a map is needed here");
    for (size_t i = 0; i < map->count; i++) {
        bool known = false;
        for (size_t j = 0; j < count; j++)
            known |= strcmp(map->keys[i], keys[j]) == 0;
        if (!known)
            return yaml_error(map->items[i], err, "\"%s\" is not known here", map->keys[i]);
    }
    return true;
}

static bool read_name(const YamlNode *node, Arena *arena, const char **ret, Error *err)
{
    if (node->kind != YAML_TEXT || !*node->text)
        return yaml_error(node, err, "a name is needed here");
    *ret = arena_text(arena, node->text);
    return true;
}

static bool is_column(const CsvTable *table, bool part, const char *name, Arena *arena)
{
    const char *texts[] = {part ? NULL : table->columns, table->part_columns};
    for (size_t i = 0; i < COUNT_OF(texts); i++) {
        CsvColumns columns;
        if (!texts[i])
            continue;
        csv_columns_read(texts[i], arena, &columns);
        for (size_t j = 0; j < columns.count; j++)
            if (strcmp(columns.items[j].name, name) == 0)
                return true;
    }
    return table->part_key && strcmp(table->part_key, name) == 0;
}

static bool read_columns(const YamlNode *map, const CsvTable *table, bool part, Arena *arena,
                         CsvProfileFile *ret, Error *err)
{
    if (map->kind != YAML_MAP)
        return yaml_error(map, err, "a map is needed here: the contract's name, the site's name");
    ret->columns = arena_array(arena, map->count + 1, sizeof *ret->columns);
    for (size_t i = 0; i < map->count; i++) {
        CsvRenamed *column = &ret->columns[ret->count++];
        column->column = arena_text(arena, map->keys[i]);
        if (!is_column(table, part, column->column, arena))
            return yaml_error(map->items[i], err, "the contract has no column \"%s\" in \"%s\"",
                              column->column, ret->file);
        if (!read_name(map->items[i], arena, &column->said, err))
            return false;
        for (size_t j = 0; j + 1 < ret->count; j++)
            if (strcmp(ret->columns[j].said, column->said) == 0)
                return yaml_error(map->items[i], err, "column \"%s\" stands for two", column->said);
    }
    return true;
}

static bool read_file(const char *name, const YamlNode *node, Arena *arena, CsvProfileFile *ret,
                      Error *err)
{
    static const char *const keys[] = {"file", "columns"};
    const YamlNode *said = yaml_get(node, "file"), *columns = yaml_get(node, "columns");
    bool part;
    ret->file = ret->said = arena_format(arena, "%s.csv", name);
    int table = csv_table_find(ret->file, &part);
    if (table < 0)
        return yaml_error(node, err, "the contract has no file \"%s\"", name);
    if (!only_keys(node, keys, COUNT_OF(keys), err) ||
        (said && !read_name(said, arena, &ret->said, err)))
        return false;
    size_t size = strlen(ret->said);
    if (size < 5 || strcasecmp(ret->said + size - 4, ".csv") != 0 || strchr(ret->said, '/'))
        return yaml_error(said, err, "a file's name ends in .csv and has no folder");
    return !columns || read_columns(columns, csv_table((size_t)table), part, arena, ret, err);
}

static bool read_files(const YamlNode *map, Arena *arena, CsvProfile *ret, Error *err)
{
    if (map->kind != YAML_MAP)
        return yaml_error(map, err, "a map is needed here: the contract's file, and what differs");
    ret->files = arena_array(arena, map->count + 1, sizeof *ret->files);
    for (size_t i = 0; i < map->count; i++) {
        CsvProfileFile *file = &ret->files[i];
        if (!read_file(map->keys[i], map->items[i], arena, file, err))
            return false;
        for (size_t j = 0; j < i; j++)
            if (strcmp(ret->files[j].said, file->said) == 0)
                return yaml_error(map->items[i], err, "file \"%s\" stands for two", file->said);
        ret->count++;
    }
    return true;
}

static bool read_dialect(const YamlNode *root, CsvProfile *ret, Error *err)
{
    const YamlNode *delimiter = yaml_get(root, "delimiter"), *lists = yaml_get(root, "lists"),
                   *dates = yaml_get(root, "dates");
    for (size_t i = 0; delimiter && i <= COUNT_OF(delimiters); i++) {
        if (i == COUNT_OF(delimiters))
            return yaml_error(delimiter, err, "a delimiter is one of , ; | tab");
        if (delimiter->kind != YAML_TEXT || strcmp(delimiter->text, delimiters[i].word) != 0)
            continue;
        ret->delimiter = delimiters[i].byte;
        break;
    }
    for (size_t i = 0; lists && i <= COUNT_OF(separators); i++) {
        if (i == COUNT_OF(separators))
            return yaml_error(lists, err, "the entries of a list are separated by one of | , ; /");
        if (lists->kind != YAML_TEXT || strcmp(lists->text, separators[i].word) != 0)
            continue;
        ret->dialect.list = separators[i].byte;
        break;
    }
    for (size_t i = 0; dates && i <= COUNT_OF(date_words); i++) {
        if (i == COUNT_OF(date_words))
            return yaml_error(dates, err, "dates are one of %s, %s, %s, %s, %s", date_words[0],
                              date_words[1], date_words[2], date_words[3], date_words[4]);
        if (dates->kind != YAML_TEXT || strcmp(dates->text, date_words[i]) != 0)
            continue;
        ret->dialect.dates = (CsvDates)i;
        break;
    }
    return true;
}

bool csv_profile_load(const char *path, Arena *arena, const CsvProfile **ret, Error *err)
{
    static const char *const keys[] = {"delimiter", "dates", "lists", "files"};
    CsvProfile *profile = arena_alloc(arena, sizeof *profile);
    *profile = (CsvProfile){.dialect = csv_contract, .delimiter = ','};
    YamlNode *root;
    if (path) {
        if (!yaml_load(path, arena, &root, err))
            return false;
        const YamlNode *files = yaml_get(root, "files");
        if (!only_keys(root, keys, COUNT_OF(keys), err) || !read_dialect(root, profile, err) ||
            (files && !read_files(files, arena, profile, err)))
            return false;
    }
    *ret = profile;
    return true;
}

/* ---- using ---- */

static const CsvProfileFile *find_said(const CsvProfile *profile, const char *said)
{
    for (size_t i = 0; i < profile->count; i++)
        if (strcmp(profile->files[i].said, said) == 0)
            return &profile->files[i];
    return NULL;
}

const char *csv_profile_file(const CsvProfile *profile, const char *said)
{
    const CsvProfileFile *file = find_said(profile, said);
    return file ? file->file : said;
}

const char *csv_profile_column(const CsvProfile *profile, const char *said_file, const char *column)
{
    const CsvProfileFile *file = find_said(profile, said_file);
    for (size_t i = 0; file && i < file->count; i++)
        if (strcmp(file->columns[i].column, column) == 0)
            return file->columns[i].said;
    return column;
}

bool csv_profile_open(const CsvProfile *profile, const DropFile *file, Arena *arena,
                      CsvReader **ret, Error *err)
{
    const CsvProfileFile *known = find_said(profile, file->name);
    bool part, records = csv_table_find(csv_profile_file(profile, file->name), &part) >= 0;
    if (!csv_open_delimited(file->path, records ? profile->delimiter : ',', ret, err))
        return false;
    const CsvRow *header = csv_header(*ret);
    for (size_t i = 0; known && i < header->count; i++) {
        const char *said = header->fields[i], *name = said;
        for (size_t j = 0; j < known->count; j++) {
            if (strcmp(known->columns[j].said, said) == 0) {
                name = known->columns[j].column;
                break;
            }
            if (strcmp(known->columns[j].column, said) == 0)
                name = arena_format(arena, "~%s", said); /* another column is that one */
        }
        csv_rename(*ret, i, name);
    }
    return true;
}

const char *csv_profile_missing(const CsvProfile *profile, const DropFile *file,
                                const CsvReader *reader, size_t *place)
{
    const CsvProfileFile *known = find_said(profile, file->name);
    while (known && *place < known->count) {
        const CsvRenamed *column = &known->columns[(*place)++];
        if (csv_column(reader, column->column) < 0)
            return column->said;
    }
    return NULL;
}
