/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/dataset/dataset.h"
#include "tests/unit/dataset/pack.h"

START_TEST(the_pack_is_the_whole_data_set)
{
    const Dataset *dataset = pack();
    size_t accepted = 0, levels[3] = {0};
    ck_assert_uint_eq(dataset->table_count, 61);
    ck_assert_uint_eq(dataset->element_count, 439);
    ck_assert_uint_eq(dataset->rule_count, 1157);
    for (size_t i = 0; i < dataset->scale_count; i++)
        accepted += dataset->scales[i].accepted;
    ck_assert_uint_eq(accepted, 430);
    ck_assert_uint_eq(dataset->scale_count, 496);
    for (size_t i = 0; i < dataset->rule_count; i++)
        levels[dataset->rules[i].level]++;
    ck_assert_uint_eq(levels[RULE_FILE], 15);
    ck_assert_uint_eq(levels[RULE_GROUP], 112);
    ck_assert_uint_eq(levels[RULE_RECORD], 1030);
    ck_assert_str_eq(dataset->header->name, "MHS000Header");
    ck_assert_str_eq(dataset->person->code, "MHS001");
}
END_TEST

START_TEST(things_are_found_by_name)
{
    const Dataset *dataset = pack();
    const Table *referral = dataset_table(dataset, "MHS101");
    ck_assert_ptr_nonnull(referral);
    ck_assert_ptr_eq(referral, dataset_table(dataset, "MHS101Referral"));
    ck_assert_ptr_null(dataset_table(dataset, "MHS603"));
    ck_assert_ptr_eq(referral->parent, dataset->person);
    ck_assert_str_eq(referral->parent_link->name, "LocalPatientID");
    ck_assert_uint_eq(referral->key_count, 1);
    const Element *attended = table_element(dataset_table(dataset, "MHS201"), "AttendStatus");
    ck_assert_ptr_eq(dataset_element_by_id(dataset, attended->id), attended);
    ck_assert_ptr_null(table_element(referral, "AttendStatus"));
    ck_assert_str_eq(code_find(attended->codes, "5", 0)->code, "5");
    ck_assert_ptr_null(code_find(attended->codes, "1", 0));
    ck_assert_str_eq(dataset_scale(dataset, "1037651000000100")->max, "8");
    ck_assert_ptr_null(dataset_scale(dataset, "1"));
    ck_assert_ptr_null(dataset_rule(dataset, "MHS99999"));
    ck_assert_int_eq(dataset_rule(dataset, "MHS20168")->severity, SEVERITY_RECORD_REJECTED);
}
END_TEST

START_TEST(who_belongs_to_a_person)
{
    const Dataset *dataset = pack();
    const char *const none[] = {"MHS000", "MHS301", "MHS302", "MHS608",
                                "MHS901", "MHS902", "MHS903"};
    size_t alone = 0;
    for (size_t i = 0; i < dataset->table_count; i++)
        alone += !dataset->tables[i].person;
    ck_assert_uint_eq(alone, sizeof none / sizeof *none);
    for (size_t i = 0; i < alone; i++)
        ck_assert(!dataset_table(dataset, none[i])->person);
}
END_TEST

START_TEST(codes_hold_in_their_months)
{
    Code codes[] = {{"A", "old", .to = 24315}, {"A", "new", .from = 24316}, {"B", "", 0, 0}};
    CodeList list = {"x", codes, 3};
    ck_assert_str_eq(code_find(&list, "A", 24315)->meaning, "old");
    ck_assert_str_eq(code_find(&list, "A", 24316)->meaning, "new");
    ck_assert_ptr_nonnull(code_find(&list, "B", 24316));
    codes[1].from = 24317;
    ck_assert_ptr_null(code_find(&list, "A", 24316));
    ck_assert_str_eq(code_find(&list, "A", 0)->meaning, "old");
    ck_assert_ptr_null(code_find(&list, "C", 0));
}
END_TEST

/* A copy of the smallest pack there can be, with one file changed. */
static const char *open_with(const char *file, const char *content)
{
    static const char yaml[] =
        "name: x\ntitle: X\nversion: \"1\"\nnamespace: \"urn:x\"\nroot: X\nheader: T0\nperson: T1\n"
        "referral: T1\ncontact: T1\n"
        "tables:\n"
        "  - {code: T0, name: T0Head, title: Head, include: always, elements: [\n"
        "      {name: A, id: M1, dictionary: A, format: an1, meaning: a}]}\n"
        "  - {code: T1, name: T1Person, title: Person, include: with-parent, elements: [\n"
        "      {name: B, id: M2, dictionary: B, format: max an20, key: true, codes: L, meaning: "
        "b}]}\n";
    static const char rules[] =
        "id,table,element,level,severity,check,arguments,message,remedy,note\n"
        "R1,T1Person,B,record,warning,blank,,m,r,\n";
    _cleanup_arena_ Arena *arena = arena_new(1 << 22);
    const char *folder = folder_new(arena);
    const struct {
        const char *name, *content;
    } files[] = {{"dataset.yaml", yaml},
                 {"codes/L.csv", "code,meaning,from,to\n1,one,,\n"},
                 {"scales.csv", "code,tool,term,min,max,values,accepted\n1,t,t,0,9,,Y\n"},
                 {"rules.csv", rules}};
    const Dataset *dataset;
    Error err = {0};
    mkdir(arena_format(arena, "%s/codes", folder), 0700);
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        const char *bytes = file && strcmp(files[i].name, file) == 0 ? content : files[i].content;
        file_put(arena, folder, files[i].name, bytes, strlen(bytes));
    }
    bool ok = dataset_open(folder, arena, &dataset, &err);
    folder_remove(folder);
    if (ok)
        return "ok";
    ck_assert_int_eq(err.kind, ERROR_CONFIG);
    const char *text = strstr(error_said(&err), "dataset-");
    return text ? strchr(text, '/') + 1 : error_said(&err);
}

