/* SPDX-License-Identifier: Apache-2.0 */
/* Every example of the pack: records in, rows and document out, compared with the files beside it.
 *
 * MHSFLOW_GOLDEN=write makes the files anew; read the difference before committing it. */
#include "daemon/base/cleanup.h"
#include "daemon/base/file.h"
#include "daemon/dataset/document.h"
#include "daemon/mapping/sample.h"
#include "daemon/mapping/show.h"
#include "tests/unit/suite.h"

#include <glob.h>
#include <string.h>
#include <unistd.h>

#define TEXT_LIMIT ((size_t)4 << 20)

typedef struct Example {
    Arena *arena;
    const Dataset *dataset;
    const Mapping *mapping;
    Sample sample;
    MappedRows rows; /* of all people */
    const char *stem;
    Text text;
} Example;

static const char *pack(Arena *arena, const char *rest)
{
    return arena_format(arena, "%s/mappings/mhsds-6.0%s", getenv("MHSFLOW_SOURCE_ROOT"), rest);
}

static void fail_on(bool ok, const Error *err, const char *what)
{
    char text[640];
    ck_assert_msg(ok, "%s: %s", what, error_text(err, text, sizeof text));
}

static bool writing(void)
{
    const char *mode = getenv("MHSFLOW_GOLDEN");
    return mode && strcmp(mode, "write") == 0;
}

static void compare(Example *example, const char *ending, const char *made)
{
    Error err = {0};
    char *kept = NULL;
    size_t size = 0;
    const char *path = arena_format(example->arena, "%s%s", example->stem, ending);
    if (writing()) {
        fail_on(file_write(path, made, strlen(made), 0644, &err), &err, path);
        return;
    }
    fail_on(file_read(path, TEXT_LIMIT, example->arena, &kept, &size, &err), &err, path);
    ck_assert_msg(strcmp(kept, made) == 0, "%s differs; made:\n%s", path, made);
}

static void add_rows(Example *example, const MappedRows *rows)
{
    for (size_t i = 0; i < rows->count; i++) {
        show_row(rows->items[i], false, example->arena, &example->text);
        example->rows.items = arena_grow(example->arena, example->rows.items, example->rows.count,
                                         &example->rows.capacity, sizeof *example->rows.items);
        example->rows.items[example->rows.count++] = rows->items[i];
    }
}

static void map_people(Example *example)
{
    for (size_t i = 0; i < example->sample.count; i++) {
        const SamplePerson *from = &example->sample.people[i];
        MapPerson person = {.feed = from->feed,
                            .id = from->id,
                            .records = &from->records,
                            .references = example->sample.references,
                            .settings = example->sample.settings};
        Error err = {0};
        MappedRows rows;
        MapFindings findings;
        fail_on(mapping_person(example->mapping, &person, example->sample.month, example->arena,
                               &rows, &findings, &err),
                &err, example->stem);
        add_rows(example, &rows);
        for (size_t j = 0; j < findings.count; j++)
            show_finding(&findings.items[j], &example->text);
    }
}

static bool is_of(const MappedRow *row, const ProviderSettings *provider)
{
    return strcmp(row->provider->code, provider->code) == 0;
}

static void write_document(Example *example, const ProviderSettings *provider)
{
    Error err = {0};
    Text document = text_new(example->arena, TEXT_LIMIT);
    DocumentWriter writer;
    UsedIds *used = mapping_used_new(example->mapping, example->arena);
    for (size_t i = 0; i < example->rows.count; i++)
        if (is_of(example->rows.items[i], provider))
            mapping_use(used, &example->rows.items[i]->row);
    MapReference reference = {.references = example->sample.references,
                              .settings = example->sample.settings,
                              .provider = provider,
                              .month = example->sample.month,
                              .created_at = example->sample.created_at,
                              .used = used};
    MapFindings findings = {0};
    fail_on(document_begin(&writer, example->dataset, document_sink_text, &document, &err), &err,
            "begin");
    for (size_t t = 0; t < example->dataset->table_count; t++) {
        const Table *table = &example->dataset->tables[t];
        MappedRows rows = {0};
        if (mapping_is_reference(example->mapping, table))
            fail_on(mapping_reference(example->mapping, &reference, table, example->arena, &rows,
                                      &findings, &err),
                    &err, table->name);
        for (size_t i = 0; i < rows.count; i++)
            fail_on(document_row(&writer, &rows.items[i]->row, &err), &err, table->name);
        for (size_t i = 0; i < example->rows.count; i++)
            if (example->rows.items[i]->row.table == table &&
                is_of(example->rows.items[i], provider))
                fail_on(document_row(&writer, &example->rows.items[i]->row, &err), &err,
                        table->name);
    }
    fail_on(document_end(&writer, &err), &err, "end");
    for (size_t i = 0; i < findings.count; i++)
        show_finding(&findings.items[i], &example->text);
    const char *ending = arena_format(example->arena, ".%s.xml", provider->code);
    compare(example, ending, text_get(&document));
    const char *xsd = pack(example->arena, "/mhsds-6.0.xsd");
    const char *path = arena_format(example->arena, "%s%s", example->stem, ending);
    if (access(xsd, R_OK) == 0)
        fail_on(schema_validate_file(xsd, path, &err), &err, path);
}

static void run_example(const char *path)
{
    _cleanup_arena_ Arena *arena = arena_new((size_t)256 << 20);
    Example example = {.arena = arena,
                       .stem = arena_copy(arena, path, strlen(path) - strlen(".json"))};
    Error err = {0};
    char *bytes = NULL;
    size_t size = 0;
    example.text = text_new(arena, TEXT_LIMIT);
    fail_on(dataset_open(pack(arena, ""), arena, &example.dataset, &err), &err, "data set");
    fail_on(mapping_open(pack(arena, "/standard/mapping.yaml"), example.dataset, arena,
                         &example.mapping, &err),
            &err, "mapping");
    fail_on(file_read(path, TEXT_LIMIT, arena, &bytes, &size, &err), &err, path);
    fail_on(sample_read(path, bytes, size, arena, &example.sample, &err), &err, path);
    ck_assert_msg(example.sample.month && example.sample.created_at &&
                      example.sample.settings->provider_count,
                  "%s needs month, created_at and settings", path);
    map_people(&example);
    for (size_t i = 0; i < example.sample.settings->provider_count; i++)
        write_document(&example, &example.sample.settings->providers[i]);
    compare(&example, ".rows", text_get(&example.text));
}

static glob_t examples;

START_TEST(example_comes_out_as_written)
{
    run_example(examples.gl_pathv[_i]);
}
END_TEST

START_TEST(there_are_examples)
{
    ck_assert_uint_ge(examples.gl_pathc, 15);
}
END_TEST

int main(void)
{
    _cleanup_arena_ Arena *arena = arena_new((size_t)1 << 20);
    glob(pack(arena, "/examples/*.json"), 0, NULL, &examples);
    Suite *suite = suite_create("golden");
    TCase *tests = tcase_create("golden");
    tcase_add_test(tests, there_are_examples);
    tcase_add_loop_test(tests, example_comes_out_as_written, 0, (int)examples.gl_pathc);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    globfree(&examples);
    return failed ? 1 : 0;
}
