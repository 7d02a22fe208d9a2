/* SPDX-License-Identifier: Apache-2.0 */
/* The checker as a whole: cascade, twins, parts of a file, months, packs that cannot be understood.
 */
#include "tests/unit/dataset/check_case.h"

#include "daemon/base/cleanup.h"
#include "daemon/base/text.h"
#include "daemon/dataset/check.h"
#include "tests/unit/suite.h"

#include <stdio.h>
#include <string.h>

typedef struct Fixture {
    Arena *arena;
    CaseBase *base;
    Checker *checker;
    CaseFindings findings;
    CheckSummary summary;
} Fixture;

static void fixture_close(Fixture *fixture)
{
    checker_free(fixture->checker);
    arena_free(fixture->arena);
}
#define _cleanup_fixture_ __attribute__((cleanup(fixture_close)))

static void fixture_open(Fixture *fixture, const CheckContext *context)
{
    fixture->arena = arena_new((size_t)64 << 20);
    fixture->base = case_base(fixture->arena);
    fixture->findings = (CaseFindings){.arena = fixture->arena};
    Error err = {0};
    ck_assert_msg(checker_new(fixture->base->dataset, context ? context : &fixture->base->context,
                              case_sink, &fixture->findings, &fixture->checker, &err),
                  "%s", err.cause);
}

static void run(Fixture *fixture, const char *edits)
{
    checker_reset(fixture->checker, fixture->base->context.period);
    fixture->findings.count = 0;
    CaseRows rows = case_all_rows(fixture->base, edits, fixture->arena);
    fixture->summary = case_run(fixture->checker, &rows);
}

static const Table *table(const Fixture *fixture, const char *code)
{
    return dataset_table(fixture->base->dataset, code);
}

/* Rows are numbered in the order of the tables, MHS608 left out. */
static uint64_t number(const Fixture *fixture, const char *code)
{
    uint64_t at = table(fixture, code)->index + 1;
    return at - (at > table(fixture, "MHS608")->index + 1);
}

START_TEST(one_bad_patient_takes_all_and_each_names_the_cause)
{
    _cleanup_fixture_ Fixture f = {0};
    fixture_open(&f, NULL);
    run(&f, "MHS001 OrgIDLocalPatientID=");
    static const char *const falls[][2] = {
        {"MHS00220", "MHS002"}, {"MHS10101", "MHS101"}, {"MHS20142", "MHS201"},
        {"MHS20224", "MHS202"}, {"MHS60708", "MHS607"}, {"MHS60612", "MHS606"},
        {"MHS50605", "MHS506"}, {"MHS51505", "MHS515"},
    };
    for (size_t i = 0; i < COUNT_OF(falls); i++) {
        const CheckFinding *found = case_find(&f.findings, falls[i][0]);
        ck_assert_msg(found != NULL, "%s", falls[i][0]);
        ck_assert_str_eq(found->table->code, falls[i][1]);
        ck_assert_str_eq(found->cause_rule->id, "MHS00151");
        ck_assert_ptr_eq(found->cause_table, table(&f, "MHS001"));
        ck_assert_uint_eq(found->cause_row, number(&f, "MHS001"));
    }
    for (size_t i = 0; i < f.base->dataset->table_count; i++) {
        const Table *each = &f.base->dataset->tables[i];
        if (!f.base->template_only[i])
            ck_assert_msg(checker_survives(f.checker, each, number(&f, each->code)) ==
                              !each->person,
                          "%s", each->code);
    }
    ck_assert(!f.summary.file_rejected);
}
END_TEST

START_TEST(a_person_falls_with_the_only_referral)
{
    _cleanup_fixture_ Fixture f = {0};
    fixture_open(&f, NULL);
    run(&f, "MHS101 ReferralRequestReceivedDate=2026-11-01");
    const CheckFinding *person = case_find(&f.findings, "MHS00146");
    const CheckFinding *practice = case_find(&f.findings, "MHS00220");
    ck_assert(person && practice);
    ck_assert_str_eq(person->cause_rule->id, "MHS10113");
    ck_assert_str_eq(practice->cause_rule->id, "MHS10113"); /* the root, not the step between */
    ck_assert_ptr_eq(practice->cause_table, table(&f, "MHS101"));
    ck_assert_uint_eq(case_count(&f.findings, "MHS10101", 0), 0); /* it had fallen already */
    run(&f, "MHS101 ReferralRequestReceivedDate=2026-11-01 & +MHS101 ServiceRequestID=R2");
    ck_assert_uint_eq(case_count(&f.findings, "MHS00146", 0), 0);
    ck_assert(checker_survives(f.checker, table(&f, "MHS001"), number(&f, "MHS001")));
    ck_assert(!checker_survives(f.checker, table(&f, "MHS101"), number(&f, "MHS101")));
}
END_TEST

