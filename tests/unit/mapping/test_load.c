/* SPDX-License-Identifier: Apache-2.0 */
/* A mapping file says exactly what it may say: every other word is an error with its place. */
#include "daemon/base/cleanup.h"
#include "daemon/base/csv.h"
#include "daemon/base/file.h"
#include "daemon/mapping/sample.h"
#include "tests/unit/suite.h"

#include <ftw.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#define HEAD "mapping: test\nversion: \"1\"\ndataset: mhsds-6.0\ntables:\n"
#define MPI HEAD "  - table: MHS001\n    each: person\n    items:\n"

static Arena *arena;
static const Dataset *dataset;
static char folder[64];

static void fail_on(bool ok, const Error *err)
{
    char text[640];
    ck_assert_msg(ok, "%s", error_text(err, text, sizeof text));
}

static void put(const char *name, const char *content)
{
    Error err = {0};
    fail_on(file_write(arena_format(arena, "%s/%s", folder, name), content, strlen(content), 0600,
                       &err),
            &err);
}

static int remove_one(const char *path, const struct stat *info, int kind, struct FTW *walk)
{
    (void)info, (void)kind, (void)walk;
    return remove(path);
}

static void setup(void)
{
    Error err = {0};
    arena = arena_new((size_t)256 << 20);
    snprintf(folder, sizeof folder, "/tmp/mhsflow-mapping-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(folder));
    ck_assert_int_eq(mkdir(arena_format(arena, "%s/codes", folder), 0700), 0);
    fail_on(
        dataset_open(arena_format(arena, "%s/mappings/mhsds-6.0", getenv("MHSFLOW_SOURCE_ROOT")),
                     arena, &dataset, &err),
        &err);
}

static void teardown(void)
{
    nftw(folder, remove_one, 8, FTW_DEPTH | FTW_PHYS);
    arena_free(arena);
}

static bool open_text(const char *text, const Mapping **ret, Error *err)
{
    put("mapping.yaml", text);
    return mapping_open(arena_format(arena, "%s/mapping.yaml", folder), dataset, arena, ret, err);
}

static void refused(const char *text, const char *place, const char *what)
{
    Error err = {0};
    char said[640];
    const Mapping *mapping = NULL;
    ck_assert_msg(!open_text(text, &mapping, &err), "accepted: %s", text);
    error_text(&err, said, sizeof said);
    ck_assert_msg(strstr(said, place) && strstr(said, what), "want %s and \"%s\", got %s", place,
                  what, said);
    ck_assert_int_eq(err.kind, ERROR_CONFIG);
}

START_TEST(what_is_not_in_the_vocabulary_is_refused)
{
    refused("mapping: test\nversoin: 1\n", "mapping.yaml:2:10", "did you mean \"version\"");
    refused("mapping: test\n", "mapping.yaml:1", "needs `mapping`, `version`");
    refused("mapping: test\nversion: 1\ndataset: other\ntables: []\n", "mapping.yaml",
            "the data set loaded is");
    refused(HEAD "  - {table: MHS999, each: person, items: {}}\n", ":5:", "must name a table");
    refused(HEAD "  - {table: MHS001, each: human, items: {}}\n", ":5:", "not a record type");
    refused(HEAD "  - {table: MHS001, items: {}}\n", ":5:", "needs `each`");
    refused(HEAD "  - {table: MHS001, each: person}\n", ":5:", "needs `items`");
    refused(HEAD "  - {table: MHS001, each: person, wher: a, items: {}}\n",
            ":5:", "did you mean \"where\"");
    refused(MPI "      Nonsense: {from: id}\n", ":8:", "not an element of MHS001MPI");
    refused(MPI "      Postcode: {from: a}\n      NHSNumber: {from: b}\n", ":9:", "keep its order");
    refused(MPI "      Postcode: {form: a}\n", ":8:", "did you mean \"from\"");
    refused(MPI "      Postcode: {from: a, transform: postcde}\n",
            ":8:", "did you mean \"postcode\"");
    refused(MPI "      Postcode: {from: A b}\n", ":8:", "not a path");
    refused(MPI "      Postcode: {from: a..b}\n", ":8:", "not a path");
    refused(MPI "      Postcode: {from: item.x}\n", ":8:", "no item");
    refused(MPI "      Postcode: {}\n", ":8:", "needs `from` or `value`");
    refused(MPI "      Postcode: {from: a, value: b}\n", ":8:", "stands alone");
    refused(MPI "      Postcode: {from: a, when: maybe}\n", ":8:", "not a condition");
    refused(MPI "      Postcode: {from: a, when: has children}\n", ":8:", "not a record type");
    refused(MPI "      Postcode: {from: a, max: long}\n", ":8:", "number of characters");
    refused(MPI "      Postcode: {from: a, from_month: 2026-13}\n", ":8:", "YYYY-MM");
    refused(MPI "      Postcode: {from: a, otherwise: blank}\n", ":8:", "goes with `codes`");
}
END_TEST

START_TEST(code_lists_are_checked_when_they_are_read)
{
    const char *line = MPI "      EthnicCategory: {from: a, codes: list, otherwise: blank}\n";
    refused(line, "codes/list.csv", "mapping.yaml:8");
    put("codes/list.csv", "local,national\nA,A\n");
    refused(line, "list.csv", "note");
    put("codes/list.csv", "local,national,note,from,to\nA,QQ,,,\n");
    refused(line, "codes/list.csv:2", "not a national code of EthnicCategory");
    put("codes/list.csv", "local,national,note,from,to\nA,B,,,\n a ,C,,,\n");
    refused(line, "codes/list.csv:3", "has a row already");
    put("codes/list.csv", "local,national,note,from,to\nA,B,,2026-05,2026-04\n");
    refused(line, "codes/list.csv:2", "after");
    put("codes/list.csv", "local,national,note,from,to\nA,B,,April,\n");
    refused(line, "codes/list.csv:2", "months");
    put("codes/list.csv", "local,national,note,from,to\n,B,,,\n");
    refused(line, "codes/list.csv:2", "blank");
    put("codes/list.csv", "local,national,note,from,to,finding\nA,B,,,,no_such\n");
    refused(line, "codes/list.csv:2", "kind of finding");
    refused(MPI "      EthnicCategory: {from: a, codes: ../list, otherwise: blank}\n",
            ":8:", "not a name");
    put("codes/list.csv", "local,national,note,from,to\nA,B,,,\n");
    refused(MPI "      EthnicCategory: {from: a, codes: list}\n", ":8:", "needs `otherwise`");
    refused(MPI "      EthnicCategory: {from: a, codes: list, otherwise: QQ}\n",
            ":8:", "not a national code");
}
END_TEST

START_TEST(the_version_follows_every_file)
{
    Error err = {0};
    const Mapping *one, *two, *three;
    const char *line = MPI "      EthnicCategory: {from: a, codes: list, otherwise: blank}\n";
    put("codes/list.csv", "local,national,note,from,to\nA,B,,,\n");
    fail_on(open_text(line, &one, &err), &err);
    fail_on(open_text(line, &two, &err), &err);
    put("codes/list.csv", "local,national,note,from,to\nA,C,,,\n");
    fail_on(open_text(line, &three, &err), &err);
    ck_assert_str_eq(mapping_version(one), mapping_version(two));
    ck_assert_str_ne(mapping_version(one), mapping_version(three));
    ck_assert_str_eq(mapping_name(one), "test");
}
END_TEST

static const char *ethnicity_in(const Mapping *mapping, const char *month)
{
    static const char records[] = "{\"op\":\"upsert\",\"type\":\"organisation\",\"id\":\"O\","
                                  "\"org\":\"O\",\"record\":{\"id\":\"O\",\"ods_code\":"
                                  "\"V9X01\"}}\n"
                                  "{\"op\":\"upsert\",\"type\":\"person\",\"id\":\"P\",\"org\":"
                                  "\"O\",\"record\":{\"id\":\"P\",\"a\":\"old  "
                                  "code\",\"b\":\"J\"}}\n"
                                  "{\"op\":\"upsert\",\"type\":\"referral\",\"id\":\"R\",\"org\":"
                                  "\"O\",\"record\":{\"id\":\"R\",\"person\":\"P\","
                                  "\"org\":\"O\",\"received_date\":\"2020-01-01\"}}\n";
    Error err = {0};
    Sample sample;
    MappedRows rows;
    MapFindings findings;
    Month at;
    fail_on(sample_read("test", records, strlen(records), arena, &sample, &err), &err);
    ck_assert(civil_parse_month(month, &at));
    MapPerson person = {.feed = sample.people[0].feed,
                        .id = "P",
                        .records = &sample.people[0].records,
                        .references = sample.references,
                        .settings = sample.settings};
    fail_on(mapping_person(mapping, &person, at, arena, &rows, &findings, &err), &err);
    for (size_t i = 0; i < rows.count; i++)
        if (strcmp(rows.items[i]->row.table->code, "MHS001") == 0)
            return row_get(&rows.items[i]->row,
                           table_element(rows.items[i]->row.table, "EthnicCategory"));
    ck_abort_msg("no row");
}

START_TEST(the_month_decides_between_lines_and_between_codes)
{
    Error err = {0};
    const Mapping *mapping;
    put("codes/list.csv",
        "local,national,note,from,to\nOLD CODE,A,,,2026-04\nold code,B,,2026-05,\n");
    fail_on(open_text(MPI
                      "      LocalPatientID: {from: id, transform: local_id}\n"
                      "      EthnicCategory:\n"
                      "        - {from: a, codes: list, otherwise: blank, to_month: 2026-08}\n"
                      "        - {from: b, from_month: 2026-09}\n"
                      "  - table: MHS101\n    each: referral\n    items:\n"
                      "      ServiceRequestID: {from: id, transform: local_id}\n"
                      "      LocalPatientID: {from: person.id, transform: local_id}\n"
                      "      ReferralRequestReceivedDate: {from: received_date, transform: date}\n",
                      &mapping, &err),
            &err);
    ck_assert_str_eq(ethnicity_in(mapping, "2026-04"), "A");
    ck_assert_str_eq(ethnicity_in(mapping, "2026-05"), "B");
    ck_assert_str_eq(ethnicity_in(mapping, "2026-08"), "B");
    ck_assert_str_eq(ethnicity_in(mapping, "2026-09"), "J");
}
END_TEST

START_TEST(the_standard_mapping_fills_every_mandatory_element)
{
    Error err = {0};
    const Mapping *mapping;
    const char *path = arena_format(arena, "%s/mappings/mhsds-6.0/standard/mapping.yaml",
                                    getenv("MHSFLOW_SOURCE_ROOT"));
    fail_on(mapping_open(path, dataset, arena, &mapping, &err), &err);
    static const char *const tables[] = {"MHS000", "MHS001", "MHS002", "MHS003", "MHS004", "MHS005",
                                         "MHS007", "MHS008", "MHS009", "MHS011", "MHS101", "MHS102",
                                         "MHS103", "MHS105", "MHS106", "MHS201", "MHS202", "MHS204",
                                         "MHS606", "MHS607", "MHS609", "MHS901", "MHS902"};
    for (size_t i = 0; i < COUNT_OF(tables); i++) {
        const Table *table = dataset_table(dataset, tables[i]);
        for (size_t j = 0; j < table->count; j++)
            if (table->elements[j].mandation == 'M')
                ck_assert_msg(mapping_line(mapping, &table->elements[j]) != NULL, "%s.%s",
                              tables[i], table->elements[j].name);
    }
}
END_TEST

static bool is_explained(const CsvRow *rows, size_t count, const Element *element, bool whole_table)
{
    for (size_t i = 0; i < count; i++)
        if (strcmp(rows[i].fields[0], element->table->code) == 0 &&
            (strcmp(rows[i].fields[1], element->name) == 0 ||
             (whole_table && !rows[i].fields[1][0])))
            return true;
    return false;
}

/* unfilled.csv says why of every element that no line fills, and of no other. */
START_TEST(what_is_not_filled_is_explained)
{
    Error err = {0};
    const Mapping *mapping;
    const char *base =
        arena_format(arena, "%s/mappings/mhsds-6.0/standard", getenv("MHSFLOW_SOURCE_ROOT"));
    _cleanup_csv_ CsvReader *reader = NULL;
    const CsvRow *row;
    CsvRow rows[512];
    size_t count = 0;
    fail_on(
        mapping_open(arena_format(arena, "%s/mapping.yaml", base), dataset, arena, &mapping, &err),
        &err);
    fail_on(csv_open(arena_format(arena, "%s/unfilled.csv", base), &reader, &err), &err);
    while (csv_next(reader, &row, &err) && row && count < COUNT_OF(rows)) {
        const char **fields = arena_array(arena, 2, sizeof *fields);
        fields[0] = arena_text(arena, row->fields[0]);
        fields[1] = arena_text(arena, row->fields[1]);
        rows[count++].fields = fields;
    }
    ck_assert_uint_gt(count, 50);
    for (size_t i = 0; i < dataset->table_count; i++)
        for (size_t j = 0; j < dataset->tables[i].count; j++) {
            const Element *element = &dataset->tables[i].elements[j];
            bool filled = mapping_line(mapping, element) != NULL;
            ck_assert_msg(filled != is_explained(rows, count, element, true), "%s.%s: %s",
                          element->table->code, element->name,
                          filled ? "filled, and said not to be"
                                 : "not filled, and nothing says why");
        }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("mapping/load");
    TCase *tests = tcase_create("load");
    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_add_test(tests, what_is_not_in_the_vocabulary_is_refused);
    tcase_add_test(tests, code_lists_are_checked_when_they_are_read);
    tcase_add_test(tests, the_version_follows_every_file);
    tcase_add_test(tests, the_month_decides_between_lines_and_between_codes);
    tcase_add_test(tests, the_standard_mapping_fills_every_mandatory_element);
    tcase_add_test(tests, what_is_not_filled_is_explained);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? 1 : 0;
}
