/* SPDX-License-Identifier: Apache-2.0 */
/* Each role's login may do what rights.def lists, no more, and it is enough for the whole way. */
#include "tests/component/store_case.h"

#include "daemon/store/migrate.h"
#include "daemon/store/rights.h"

#include <string.h>

#define NOVEMBER (2026 * 12 + 10)

static Store *as(const char *role)
{
    Store *opened;
    const char *conninfo = arena_format(arena, "%s user=mhsflow_%s", database, role);
    ok(store_open(conninfo, role, &opened, err));
    if (strcmp(role, "operate") != 0 &&
        strcmp(role, "read") != 0) /* those are commands, not processes */
        ok(store_beat(opened, err));
    return opened;
}

static Change special(ChangeOp op, const char *id, int64_t version)
{
    Change change = upsert("person", id, version, NULL);
    change.op = op;
    change.reason = "erasure";
    return change;
}

static void poll_with(Store *poll)
{
    const char *merged[] = {"P0000002"};
    Error down = {0};
    error_set(&down, ERROR_LATER, "feed.connect", "could not connect");
    Store *mine = store;
    store = poll; /* take_person() uses it */
    ok(feed_register(store, "feed-b", "b", err));
    for (int i = 0; i < 5; i++)
        take_person("feed-b", i, "given");
    take("feed-b", upsert("organisation", "O-L1", 1, "{\"id\":\"O-L1\"}"),
         upsert("person", "P0000001", 2, "{\"id\":\"P0000001\",\"x\":\"\\u0000\"}"));
    Change merge = special(CHANGE_MERGE, "P0000001", 8);
    merge.survivor = "P0000001";
    merge.merged = merged;
    merge.merged_count = 1;
    take("feed-b", merge, special(CHANGE_RESTRICT, "P0000003", 9),
         special(CHANGE_PURGE, "P0000004", 9));
    ok(feed_save_failure(store, "feed-b", "down", &down, "wait", NULL, (NextPoll){1000, 0}, err));
    _cleanup_transaction_ Transaction transaction = {0};
    ok(store_begin(store, &transaction, err));
    ok(feed_restart(store, "feed-b", "epoch_changed", NULL, err));
    ok(store_commit(&transaction, err));
    store = mine;
}

static void submit_with(Store *submit)
{
    SubmissionClaim *claims;
    size_t count;
    int64_t swept;
    SubmissionState state;
    SubmissionClaim claim = claim_one(submit);
    ok(submission_store_signature(submit, claim.info.id, claim.fence, (const uint8_t *)"s", 1,
                                  err));
    ck_assert(intend(submit, &claim));
    ck_assert_int_eq(settle(submit, &claim, OUTCOME_UNKNOWN), SUBMISSION_UNSURE);
    ok(submission_sweep(submit, &swept, err));
    ok(submission_claim_questions(submit, NULL, 1, 60000, arena, &claims, &count, err));
    ReceiverFinding found = {"MHS00103", "MHS001", "LocalPatientID", 1};
    Settlement rejected = {
        .outcome = OUTCOME_REJECTED, .code = "rejected", .findings = &found, .finding_count = 1};
    ok(submission_settle(submit, claims[0].info.id, claims[0].fence, &rejected, &state, err));
    ok(route_save(submit, "sandbox", "stopped", "signature_invalid", "f", err));
}

START_TEST(each_role_has_enough)
{
    Store *roles[] = {as("poll"), as("map"), as("build"), as("submit"), as("operate"), as("read")};
    bool changed, open;
    poll_with(roles[0]);
    ok(work_settings(roles[1], "v1", &changed, err));
    ck_assert_uint_eq(map_all(roles[1], "V1", NOVEMBER, NOVEMBER), 5);
    int64_t id = build(roles[2], "V1", NOVEMBER, NULL), newer;
    submit_with(roles[3]);
    ok(submission_release(roles[4], id, "a person", "again", err));
    ok(submission_hold(roles[4], id, "a person", "wait", err));
    ok(feed_pause(roles[4], "feed-b", "a person", err));
    ok(feed_resume(roles[4], "feed-b", "a person", err));
    ok(month_request(roles[4], "V1", NOVEMBER, "person", err));
    newer = build(roles[2], "V1", NOVEMBER, NULL);
    /* The gate closes under the submitter's own rights. */
    ask_text(
        "update source_record set restricted = true where type = 'person' and id = 'P0000001'");
    SubmissionClaim claim = claim_one(roles[3]);
    ck_assert_int_eq(claim.info.id, newer);
    open = intend(roles[3], &claim);
    ck_assert(!open);
    AuditVerdict verdict;
    FindingGroup *groups;
    size_t count;
    ok(audit_verify(roles[5], arena, &verdict, err));
    ck_assert_uint_eq(verdict.fault_count, 0);
    ok(finding_groups(roles[5], &(FindingFilter){0}, arena, &groups, &count, err));
    ck_assert_uint_gt(count, 0);
    for (size_t i = 0; i < sizeof roles / sizeof *roles; i++)
        store_close(roles[i]);
}
END_TEST

/* ---- every cell of the matrix ---- */

/* Runs a statement, takes it back, and says how it ended; as the caller, so with the caller's
 * rights.  Writing to a view fails for other reasons first: there PostgreSQL is asked. */
