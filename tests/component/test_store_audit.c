/* SPDX-License-Identifier: Apache-2.0 */
/* The audit: chains that hold, every kind of tampering found, nothing personal, nothing outside its
 * types. */
#include "tests/component/store_case.h"

#include <string.h>

#define NOVEMBER (2026 * 12 + 10)

static void open_guards(void)
{
    ask_text("alter table audit_event disable trigger append_only");
}

static AuditVerdict verify(void)
{
    AuditVerdict verdict;
    ok(audit_verify(store, arena, &verdict, err));
    return verdict;
}

/* A history with several writers: two submissions, one accepted. */
static void make_history(void)
{
    Store *other;
    ok(store_open(database, "submit", &other, err));
    for (int i = 0; i < 3; i++)
        take_person("feed-b", i, "given");
    map_all(store, "V1", NOVEMBER - 1, NOVEMBER);
    build(store, "V1", NOVEMBER - 1, NULL);
    build(store, "V1", NOVEMBER, NULL);
    SubmissionClaim claim = claim_one(other);
    ck_assert(intend(other, &claim));
    settle(other, &claim, OUTCOME_ACCEPTED);
    store_close(other);
    ck_assert_uint_eq(verify().fault_count, 0);
}

/* One change by hand, and what the verifier must say of it. */
static void tamper(const char *statement, const char *what)
{
    make_history();
    open_guards();
    ask_text(statement);
    AuditVerdict verdict = verify();
    ck_assert_uint_gt(verdict.fault_count, 0);
    if (what)
        ck_assert_str_eq(verdict.faults[0].what, what);
}

static const struct {
    const char *statement, *what;
} tamperings[] = {
    {"update audit_event set event = 'revealed' where number = 3", "edited"},
    {"update audit_event set fields = '{}' where number = 3", "edited"},
    {"update audit_event set fields = (fields::text || ' ')::json where number = 3", "edited"},
    {"update audit_event set at = at + interval '1 microsecond' where number = 3", "edited"},
    {"update audit_event set previous = hash where number = 3", "edited"},
    {"update audit_event set hash = previous where number = 3", "edited"},
    {"update audit_event set writer = 'x' where number = 3", NULL},
    {"delete from audit_event where number = 3", "missing"},
    {"update audit_event set seq = seq + 1000 where number = 3", NULL},
    {"insert into audit_event (writer, seq, at, event, fields, previous, hash) select writer, seq "
     "+ 1000, at,"
     " event, fields, previous, hash from audit_event where number = 3",
     "missing"},
    {"update audit_event set fields = b.fields from audit_event b where (audit_event.number, "
     "b.number) in"
     " ((6, 7), (7, 6))",
     "edited"},
    /* Hashed as text, and to_char() shows no era: the same to the letter. */
    {"update audit_event set at = ((at at time zone 'UTC')::text || ' BC')::timestamp at time zone "
     "'UTC' where number = 3",
     "edited"},
    {"update audit_event set at = 'infinity' where number = 3", "edited"},
    {"update audit_event set submission = 999 where number = (select max(number) from audit_event "
     "where submission is not null)",
     "misfiled"},
    {"delete from audit_event where fields ->> 'to' = 'accepted'", "state without event"},
    {"update submission_queue set state = 'cancelled' where state = 'ready'",
     "state without event"},
    {"delete from audit_event where writer like 'test:%' and seq > 8", "state without event"},
};

START_TEST(every_tampering_is_found)
{
    tamper(tamperings[_i].statement, tamperings[_i].what);
}
END_TEST

START_TEST(the_first_bad_event_is_named)
{
    make_history();
    open_guards();
    const char *writer =
        ask_text("select writer from audit_event where writer like 'test:%' limit 1");
    ask_text(arena_format(
        arena, "update audit_event set event = 'revealed' where writer = '%s' and seq in (5, 9)",
        writer));
    AuditVerdict verdict = verify();
    ck_assert_uint_eq(verdict.fault_count, 1);
    ck_assert_str_eq(verdict.faults[0].writer, writer);
    ck_assert_int_eq(verdict.faults[0].seq, 5);
}
END_TEST

START_TEST(recomputed_hashes_show_at_the_next_event)
{
    make_history();
    open_guards();
    /* Whoever edits an event and its hash must edit all that follow. */
    ask_text("update audit_event set event = 'revealed', hash = sha256(E'\\\\x00' || "
             "convert_to('x', 'UTF8'))"
             " where number = 3");
    ck_assert_uint_gt(verify().fault_count, 0);
}
END_TEST

START_TEST(nobody_can_change_it_by_the_way)
{
    make_history();
    static const char *const tables[] = {"audit_event", "attempt", "receipt"};
    static const char *const deeds[] = {
        "delete from mhsflow.", "truncate mhsflow.",
        "set session_replication_role = replica; delete from mhsflow."};
    for (size_t i = 0; i < 3; i++)
        for (size_t j = 0; j < 3; j++)
            ck_assert_str_eq(
                pg_ask_state(database, arena_format(arena, "%s%s", deeds[j], tables[i])), "42501");
    ck_assert_str_eq(pg_ask_state(database, "update mhsflow.audit_event set event = 'x'"), "42501");
    ck_assert_str_eq(pg_ask_state(database, "update mhsflow.attempt set number = 0"), "42501");
}
END_TEST