#define HEAD "id,table,element,level,severity,check,arguments,message,remedy,note\n"
#define YAML_TOP                                                                                   \
    "name: x\ntitle: X\nversion: \"1\"\nnamespace: \"urn:x\"\nroot: X\nheader: T0\nperson: "       \
    "T0\ntables:\n"
#define TABLE(more)                                                                                \
    YAML_TOP "  - {code: T0, name: T0Head, title: Head, include: always, " more "}\n"
#define ELEMENT(more)                                                                              \
    TABLE("elements: [{name: A, id: M1, dictionary: A, key: true, meaning: a, " more "}]")

START_TEST(a_wrong_pack_is_refused_with_its_place)
{
    ck_assert_str_eq(open_with(NULL, NULL), "ok");
    ck_assert_str_eq(open_with("rules.csv", HEAD "R1,T9,,record,warning,blank,,m,r,\n"),
                     "rules.csv:2: rule R1: no table \"T9\"");
    ck_assert_str_eq(open_with("rules.csv", HEAD "R1,T1,A,record,warning,blank,,m,r,\n"),
                     "rules.csv:2: rule R1: no element \"A\" in its table");
    ck_assert_str_eq(open_with("rules.csv", HEAD "R1,T1,B,row,warning,blank,,m,r,\n"),
                     "rules.csv:2: rule R1: level is file, group or record");
    ck_assert_str_eq(open_with("rules.csv", HEAD "R1,T1,B,record,bad,blank,,m,r,\n"),
                     "rules.csv:2: rule R1: unknown severity \"bad\"");
    ck_assert_str_eq(open_with("rules.csv", HEAD "R1,T1,B,record,warning,b,,m,r,\n"
                                                 "R1,T1,B,record,warning,b,,m,r,\n"),
                     "rules.csv:3: rule R1 stands twice");
    ck_assert_str_eq(open_with("codes/L.csv", "code,meaning,from,to\n1,one,2026-13,\n"),
                     "codes/L.csv:2: \"2026-13\" is not a month such as 2026-04");
    ck_assert_str_eq(open_with("codes/L.csv", "code,meaning,from,to\n1,a,,\n1,b,2026-04,\n"),
                     "codes/L.csv: code \"1\" holds twice at once");
    ck_assert_str_eq(open_with("codes/L.csv", "code,meaning,from,to\n1,a,,2026-03\n1,b,2026-04,\n"),
                     "ok");
    ck_assert_str_eq(open_with("scales.csv", "code,tool,term,min,max,values,accepted\n1,,,,,,X\n"),
                     "scales.csv:2: accepted must be Y or N");
}
END_TEST

START_TEST(wrong_tables_are_refused_with_their_place)
{
    ck_assert_ptr_nonnull(strstr(open_with("dataset.yaml", ELEMENT("format: an1, formt: 1")),
                                 "\"formt\" is not known here; did you mean \"format\""));
    ck_assert_ptr_nonnull(
        strstr(open_with("dataset.yaml", ELEMENT("format: a1")), "unknown format \"a1\""));
    ck_assert_ptr_nonnull(strstr(open_with("dataset.yaml", ELEMENT("format: an1, mandation: X")),
                                 "\"mandation\" is M, R, O or P"));
    ck_assert_ptr_nonnull(strstr(open_with("dataset.yaml", ELEMENT("format: an1, blank: after")),
                                 "only a date can lie outside a month"));
    ck_assert_ptr_nonnull(
        strstr(open_with("dataset.yaml", ELEMENT("format: an1, reject_unknown: true")),
               "\"reject_unknown\" needs \"codes\""));
    ck_assert_ptr_nonnull(
        strstr(open_with("dataset.yaml", ELEMENT("format: an1, codes: None")), "None.csv"));
    ck_assert_ptr_nonnull(strstr(open_with("dataset.yaml", TABLE("elements: []")),
                                 "\"elements\" lists the table's elements"));
    ck_assert_ptr_nonnull(strstr(open_with("dataset.yaml", "name: x\n"), "\"title\" is missing"));
}
END_TEST

SUITE("dataset/dataset", the_pack_is_the_whole_data_set, things_are_found_by_name,
      who_belongs_to_a_person, codes_hold_in_their_months, a_wrong_pack_is_refused_with_its_place,
      wrong_tables_are_refused_with_their_place);