START_TEST(the_smallest_group_falls)
{
    _cleanup_fixture_ Fixture f = {0};
    fixture_open(&f, NULL);
    run(&f, "MHS201 CareContDate=2026-11-02");
    ck_assert_uint_eq(f.summary.rejected_rows, 5); /* contact, activity, staff, score, company */
    ck_assert(!checker_survives(f.checker, table(&f, "MHS607"), number(&f, "MHS607")));
    ck_assert(checker_survives(f.checker, table(&f, "MHS606"), number(&f, "MHS606")));
    ck_assert(checker_survives(f.checker, table(&f, "MHS101"), number(&f, "MHS101")));
}
END_TEST

START_TEST(twins_fire_together)
{
    _cleanup_fixture_ Fixture f = {0};
    fixture_open(&f, NULL);
    static const struct {
        const char *edits, *one, *two;
    } twins[] = {
        {"MHS001 LocalPatientID=", "MHS00101", "MHS00103"},
        {"MHS001 LocalPatientID=ABCDEFGHIJKLMNOPQRSTU", "MHS00102", "MHS00104"},
        {"MHS202 FindSchemeInUse=", "MHS20214", "MHS20232"},
        {"MHS202 Finding=", "MHS20216", "MHS20233"},
        {"+MHS001 LocalPatientID=P1", "MHSREJ103", "MHS00144"},
        {"+MHS001 LocalPatientID=P2", "MHSREJ102", "MHS00147"},
        {"MHS001 Postcode=ZZ99", "MHS00125", "MHS00169"},
    };
    for (size_t i = 0; i < COUNT_OF(twins); i++) {
        run(&f, twins[i].edits);
        size_t one = case_count(&f.findings, twins[i].one, 0);
        ck_assert_msg(one > 0, "%s", twins[i].one);
        ck_assert_msg(one == case_count(&f.findings, twins[i].two, 0), "%s", twins[i].two);
    }
}
END_TEST

START_TEST(copies_of_a_rejected_row_do_not_count)
{
    _cleanup_fixture_ Fixture f = {0};
    fixture_open(&f, NULL);
    run(&f, "+MHS201 CareContDate=2026-11-02");
    ck_assert_uint_eq(case_count(&f.findings, "MHS20143", 0), 0);
    ck_assert_uint_eq(f.summary.rejected_rows, 1);
    run(&f, "+MHS201");
    ck_assert_uint_eq(case_count(&f.findings, "MHS20143", 0), 2); /* every copy */
    /* What refuses the file counts every row handed in. */
    run(&f, "+MHS001 OrgIDLocalPatientID=");
    ck_assert_uint_eq(case_count(&f.findings, "MHS00144", 0), 0);
    ck_assert_uint_eq(case_count(&f.findings, "MHSREJ103", 0), 2);
    ck_assert(f.summary.file_rejected);
}
END_TEST

START_TEST(a_wrong_nhs_number_refuses_the_file_and_names_the_row)
{
    _cleanup_fixture_ Fixture f = {0};
    fixture_open(&f, NULL);
    run(&f, "MHS001 NHSNumber=9990000000");
    const CheckFinding *found = case_find(&f.findings, "MHSREJ006a");
    ck_assert(found && f.summary.file_rejected);
    ck_assert_uint_eq(found->row, number(&f, "MHS001"));
    ck_assert_str_eq(found->element->name, "NHSNumber");
    ck_assert_uint_eq(f.summary.rejected_rows, 0);
}
END_TEST