static const char try_function[] =
    "create function public.try(statement text) returns text language plpgsql as $$"
    " begin execute statement; raise exception 'taken back' using errcode = 'ZZ001';"
    " exception when others then return sqlstate; end $$;"
    "create function public.cells() returns table (object text, verb text, col text, may boolean)"
    " language sql as $$"
    " with t as (select c.oid, c.relname::text as name, c.relkind = 'v' as view from pg_class c"
    "   where relnamespace = 'mhsflow'::regnamespace and relkind in ('r', 'v'))"
    " select name, 'SELECT', null, public.try(format('select from mhsflow.%I', name)) <> '42501' "
    "from t"
    " union all select name, 'INSERT', null,"
    "   public.try(format('insert into mhsflow.%I default values', name)) <> '42501' from t where "
    "not view"
    " union all select name, 'DELETE', null,"
    "   public.try(format('delete from mhsflow.%I where false', name)) <> '42501' from t where not "
    "view"
    " union all select name, 'UPDATE', attname,"
    "   public.try(format('update mhsflow.%I set %I = null where false', name, attname)) <> '42501'"
    "   from t join pg_attribute a on a.attrelid = t.oid and attnum > 0 and not attisdropped"
    "    and attidentity = '' and attgenerated = '' where not view"
    " union all select name, v, null, has_table_privilege(oid, v) from t,"
    "   unnest(array['INSERT', 'UPDATE', 'DELETE']) v where view"
    " union all select name, v, null, has_table_privilege(oid, v) from t,"
    "   unnest(array['TRUNCATE', 'REFERENCES', 'TRIGGER']) v"
    " $$;"
    "create table public.wanted (role text, object text, verb text, col text);"
    "grant select on public.wanted to public;";

static void write_wanted(void)
{
    Right *rights;
    size_t count = rights_wanted(arena, &rights);
    Text text = text_new(arena, 1 << 20);
    text_add(&text, try_function);
    text_add(&text, "insert into public.wanted values ('', '', '', null)");
    for (size_t i = 0; i < count; i++)
        text_addf(&text, ", ('%s', '%s', '%s', %s)", rights[i].role, rights[i].object,
                  rights[i].verb,
                  rights[i].column ? arena_format(arena, "'%s'", rights[i].column) : "null");
    pg_ask(database, text_get(&text));
}

START_TEST(every_cell_is_as_listed)
{
    write_wanted();
    for (const DatabaseRole *role = database_roles; role->name; role++) {
        const char *login = arena_format(arena, "%s user=%s", database, role->login);
        const char *wrong = pg_ask(
            login,
            "select coalesce(string_agg(concat_ws(' ', object, verb, col, case when may then 'may' "
            "else 'may not' end), ', '), '') from public.cells() c where may <> exists (select "
            "from "
            "public.wanted w where w.role = current_user and w.object = c.object and w.verb = "
            "c.verb "
            "and (w.col is null or w.col = c.col))");
        ck_assert_msg(!*wrong, "%s: %s", role->login, wrong);
        ck_assert_str_eq(pg_ask(login, "select count(*) > 400 from public.cells()"), "t");
    }
}
END_TEST

/* Each difference is found, named with its remedy, and put right; a stranger's rights stay. */
START_TEST(differences_are_found_and_put_right)
{
    static const struct {
        const char *statement, *what, *remedy;
    } cases[] = {
        {"grant delete on submission to mhsflow_map", "right_surplus",
         "revoke DELETE on mhsflow.submission from mhsflow_map"},
        {"grant select on secret to public", "right_surplus",
         "revoke SELECT on mhsflow.secret from public"},
        {"grant update (route) on submission to mhsflow_poll", "right_surplus",
         "revoke UPDATE (route) on mhsflow.submission from mhsflow_poll"},
        {"revoke insert on attempt from mhsflow_submit", "right_missing",
         "grant INSERT on mhsflow.attempt to mhsflow_submit"},
        {"revoke usage on schema mhsflow from mhsflow_seal", "right_missing",
         "grant usage on schema mhsflow to mhsflow_seal"},
        {"alter role mhsflow_build nologin", "role_cannot_log_in",
         "alter role mhsflow_build login"},
        {"alter role mhsflow_read createdb", "role_too_strong",
         "alter role mhsflow_read nosuperuser nocreaterole nocreatedb nobypassrls noreplication"},
        {"grant mhsflow_operate to mhsflow_map", "role_member",
         "revoke mhsflow_operate from mhsflow_map"},
        {"create table stray (n integer)", "object_unlisted", NULL},
    };
    RightsFault *faults;
    size_t count, changes;
    ask_text("create role stranger; grant select on submission to stranger");
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        ok(rights_check(database, arena, &faults, &count, err));
        ck_assert_msg(!count, "before %zu: %s %s %s", i, faults[0].what, faults[0].role,
                      faults[0].object);
        ask_text(cases[i].statement);
        ok(rights_check(database, arena, &faults, &count, err));
        ck_assert_uint_eq(count, 1);
        ck_assert_str_eq(faults[0].what, cases[i].what);
        ck_assert_pstr_eq(faults[0].remedy, cases[i].remedy);
        ok(rights_apply(database, &changes, err));
        ck_assert_uint_eq(changes, cases[i].remedy ? 1 : 0);
    }
    ck_assert_str_eq(ask_text("select has_table_privilege('stranger', 'submission', 'select')"),
                     "t");
    ck_assert_int_eq(ask_number("select count(*) from audit_event where event = 'rights_set'"),
                     sizeof cases /
                         sizeof *cases); /* the first made them, the last changed nothing */
    ask_text("drop owned by stranger; drop role stranger");
}
END_TEST

START_TEST(only_an_owner_sets_rights)
{
    const char *login = arena_format(arena, "%s user=mhsflow_operate", database);
    size_t changes;
    ask_text("revoke insert on attempt from mhsflow_submit");
    fails("store.right", rights_apply(login, &changes, err));
    ok(rights_apply(database, &changes, err));
}
END_TEST

CASE_MAIN("store: roles", each_role_has_enough, every_cell_is_as_listed,
          differences_are_found_and_put_right, only_an_owner_sets_rights)
