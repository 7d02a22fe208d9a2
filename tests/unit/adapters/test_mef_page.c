/* SPDX-License-Identifier: Apache-2.0 */
#include "adapters/feed/mef_page.h"
#include "tests/unit/suite.h"

#include <stdio.h>
#include <string.h>

#define TRAILER(count)                                                                             \
    "{\"_page\":{\"feed\":\"f\",\"schema\":1,\"epoch\":\"e1\",\"count\":" #count                   \
    ",\"from_seq\":1,\"to_seq\":9,\"next_cursor\":\"AQMB_h3\",\"has_more\":true}}\n"
#define CONTACT                                                                                    \
    "{\"seq\":7,\"op\":\"upsert\",\"type\":\"contact\",\"id\":\"C1\",\"version\":2,"               \
    "\"recorded_at\":\"2026-10-31T14:05:09.123Z\",\"org\":\"O-L1\",\"actor\":\"W-1\","             \
    "\"record\":{\"id\":\"C1\",\"referral\":\"R1\",\"date\":\"2026-10-31\",\"duration_min\":2.50}" \
    "}\n"

static Arena *arena;

/* Reads `text` in pieces of `step` bytes. */
static bool read_in_steps(const char *text, size_t size, size_t step, bool snapshot, MefPage *ret,
                          Error *err)
{
    MefReader *reader = mef_reader_new(arena, snapshot);
    for (size_t at = 0; at < size; at += step)
        if (!mef_reader_add(reader, text + at, size - at < step ? size - at : step, err))
            return false;
    return mef_reader_finish(reader, ret, err);
}

static MefPage page_of(const char *text)
{
    MefPage page;
    Error err = {0};
    ck_assert_msg(read_in_steps(text, strlen(text), strlen(text), false, &page, &err), "%s",
                  err.cause);
    return page;
}

static void is_discarded(const char *text, const char *code)
{
    MefPage page;
    Error err = {0};
    for (size_t step = 1; step < 100; step += 13) {
        error_clear(&err);
        ck_assert(!read_in_steps(text, strlen(text), step, false, &page, &err));
        ck_assert_str_eq(err.code, code);
        ck_assert_int_eq(err.kind, ERROR_LATER);
    }
}

static void is_refused(const char *line, const char *code)
{
    char text[4096];
    snprintf(text, sizeof text, "%s\n" CONTACT TRAILER(2), line);
    MefPage page = page_of(text);
    ck_assert_uint_eq(page.count, 1);
    ck_assert_uint_eq(page.refused_count, 1);
    ck_assert_str_eq(page.refused[0].code, code);
    ck_assert_int_eq(page.refused[0].line, 1);
}

START_TEST(a_page_is_the_same_however_it_is_cut)
{
    const char text[] =
        CONTACT "{\"seq\":8,\"op\":\"delete\",\"type\":\"contact\",\"id\":\"C2\",\"version\":3,"
                "\"reason\":\"entered_in_error\"}\n" TRAILER(2);
    for (size_t step = 1; step < sizeof text; step++) {
        MefPage page;
        Error err = {0};
        ck_assert(read_in_steps(text, strlen(text), step, false, &page, &err));
        ck_assert_uint_eq(page.count, 2);
        ck_assert_uint_eq(page.refused_count, 0);
        const Change *change = &page.changes[0];
        ck_assert_int_eq(change->op, CHANGE_UPSERT);
        ck_assert_int_eq(change->seq, 7);
        ck_assert_int_eq(change->version, 2);
        ck_assert_str_eq(change->type, "contact");
        ck_assert_str_eq(change->id, "C1");
        ck_assert_str_eq(change->org, "O-L1");
        ck_assert_str_eq(change->recorded_at, "2026-10-31T14:05:09.123Z");
        ck_assert_str_eq(
            change->json,
            "{\"id\":\"C1\",\"referral\":\"R1\",\"date\":\"2026-10-31\",\"duration_min\":2.50}");
        ck_assert_int_eq(page.changes[1].op, CHANGE_DELETE);
        ck_assert_str_eq(page.changes[1].reason, "entered_in_error");
        ck_assert_ptr_null(page.changes[1].json);
        ck_assert_str_eq(page.trailer.next_cursor, "AQMB_h3");
        ck_assert_str_eq(page.trailer.epoch, "e1");
        ck_assert_int_eq(page.trailer.to_seq, 9);
        ck_assert(page.trailer.has_more);
    }
}
END_TEST