START_TEST(the_header_names_what_refused_it)
{
    _cleanup_fixture_ Fixture f = {0};
    fixture_open(&f, NULL);
    run(&f, "MHS000 DatSetVer=5.0, OrgIDProvider=ZZ902");
    const CheckFinding *found = case_find(&f.findings, "MHSREJ015");
    ck_assert(found && f.summary.file_rejected);
    ck_assert_str_eq(found->cause_rule->id, "MHS00003"); /* the first of two in the pack */
    ck_assert_uint_eq(found->cause_row, 1);
}
END_TEST

START_TEST(without_reference_data_the_rules_say_so)
{
    _cleanup_arena_ Arena *arena = arena_new((size_t)64 << 20);
    CaseBase *base = case_base(arena);
    CheckContext bare = {.period = base->context.period, .provider = CASE_PROVIDER};
    size_t not_checked = 0, with_note = 0;
    for (size_t i = 0; i < base->dataset->rule_count; i++) {
        const Rule *rule = &base->dataset->rules[i];
        const char *why = checker_not_checked(base->dataset, rule, &bare);
        not_checked += why != NULL;
        with_note += why && *why && *rule->note;
    }
    ck_assert_uint_eq(not_checked, 5 + 20 + 3 + 1); /* undecidable, open, postcodes, upload time */
    ck_assert_uint_eq(with_note, 5 + 20 + 3);
    _cleanup_fixture_ Fixture f = {0};
    fixture_open(&f, &bare);
    run(&f, "MHS101 OrgIDComm=ZZ999 & MHS001 Postcode=ZZ99 3ZZ & MHS000 OrgIDSubmit=ZZ901");
    ck_assert_str_eq(case_print(&f.findings, f.arena), "");
    run(&f, "MHS001 Postcode=ZZ99 & MHS000 OrgIDSubmit=ZZ901");
    ck_assert_uint_eq(case_count(&f.findings, "MHS00125", 0), 1); /* the shape is always judged */
}
END_TEST

/* The same rows under another context. */
static void reopen(Fixture *fixture, const CheckContext *context)
{
    checker_free(fixture->checker);
    fixture->findings.count = 0;
    Error err = {0};
    ck_assert(checker_new(fixture->base->dataset, context, case_sink, &fixture->findings,
                          &fixture->checker, &err));
}

START_TEST(a_part_is_judged_as_far_as_it_goes)
{
    _cleanup_fixture_ Fixture f = {0};
    fixture_open(&f, NULL);
    CheckContext part = f.base->context;
    part.partial = true;
    reopen(&f, &part);
    /* No staff, no team, no header, no GP table: nothing is said of them. */
    CaseRows rows = {0};
    case_add(&rows, case_copy(f.base->rows[table(&f, "MHS001")->index], f.arena), f.arena);
    case_add(&rows, case_copy(f.base->rows[table(&f, "MHS101")->index], f.arena), f.arena);
    case_run(f.checker, &rows);
    ck_assert_str_eq(case_print(&f.findings, f.arena), "");
    /* One person's rows are whole for the tables of persons. */
    size_t count = f.base->dataset->table_count;
    bool *present = arena_array(f.arena, count, sizeof *present);
    for (size_t i = 0; i < count; i++)
        present[i] = f.base->dataset->tables[i].person;
    part.present = present;
    reopen(&f, &part);
    case_set(rows.rows[0], "OrgIDLocalPatientID", "ZZ902");
    case_set(rows.rows[1], "ServDischDate", "2026-11-11");
    case_run(f.checker, &rows);
    ck_assert_uint_eq(case_count(&f.findings, "MHS00145", 0), 1); /* no GP row at all */
    ck_assert_uint_eq(case_count(&f.findings, "MHS00153", 0), 1); /* the provider is known */
    ck_assert_uint_eq(case_count(&f.findings, "MHS10131", 0), 1); /* and when it would be made */
    ck_assert_uint_eq(case_count(&f.findings, "MHSREJ002", 0), 0);
    const Rule *staff = dataset_rule(f.base->dataset, "MHS00615");
    ck_assert_ptr_nonnull(checker_not_checked(f.base->dataset, staff, &part));
}
END_TEST

