/* SPDX-License-Identifier: Apache-2.0 */
/* What can be seen in the store's sources: one clock, sorted fields, a diagram that is current. */
#include "daemon/base/cleanup.h"
#include "daemon/base/file.h"
#include "daemon/base/text.h"
#include "daemon/store/audit.h"
#include "daemon/store/submission.h"
#include "tests/unit/suite.h"

#include <ctype.h>
#include <glob.h>

static char *read_source(Arena *arena, const char *path)
{
    char *bytes;
    size_t size;
    Error err = {0};
    ck_assert_msg(file_read(path, (size_t)1 << 20, arena, &bytes, &size, &err), "%s", path);
    return bytes;
}

static const char *source_path(Arena *arena, const char *relative)
{
    return arena_format(arena, "%s/%s", getenv("MHSFLOW_SOURCE_ROOT"), relative);
}

/* The only places that may ask PostgreSQL itself for the time: the function now() of ours. */
static void check_clock(const char *path, const char *text)
{
    static const char *const others[] = {"clock_timestamp",       "current_timestamp",
                                         "current_date",          "localtimestamp",
                                         "transaction_timestamp", "current_time"};
    for (size_t i = 0; i < COUNT_OF(others); i++)
        ck_assert_msg(!strcasestr(text, others[i]), "%s uses %s", path, others[i]);
    for (const char *at = text; (at = strstr(at, "now()")); at += 5) {
        bool ours = at - text >= 8 && strncmp(at - 8, "mhsflow.", 8) == 0;
        bool defines = at - text >= 16 && strncmp(at - 16, "create function ", 16) == 0;
        bool longer = at > text && (isalnum((unsigned char)at[-1]) || at[-1] == '_');
        ck_assert_msg(ours || defines || longer, "%s asks another now() at: %.40s", path,
                      at > text + 20 ? at - 20 : at);
    }
}

START_TEST(sql_has_one_clock)
{
    _cleanup_arena_ Arena *arena = arena_new((size_t)16 << 20);
    static const char *const patterns[] = {"daemon/store/*.c", "daemon/store/*.h",
                                           "daemon/store/schema/*.sql"};
    glob_t found = {0};
    for (size_t i = 0; i < COUNT_OF(patterns); i++)
        ck_assert_int_eq(glob(source_path(arena, patterns[i]), i ? GLOB_APPEND : 0, NULL, &found),
                         0);
    ck_assert_uint_gt(found.gl_pathc, 20);
    for (size_t i = 0; i < found.gl_pathc; i++)
        check_clock(found.gl_pathv[i], read_source(arena, found.gl_pathv[i]));
    globfree(&found);
}
END_TEST

START_TEST(audit_fields_are_in_byte_order)
{
    static const char *const names[] = {
#define AUDIT_FIELD(name, type, meaning) #name,
#include "daemon/store/audit_field.def"
#undef AUDIT_FIELD
    };
    for (size_t i = 1; i < COUNT_OF(names); i++)
        ck_assert_msg(strcmp(names[i - 1], names[i]) < 0, "%s", names[i]);
}
END_TEST

START_TEST(the_diagram_shows_every_move)
{
    _cleanup_arena_ Arena *arena = arena_new((size_t)16 << 20);
    static const struct {
        SubmissionState from, to;
        const char *on;
    } moves[] = {
#define MOVE(from, on, to, event, meaning) {SUBMISSION_##from, SUBMISSION_##to, on},
#include "daemon/store/states.def"
#undef MOVE
    };
    const char *text = read_source(arena, source_path(arena, "daemon/store/README.md"));
    size_t arrows = 0;
    for (const char *at = text; (at = strstr(at, " --> ")); at++)
        arrows++;
    ck_assert_uint_eq(arrows, COUNT_OF(moves) + 2); /* and two ways to begin */
    for (size_t i = 0; i < COUNT_OF(moves); i++) {
        const char *line =
            arena_format(arena, "    %s --> %s: %s\n", submission_state_name(moves[i].from),
                         submission_state_name(moves[i].to), moves[i].on);
        ck_assert_msg(strstr(text, line), "%s", line);
    }
}
END_TEST

START_TEST(an_audit_body_is_canonical)
{
    _cleanup_arena_ Arena *arena = arena_new((size_t)1 << 20);
    AuditRecord record = {.writer = "poll:00",
                          .seq = 7,
                          .at = "2026-11-23T02:20:00.123456Z",
                          .event = "feed_advanced",
                          .fields = "{\"feed\":\"b\"}",
                          .previous = {0xab}};
    ck_assert_str_eq(
        audit_body(&record, arena),
        "{\"at\":\"2026-11-23T02:20:00.123456Z\",\"event\":\"feed_advanced\","
        "\"fields\":{\"feed\":\"b\"},\"previous\":"
        "\"ab00000000000000000000000000000000000000000000000000000000000000\",\"seq\":7,"
        "\"writer\":\"poll:00\"}");
}
END_TEST

SUITE("store sources", sql_has_one_clock, audit_fields_are_in_byte_order,
      the_diagram_shows_every_move, an_audit_body_is_canonical);