START_TEST(a_cut_page_counts_for_nothing)
{
    char text[] = CONTACT CONTACT TRAILER(2);
    MefPage page;
    Error err = {0};
    size_t whole = strlen(text) - 1; /* the last line feed may be missing */
    ck_assert(read_in_steps(text, whole, 50, false, &page, &err));
    for (size_t size = 0; size < whole; size++) {
        error_clear(&err);
        ck_assert_msg(!read_in_steps(text, size, 50, false, &page, &err), "cut at %zu", size);
    }
    is_discarded(CONTACT, "feed.trailer");
    is_discarded("", "feed.trailer");
    is_discarded(CONTACT TRAILER(2), "feed.count");
    is_discarded(CONTACT CONTACT TRAILER(1), "feed.count");
    is_discarded(CONTACT TRAILER(1) CONTACT, "feed.trailer");
    is_discarded("<html><body>Bad gateway</body></html>\n", "feed.html");
    is_discarded("{\"_page\":{\"count\":0,\"has_more\":false,\"next_cursor\":\"no cursor\"}}\n",
                 "feed.cursor");
    is_discarded("{\"_page\":{\"count\":0,\"next_cursor\":\"AA\"}}\n", "feed.trailer");
    is_discarded("{\"_page\":{\"count\":\"0\",\"has_more\":false,\"next_cursor\":\"AA\"}}\n",
                 "feed.trailer");
}
END_TEST

START_TEST(a_line_that_is_no_change_does_not_spoil_the_page)
{
    is_refused("{\"seq\":1,", "line.json");
    is_refused("\xff\xfe", "line.json");
    is_refused("{\"seq\":1,\"seq\":2}", "line.json");
    is_refused("[1]", "line.shape");
    is_refused("{}", "change.type");
    is_refused("{\"type\":\"contact\",\"seq\":1,\"op\":\"upsert\",\"version\":1}", "change.id");
    is_refused("{\"type\":\"contact\",\"id\":\"a b\",\"seq\":1,\"op\":\"upsert\",\"version\":1}",
               "change.id");
    is_refused("{\"type\":\"contact\",\"id\":\"123456789012345678901\",\"seq\":1,\"op\":\"delete\","
               "\"version\":1}",
               "change.id");
    is_refused("{\"type\":\"contact\",\"id\":\"C1\",\"seq\":1,\"op\":\"drop\",\"version\":1}",
               "change.op");
    is_refused("{\"type\":\"contact\",\"id\":\"C1\",\"seq\":1,\"version\":1}", "change.op");
    is_refused("{\"type\":\"contact\",\"id\":\"C1\",\"op\":\"delete\",\"version\":1}",
               "change.seq");
    is_refused("{\"type\":\"contact\",\"id\":\"C1\",\"seq\":-4,\"op\":\"delete\",\"version\":1}",
               "change.seq");
    is_refused("{\"type\":\"contact\",\"id\":\"C1\",\"seq\":1,\"op\":\"delete\",\"version\":0}",
               "change.version");
    is_refused("{\"type\":\"contact\",\"id\":\"C1\",\"seq\":1,\"op\":\"delete\",\"version\":\"1\"}",
               "change.version");
    is_refused("{\"type\":\"contact\",\"id\":\"C1\",\"seq\":1,\"op\":\"upsert\",\"version\":1}",
               "change.record");
    is_refused("{\"type\":\"contact\",\"id\":\"C1\",\"seq\":1,\"op\":\"upsert\",\"version\":1,"
               "\"record\":{\"id\":\"C2\"}}",
               "change.record_id");
    is_refused("{\"type\":\"person\",\"id\":\"P1\",\"seq\":1,\"op\":\"merge\",\"version\":1}",
               "change.merge");
    is_refused("{\"type\":\"person\",\"id\":\"P1\",\"seq\":1,\"op\":\"merge\",\"version\":1,"
               "\"merge\":{\"survivor\":\"P1\",\"merged\":[\"P 2\"]}}",
               "change.merge");
}
END_TEST

START_TEST(a_line_over_its_limit_is_let_go)
{
    size_t size = MEF_LINE_LIMIT + 100;
    char *text = malloc(size + 2000);
    memset(text, 'x', size);
    snprintf(text + size, 2000, "\n" CONTACT TRAILER(2));
    for (size_t step = 1000; step < size * 2; step *= 7) {
        MefPage page;
        Error err = {0};
        ck_assert(read_in_steps(text, strlen(text), step, false, &page, &err));
        ck_assert_uint_eq(page.count, 1);
        ck_assert_str_eq(page.refused[0].code, "line.length");
    }
    free(text);
}
END_TEST

START_TEST(the_unknown_is_counted)
{
    MefPage page =
        page_of("{\"seq\":1,\"op\":\"upsert\",\"type\":\"spaceship\",\"id\":\"S1\",\"version\":1,"
                "\"record\":{}}\n"
                "{\"seq\":2,\"op\":\"upsert\",\"type\":\"area\",\"id\":\"A1\",\"version\":1,"
                "\"record\":{\"id\":\"A1\",\"shape\":1,\"na\":2,\"lot\":\"1\"}}\n" TRAILER(2));
    ck_assert_int_eq(page.unknown_types, 1);
    ck_assert_int_eq(page.unknown_fields, 2);
    ck_assert_uint_eq(page.count, 1);
    ck_assert_uint_eq(page.refused_count, 0);
}
END_TEST