START_TEST(a_rollback_leaves_no_gap)
{
    take_person("feed-b", 1, "given");
    for (int i = 0; i < 3; i++) {
        Transaction transaction = {0};
        ok(store_begin(store, &transaction, err));
        ok(audit_append(store, AUDIT_FEED_RESTARTED, &(AuditFields){.feed = "feed-b"}, err));
        store_rollback(&transaction);
    }
    take_person("feed-b", 2, "given");
    ck_assert_uint_eq(verify().fault_count, 0);
    ck_assert_int_eq(
        ask_number("select max(seq) - count(*) from audit_event where writer like 'test:%'"), 0);
}
END_TEST

START_TEST(fields_stay_within_their_types)
{
    _cleanup_transaction_ Transaction transaction = {0};
    uint8_t digest[DIGEST_SIZE] = {0};
    fails("store.no_transaction", audit_append(store, AUDIT_FEED_CHANGED, &(AuditFields){0}, err));
    ok(store_begin(store, &transaction, err));
    /* Not a field of this event. */
    fails("audit.field",
          audit_append(store, AUDIT_FEED_CHANGED, &(AuditFields){.digest = digest}, err));
    /* Not a word: spaces, other letters, too long, empty. */
    const char *bad[] = {"two words", "na\xc3\xafve", "", "a\nb",
                         "0123456789012345678901234567890123456789012345678901234567890123456789"};
    for (size_t i = 0; i < 5; i++)
        fails("audit.field",
              audit_append(store, AUDIT_FEED_CHANGED, &(AuditFields){.feed = bad[i]}, err));
    fails("audit.field",
          audit_append(store, AUDIT_FEED_ADVANCED, &(AuditFields){.changes = -1}, err));
    /* A name may not be an NHS number, however written. */
    fails("audit.name",
          audit_append(store, AUDIT_FEED_RESTARTED, &(AuditFields){.actor = "999 000 0018"}, err));
    ok(audit_append(store, AUDIT_FEED_RESTARTED,
                    &(AuditFields){.actor = "Zo\xc3\xab O'Brien \"x\""}, err));
    ok(store_commit(&transaction, err));
    ck_assert_uint_eq(verify().fault_count, 0);
}
END_TEST

START_TEST(subjects_are_hashes_under_a_key)
{
    uint8_t one[DIGEST_SIZE], same[DIGEST_SIZE], other[DIGEST_SIZE];
    ok(audit_subject(store, "feed-b", "person", "P1", one, err));
    ok(audit_subject(store, "feed-b", "person", "P1", same, err));
    ok(audit_subject(store, "feed-c", "person", "P1", other, err));
    ck_assert_mem_eq(one, same, DIGEST_SIZE);
    ck_assert_mem_ne(one, other, DIGEST_SIZE);
    ck_assert_int_eq(ask_number("select length(value) from secret where name = 'subject'"), 32);
}
END_TEST

typedef struct Listed {
    int count;
    int64_t last;
    char body[2000];
} Listed;

static bool list_one(void *context, const AuditRecord *record, Error *err)
{
    Listed *listed = context;
    (void)err;
    ck_assert_int_gt(record->number, listed->last);
    listed->last = record->number;
    listed->count++;
    snprintf(listed->body, sizeof listed->body, "%s", audit_body(record, arena));
    return true;
}

START_TEST(a_list_can_be_narrowed)
{
    make_history();
    Listed all = {0}, some = {0};
    ok(audit_list(store, &(AuditFilter){0}, list_one, &all, err));
    ck_assert_int_eq(all.count, ask_number("select count(*) from audit_event"));
    ok(audit_list(store, &(AuditFilter){.submission = 1, .event = "submission_accepted"}, list_one,
                  &some, err));
    ck_assert_int_eq(some.count, 1);
    some = (Listed){0};
    ok(audit_list(store, &(AuditFilter){.limit = 2}, list_one, &some, err));
    ck_assert_int_eq(some.count, 2);
    ck_assert_int_eq(some.last, all.last);
}
END_TEST

START_TEST(the_body_is_what_the_header_says)
{
    _cleanup_transaction_ Transaction transaction = {0};
    Listed listed = {0};
    ok(store_begin(store, &transaction, err));
    ok(audit_append(store, AUDIT_FEED_CHANGED,
                    &(AuditFields){.feed = "b", .from = "ok", .to = "down", .actor = "me"}, err));
    ok(store_commit(&transaction, err));
    ok(audit_list(store, &(AuditFilter){.event = "feed_changed"}, list_one, &listed, err));
    const char *expected = arena_format(arena,
                                        "\",\"event\":\"feed_changed\",\"fields\":{\"actor\":"
                                        "\"me\",\"feed\":\"b\",\"from\":\"ok\",\"to\":\"down\"},"
                                        "\"previous\":\"%064d\",\"seq\":1,\"writer\":\"%s\"}",
                                        0, store_holder(store));
    ck_assert(strncmp(listed.body, "{\"at\":\"20", 9) == 0);
    ck_assert_str_eq(strstr(listed.body, "\",\"event\""), expected);
    /* The hash by PostgreSQL's own SHA-256, as another program would. */
    ck_assert_str_eq(ask_text(arena_format(
                         arena,
                         "select hash = sha256(E'\\\\x00'::bytea || convert_to('%s', 'UTF8')) from "
                         "audit_event where event = 'feed_changed'",
                         listed.body)),
                     "t");
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        the_first_bad_event_is_named,    recomputed_hashes_show_at_the_next_event,
        nobody_can_change_it_by_the_way, a_rollback_leaves_no_gap,
        fields_stay_within_their_types,  subjects_are_hashes_under_a_key,
        a_list_can_be_narrowed,          the_body_is_what_the_header_says};
    return case_run_loop("store: audit", tests, sizeof tests / sizeof *tests,
                         every_tampering_is_found, sizeof tamperings / sizeof *tamperings);
}
