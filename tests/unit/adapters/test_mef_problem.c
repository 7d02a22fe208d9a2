/* SPDX-License-Identifier: Apache-2.0 */
#include "adapters/feed/mef_manifest.h"
#include "adapters/feed/mef_problem.h"
#include "tests/unit/suite.h"

#include <string.h>

/* The contract's own table, one row each, and what a server says without a code. */
START_TEST(each_refusal_has_its_action)
{
    static const struct {
        int status;
        const char *problem, *code;
        MefAction action;
        ErrorKind kind;
    } rows[] = {
        {400, "bad_request", "feed.bad_request", MEF_STOP, ERROR_CONFIG},
        {400, "bad_cursor", "feed.bad_cursor", MEF_STOP, ERROR_CONFIG},
        {401, "token_invalid", "feed.token_invalid", MEF_REFRESH, ERROR_CONFIG},
        {403, "scope_missing", "feed.scope_missing", MEF_STOP, ERROR_CONFIG},
        {403, "org_not_permitted", "feed.org_not_permitted", MEF_STOP, ERROR_CONFIG},
        {404, "unknown_id", "feed.not_found", MEF_STOP, ERROR_CONFIG},
        {410, "cursor_expired", "feed.cursor_expired", MEF_RESYNC, ERROR_LATER},
        {406, "format_unsupported", "feed.format", MEF_JSON, ERROR_LATER},
        {415, "format_unsupported", "feed.format", MEF_JSON, ERROR_LATER},
        {409, "epoch_changed", "feed.epoch_changed", MEF_RESYNC, ERROR_LATER},
        {409, "something_else", "feed.conflict", MEF_BACKOFF, ERROR_LATER},
        {412, "schema_unsupported", "feed.schema", MEF_STOP, ERROR_CONFIG},
        {426, "schema_unsupported", "feed.schema", MEF_STOP, ERROR_CONFIG},
        {429, "rate_limited", "feed.rate_limited", MEF_BACKOFF, ERROR_LATER},
        {500, "internal", "feed.internal", MEF_BACKOFF, ERROR_LATER},
        {503, "maintenance", "feed.maintenance", MEF_BACKOFF, ERROR_LATER},
        {502, NULL, "feed.internal", MEF_BACKOFF, ERROR_LATER},
        {504, NULL, "feed.internal", MEF_BACKOFF, ERROR_LATER},
        {418, NULL, "feed.refused", MEF_STOP, ERROR_CONFIG},
        {302, NULL, "feed.redirect", MEF_STOP, ERROR_CONFIG},
        {204, NULL, "feed.status", MEF_BACKOFF, ERROR_LATER},
        {304, NULL, "feed.redirect", MEF_STOP, ERROR_CONFIG},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        Error err = {0};
        const MefProblem *problem = mef_problem(rows[i].status, rows[i].problem);
        ck_assert_str_eq(problem->code, rows[i].code);
        ck_assert_int_eq(problem->action, rows[i].action);
        ck_assert(!mef_problem_error(problem, rows[i].status, &err));
        ck_assert_int_eq(err.kind, rows[i].kind);
    }
}
END_TEST

static bool read(const char *text, MefManifest *ret, Error *err)
{
    static Arena *arena;
    if (!arena)
        arena = arena_new(1 << 20);
    error_clear(err);
    return mef_manifest_read(text, strlen(text), NULL, 0, arena, ret, err);
}

START_TEST(types_come_parents_first)
{
    static const char *const texts[] = {
        "{\"schema\":1,\"epoch\":\"e\",\"head_seq\":9,\"types\":{\"contact\":3,\"person\":2,"
        "\"moon\":1,\"referral\":2}}",
        "{\"schema\":\"1.2\",\"epoch\":\"e\",\"head_seq\":9,\"types\":[\"contact\",\"moon\","
        "\"referral\",\"person\"]}",
        "{\"schema_version\":1,\"epoch\":\"e\",\"head_seq\":9,\"record_types\":[{\"type\":"
        "\"referral\"},{\"name\":\"contact\"},"
        "{\"type\":\"person\",\"count\":1},{\"type\":\"moon\"}]}",
    };
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        MefManifest manifest;
        Error err = {0};
        ck_assert_msg(read(texts[i], &manifest, &err), "%s", err.cause);
        ck_assert_uint_eq(manifest.type_count, 3);
        ck_assert_str_eq(manifest.types[0], "person");
        ck_assert_str_eq(manifest.types[1], "referral");
        ck_assert_str_eq(manifest.types[2], "contact");
        ck_assert_int_eq(manifest.unknown_types, 1);
        ck_assert_int_eq(manifest.head_seq, 9);
    }
}
END_TEST

START_TEST(a_server_that_speaks_otherwise_is_left_alone)
{
    MefManifest manifest;
    Error err = {0};
    ck_assert(!read("{\"schema\":2,\"epoch\":\"e\",\"head_seq\":9,\"types\":[\"person\"]}",
                    &manifest, &err));
    ck_assert_str_eq(err.code, "feed.schema");
    ck_assert_int_eq(err.kind, ERROR_CONFIG);
    ck_assert(!read("{\"schema\":\"11\",\"epoch\":\"e\",\"head_seq\":9,\"types\":[\"person\"]}",
                    &manifest, &err));
    ck_assert(!read("{\"schema\":1,\"epoch\":\"e\",\"head_seq\":9,\"types\":[\"moon\"]}", &manifest,
                    &err));
    ck_assert_str_eq(err.code, "feed.types");
    ck_assert(!read("{\"schema\":1,\"head_seq\":9,\"types\":[\"person\"]}", &manifest, &err));
    ck_assert_str_eq(err.code, "feed.manifest");
    ck_assert_int_eq(err.kind, ERROR_LATER);
    ck_assert(!read("<html>", &manifest, &err));
    ck_assert_str_eq(err.code, "feed.manifest");
}
END_TEST

SUITE("adapters/mef_problem", each_refusal_has_its_action, types_come_parents_first,
      a_server_that_speaks_otherwise_is_left_alone);