START_TEST(a_reset_forgets_rows_and_moves_the_month)
{
    _cleanup_fixture_ Fixture f = {0};
    fixture_open(&f, NULL);
    run(&f, "");
    ck_assert_uint_eq(f.findings.count, 0);
    Month next;
    civil_parse_month("2026-11", &next);
    checker_reset(f.checker, next);
    CaseRows rows = case_all_rows(f.base, "", f.arena);
    CheckSummary summary = case_run(f.checker, &rows);
    ck_assert_uint_eq(summary.rows, f.base->dataset->table_count - 1);
    ck_assert_uint_eq(case_count(&f.findings, "MHS20167", 0), 1);
    ck_assert_uint_eq(case_count(&f.findings, "MHS00016", 0), 1);
    run(&f, "");
    ck_assert_uint_eq(f.findings.count, 0);
}
END_TEST

START_TEST(rules_that_cannot_be_understood_are_refused_with_their_line)
{
    static const struct {
        const char *check, *arguments;
    } bad[] = {
        {"presnt", ""},
        {"present", "now"},
        {"length", "5"},
        {"length", "9 1"},
        {"length", "a b"},
        {"format", "dates"},
        {"in_codes", "X.Y"},
        {"not_after", "soon"},
        {"not_after", "period_end+x"},
        {"equals", "nobody"},
        {"age", "0 130 Nothing"},
        {"present_with", "Nothing"},
        {"snomed", "clinical"},
        {"scheme", "NHSNumber 1"},
        {"organisation_open", "shop"},
        {"unique", "Nothing"},
        {"linked", "MHS999.X"},
        {"not_before", "MHS501.StartDateHospProvSpell"},
        {"unique", ""},
        {"one_blank", "NHSNumber"},
    };
    _cleanup_arena_ Arena *arena = arena_new((size_t)64 << 20);
    CaseBase *base = case_base(arena);
    Dataset copy = *base->dataset;
    Rule rule = *dataset_rule(base->dataset, "MHS00111");
    copy.rules = &rule;
    copy.rule_count = 1;
    for (size_t i = 0; i < COUNT_OF(bad); i++) {
        rule.check = bad[i].check;
        rule.arguments = bad[i].arguments;
        Error err = {0};
        Checker *checker = NULL;
        ck_assert_msg(!checker_new(&copy, &base->context, case_sink, NULL, &checker, &err), "%s %s",
                      bad[i].check, bad[i].arguments);
        ck_assert_int_eq(err.kind, ERROR_CONFIG);
        ck_assert_ptr_nonnull(strstr(err.cause, "rules.csv:"));
        ck_assert_ptr_nonnull(strstr(err.cause, "MHS00111"));
        ck_assert_ptr_null(checker);
    }
}
END_TEST

START_TEST(a_code_holds_in_its_months_only)
{
    _cleanup_fixture_ Fixture f = {0};
    fixture_open(&f, NULL);
    Month period = f.base->context.period;
    Code codes[] = {
        {"S", "single", 0, 0}, {"S2", "ended", 0, period - 1}, {"S3", "later", period + 1, 0}};
    CodeList list = {"Test", codes, COUNT_OF(codes)};
    Rule rule = *dataset_rule(f.base->dataset, "MHS00150");
    Element element = *rule.element;
    Dataset copy = *f.base->dataset;
    element.codes = &list;
    rule.element = &element;
    copy.rules = &rule;
    copy.rule_count = 1;
    Checker *all = f.checker;
    Error err = {0};
    ck_assert(checker_new(&copy, &f.base->context, case_sink, &f.findings, &f.checker, &err));
    checker_free(all);
    const Table *person = table(&f, "MHS001");
    Row *row = case_copy(f.base->rows[person->index], f.arena);
    Table owner = *person;
    owner.dataset = &copy;
    row->table = &owner;
    for (int month = -1; month <= 1; month++)
        for (size_t i = 0; i < COUNT_OF(codes); i++) {
            CheckSummary summary;
            checker_reset(f.checker, period + month);
            f.findings.count = 0;
            case_set(row, "MaritalStatus", codes[i].code);
            ck_assert(checker_row(f.checker, row, &err));
            ck_assert(checker_finish(f.checker, &summary, &err));
            bool holds = i == 0 || (i == 1 && month < 0) || (i == 2 && month > 0);
            ck_assert_msg((f.findings.count == 0) == holds, "%s in month %d", codes[i].code, month);
        }
}
END_TEST