START_TEST(records_keep_their_text)
{
    MefPage page =
        page_of("{\"a:b\":\"}{\\\"record\\\":1\", \"x\":[{\"record\":2}], \"record\" : "
                "{\"id\":\"A1\",\"population\":1.10,"
                "\"name\":\"\\u00e9\\\\\"},\"seq\":2,\"op\":\"upsert\",\"type\":\"area\",\"id\":"
                "\"A1\",\"version\":1}\n"
                "{\"seq\":3,\"op\":\"upsert\",\"type\":\"area\",\"id\":\"A2\",\"version\":1,"
                "\"r\\u0065cord\":{\"lot\":\"2\",\"id\":\"A2\"}}\n" TRAILER(2));
    ck_assert_str_eq(page.changes[0].json,
                     " {\"id\":\"A1\",\"population\":1.10,\"name\":\"\\u00e9\\\\\"}");
    ck_assert_str_eq(page.changes[1].json, "{\"id\":\"A2\",\"lot\":\"2\"}");
}
END_TEST

START_TEST(merges_name_who_became_whom)
{
    MefPage page = page_of(
        "{\"seq\":1,\"op\":\"merge\",\"type\":\"person\",\"id\":\"P1\",\"version\":4,"
        "\"merge\":{\"survivor\":\"P1\",\"merged\":[\"P2\",\"P3\"],\"children_repointed\":true}}\n"
        "{\"seq\":2,\"op\":\"unmerge\",\"type\":\"person\",\"id\":\"P1\",\"version\":5,"
        "\"unmerge\":{\"split_to\":[\"P3\"]}}\n" TRAILER(2));
    ck_assert_uint_eq(page.count, 2);
    ck_assert_str_eq(page.changes[0].survivor, "P1");
    ck_assert_uint_eq(page.changes[0].merged_count, 2);
    ck_assert_str_eq(page.changes[0].merged[1], "P3");
    ck_assert(page.changes[0].children_repointed);
    ck_assert_int_eq(page.changes[1].op, CHANGE_UNMERGE);
    ck_assert_str_eq(page.changes[1].survivor, "P1");
    ck_assert_str_eq(page.changes[1].merged[0], "P3");
}
END_TEST

START_TEST(snapshots_stand_for_one_sequence_number)
{
    const char text[] =
        "{\"type\":\"area\",\"id\":\"A1\",\"version\":3,\"record\":{\"id\":\"A1\"}}\n"
        "{\"_page\":{\"count\":1,\"as_of_seq\":55,\"next_cursor\":\"AA\",\"has_more\":false}}\n";
    const char without[] = "{\"_page\":{\"count\":0,\"next_cursor\":\"AA\",\"has_more\":false}}\n";
    MefPage page;
    Error err = {0};
    ck_assert(read_in_steps(text, strlen(text), 9, true, &page, &err));
    ck_assert_int_eq(page.changes[0].op, CHANGE_UPSERT);
    ck_assert_int_eq(page.changes[0].seq, 55);
    ck_assert_int_eq(page.trailer.as_of_seq, 55);
    ck_assert(!read_in_steps(without, strlen(without), 9, true, &page, &err));
    ck_assert_str_eq(err.code, "feed.trailer");
}
END_TEST

START_TEST(the_json_form_says_the_same)
{
    const char text[] =
        "{\"page\":{\"count\":2,\"to_seq\":9,\"next_cursor\":\"AA\",\"has_more\":false},\"data\":["
        "{\"seq\":7,\"op\":\"upsert\",\"type\":\"area\",\"id\":\"A1\",\"version\":1,\"record\":{"
        "\"id\":\"A1\"}},"
        "{\"seq\":8}]}";
    MefPage page;
    Error err = {0};
    ck_assert(mef_page_from_json(text, strlen(text), false, arena, &page, &err));
    ck_assert_uint_eq(page.count, 1);
    ck_assert_uint_eq(page.refused_count, 1);
    ck_assert_str_eq(page.changes[0].json, "{\"id\":\"A1\"}");
    ck_assert(!mef_page_from_json(text, strlen(text) - 1, false, arena, &page, &err));
    ck_assert_str_eq(err.code, "feed.json");
    ck_assert(!mef_page_from_json("{}", 2, false, arena, &page, &err));
}
END_TEST

START_TEST(a_page_larger_than_the_unit_of_work_is_an_error)
{
    Arena *kept = arena;
    _cleanup_arena_ Arena *small = arena_new(4096);
    arena = small;
    Error err = {0};
    MefReader *reader = mef_reader_new(arena, false);
    bool went_on = true;
    for (int i = 0; i < 1000 && went_on; i++)
        went_on = mef_reader_add(reader, CONTACT, strlen(CONTACT), &err);
    ck_assert(!went_on);
    ck_assert_str_eq(err.code, "arena.cap");
    arena = kept;
}
END_TEST

static __attribute__((constructor)) void make_arena(void)
{
    arena = arena_new(64 << 20);
}

SUITE("adapters/mef_page", a_page_is_the_same_however_it_is_cut, a_cut_page_counts_for_nothing,
      a_line_that_is_no_change_does_not_spoil_the_page, a_line_over_its_limit_is_let_go,
      the_unknown_is_counted, records_keep_their_text, merges_name_who_became_whom,
      snapshots_stand_for_one_sequence_number, the_json_form_says_the_same,
      a_page_larger_than_the_unit_of_work_is_an_error);