START_TEST(many_copies_cost_no_more_than_many_rows)
{
    _cleanup_fixture_ Fixture f = {0};
    fixture_open(&f, NULL);
    CaseRows rows = case_rows(f.base, table(&f, "MHS202"), "", f.arena);
    Error err = {0};
    CheckSummary summary;
    for (size_t i = 0; i < rows.count; i++)
        ck_assert(checker_row(f.checker, rows.rows[i], &err));
    /* 20,000 contacts with one id, 20,000 activities on it, 20,000 registrations of one person. */
    static const char *const codes[] = {"MHS201", "MHS202", "MHS002"};
    for (size_t code = 0; code < COUNT_OF(codes); code++) {
        Row *row = case_copy(f.base->rows[table(&f, codes[code])->index], f.arena);
        if (code == 2)
            case_set(row, "EndDateGMPRegistration", "2026-10-10");
        for (uint64_t i = 0; i < 20000; i++) {
            row->number = 1000 + code * 100000 + i;
            ck_assert(checker_row(f.checker, row, &err));
        }
    }
    ck_assert(checker_finish(f.checker, &summary, &err));
    ck_assert_uint_eq(case_count(&f.findings, "MHS20143", 0), 20001);
    ck_assert_uint_eq(case_count(&f.findings, "MHS20225", 0), 20001);
    ck_assert_uint_eq(summary.rows, rows.count + 60000);
}
END_TEST

START_TEST(the_vocabulary_is_closed_and_explained)
{
    _cleanup_arena_ Arena *arena = arena_new((size_t)64 << 20);
    CaseBase *base = case_base(arena);
    ck_assert_uint_le(check_word_count(), 36);
    for (size_t i = 0; i < check_word_count(); i++) {
        const CheckWord *word = check_word_at(i);
        size_t used = 0;
        for (size_t j = 0; j < base->dataset->rule_count; j++)
            used += text_equal(base->dataset->rules[j].check, word->name);
        ck_assert_msg(used > 0, "no rule uses %s", word->name);
        ck_assert(word->help[0]);
    }
    for (size_t i = 0; i < base->dataset->rule_count; i++) {
        const Rule *rule = &base->dataset->rules[i];
        ck_assert_msg(*rule->message && *rule->remedy, "%s", rule->id);
    }
}
END_TEST

/* The table of the README is the vocabulary: "| `word` | when | arguments | what must hold |". */
START_TEST(the_readme_explains_every_word)
{
    static const char *const stages[] = {"never", "row", "group", "file"};
    _cleanup_arena_ Arena *arena = arena_new((size_t)8 << 20);
    const char *readme = case_text(arena, case_path(arena, "daemon/dataset/README.md"));
    for (size_t i = 0; i < check_word_count(); i++) {
        const CheckWord *word = check_word_at(i);
        Text line = text_new(arena, 4096);
        text_addf(&line, "| `%s` | %s | ", word->name, stages[word->stage]);
        for (const char *c = word->arguments; *c; c++)
            text_addf(&line, "%s%c", *c == '|' ? "\\" : "", *c);
        text_addf(&line, "%s| %s |\n", *word->arguments ? " " : "", word->help);
        ck_assert_msg(strstr(readme, text_get(&line)) != NULL, "not in the README: %s",
                      text_get(&line));
    }
}
END_TEST

SUITE("dataset/check", one_bad_patient_takes_all_and_each_names_the_cause,
      a_person_falls_with_the_only_referral, the_smallest_group_falls, twins_fire_together,
      copies_of_a_rejected_row_do_not_count, a_wrong_nhs_number_refuses_the_file_and_names_the_row,
      the_header_names_what_refused_it, without_reference_data_the_rules_say_so,
      a_part_is_judged_as_far_as_it_goes, a_reset_forgets_rows_and_moves_the_month,
      rules_that_cannot_be_understood_are_refused_with_their_line, a_code_holds_in_its_months_only,
      many_copies_cost_no_more_than_many_rows, the_vocabulary_is_closed_and_explained,
      the_readme_explains_every_word);
