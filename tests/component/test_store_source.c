/* SPDX-License-Identifier: Apache-2.0 */
/* Records as feeds really bring them: versions, owners, orphans, merges, restrictions, purges. */
#include "daemon/base/clock.h"
#include "tests/component/store_case.h"

#include <string.h>

#define NOVEMBER (2026 * 12 + 10)

static void forget_work(void)
{
    ask_text("delete from work");
}

static const char *waiting(void)
{
    return ask_text("select coalesce(string_agg(person, ' ' order by person), '') from work");
}

static const char *owner_of(const char *type, const char *id)
{
    return ask_text(
        arena_format(arena,
                     "select coalesce(person, 'nobody') from source_record where type = '%s' "
                     "and id = '%s'",
                     type, id));
}

START_TEST(versions_only_go_up)
{
    take("feed-b", upsert("person", "P1", 3, "{\"id\":\"P1\",\"lot\":\"3\"}"));
    SourceCounts counts = take("feed-b", upsert("person", "P1", 3, "{\"id\":\"P1\",\"lot\":\"x\"}"),
                               upsert("person", "P1", 2, "{\"id\":\"P1\",\"lot\":\"y\"}"));
    ck_assert_int_eq(counts.stored, 0);
    ck_assert_int_eq(counts.ignored, 2);
    ck_assert_str_eq(ask_text("select record ->> 'lot' from source_record"), "3");
    forget_work();
    counts = take("feed-b", upsert("person", "P1", 4, "{\"lot\": \"3\", \"id\":\"P1\"}"));
    ck_assert_int_eq(counts.unchanged, 1);
    ck_assert_str_eq(waiting(), "");
    ck_assert_int_eq(ask_number("select version from source_record"), 4);
}
END_TEST

START_TEST(the_newest_of_a_page_wins)
{
    SourceCounts counts = take("feed-b", upsert("person", "P1", 1, "{\"id\":\"P1\",\"lot\":\"1\"}"),
                               upsert("person", "P1", 5, "{\"id\":\"P1\",\"lot\":\"5\"}"),
                               upsert("person", "P1", 3, "{\"id\":\"P1\",\"lot\":\"3\"}"));
    ck_assert_int_eq(counts.stored, 1);
    ck_assert_int_eq(counts.ignored, 2);
    ck_assert_str_eq(ask_text("select record ->> 'lot' from source_record"), "5");
}
END_TEST

START_TEST(children_wait_for_parents)
{
    SourceCounts counts =
        take("feed-b", upsert("intervention", "I1", 1, "{\"id\":\"I1\",\"contact\":\"C1\"}"),
             upsert("contact", "C1", 1, "{\"id\":\"C1\",\"referral\":\"R1\"}"));
    ck_assert_int_eq(counts.orphans, 2);
    ck_assert_str_eq(waiting(), "");
    FeedState feed;
    ok(feed_get(store, "feed-b", arena, &feed, err));
    ck_assert_int_eq(feed.orphans, 2);
    take("feed-b", upsert("referral", "R1", 1, "{\"id\":\"R1\",\"person\":\"P1\"}"));
    ck_assert_str_eq(owner_of("intervention", "I1"), "P1");
    ck_assert_str_eq(owner_of("contact", "C1"), "P1");
    ck_assert_str_eq(waiting(), "P1");
    ok(feed_get(store, "feed-b", arena, &feed, err));
    ck_assert_int_eq(feed.orphans, 0);
    ck_assert_int_eq(feed.records, 3);
}
END_TEST

START_TEST(parent_and_child_of_one_page_find_each_other)
{
    take("feed-b", upsert("contact", "C1", 1, "{\"id\":\"C1\",\"referral\":\"R1\"}"),
         upsert("referral", "R1", 1, "{\"id\":\"R1\",\"person\":\"P1\"}"),
         upsert("intervention", "I1", 1, "{\"id\":\"I1\",\"contact\":\"C1\"}"));
    ck_assert_str_eq(owner_of("intervention", "I1"), "P1");
}
END_TEST

START_TEST(a_move_queues_both_owners)
{
    take("feed-b", upsert("referral", "R1", 1, "{\"id\":\"R1\",\"person\":\"P1\"}"),
         upsert("contact", "C1", 1, "{\"id\":\"C1\",\"referral\":\"R1\"}"));
    forget_work();
    take("feed-b", upsert("referral", "R1", 2, "{\"id\":\"R1\",\"person\":\"P2\"}"));
    ck_assert_str_eq(waiting(), "P1 P2");
    ck_assert_str_eq(owner_of("contact", "C1"), "P2");
}
END_TEST

START_TEST(a_deletion_stays_and_queues)
{
    take_person("feed-b", 1, "given");
    forget_work();
    SourceCounts counts = take("feed-b", upsert("contact", "C0000001", 2, NULL));
    ck_assert_int_eq(counts.deleted, 1);
    ck_assert_str_eq(waiting(), "P0000001");
    counts = take("feed-b", upsert("contact", "C0000001", 1, "{\"id\":\"C0000001\"}"));
    ck_assert_int_eq(counts.ignored, 1);
    ck_assert_str_eq(
        ask_text("select deleted and record is null from source_record where type = 'contact'"),
        "t");
    ck_assert_int_eq(ask_number("select records from feed_state"), 3);
}
END_TEST

static Change merge(ChangeOp op, const char *survivor, const char *const *merged, size_t count,
                    int64_t version)
{
    Change change = upsert("person", survivor, version, NULL);
    change.op = op;
    change.survivor = survivor;
    change.merged = merged;
    change.merged_count = count;
    return change;
}

START_TEST(a_merge_and_its_undoing)
{
    const char *second[] = {"P0000002"};
    take_person("feed-b", 1, "given");
    take_person("feed-b", 2, "refused");
    take_person("feed-b", 3, "given");
    forget_work();
    SourceCounts counts = take("feed-b", merge(CHANGE_MERGE, "P0000001", second, 1, 4));
    ck_assert_int_eq(counts.merged, 1);
    ck_assert_str_eq(waiting(), "P0000001 P0000002");
    ck_assert_str_eq(owner_of("contact", "C0000002"), "P0000001");
    /* What comes later under the merged id belongs to the survivor too. */
    take("feed-b", upsert("referral", "R9", 1, "{\"id\":\"R9\",\"person\":\"P0000002\"}"));
    ck_assert_str_eq(owner_of("referral", "R9"), "P0000001");
    counts = take("feed-b", merge(CHANGE_MERGE, "P0000001", second, 1, 4));
    ck_assert_int_eq(counts.merged, 0);
    /* A chain follows to its end, and comes back link by link. */
    const char *first[] = {"P0000001"};
    take("feed-b", merge(CHANGE_MERGE, "P0000003", first, 1, 5));
    ck_assert_str_eq(owner_of("contact", "C0000002"), "P0000003");
    ck_assert_str_eq(owner_of("contact", "C0000001"), "P0000003");
    forget_work();
    take("feed-b", merge(CHANGE_UNMERGE, "P0000003", first, 1, 6));
    ck_assert_str_eq(owner_of("contact", "C0000002"), "P0000001");
    ck_assert_str_eq(waiting(), "P0000001 P0000003");
    take("feed-b", merge(CHANGE_UNMERGE, "P0000001", second, 1, 7));
    ck_assert_str_eq(owner_of("referral", "R9"), "P0000002");
    ck_assert_int_eq(ask_number("select count(*) from audit_event where event = 'person_merged'"),
                     2);
    ck_assert_int_eq(ask_number("select count(*) from audit_event where event = 'person_unmerged'"),
                     2);
}
END_TEST

START_TEST(merges_in_a_circle_end)
{
    const char *first[] = {"P0000001"}, *second[] = {"P0000002"};
    take_person("feed-b", 1, "given");
    take_person("feed-b", 2, "given");
    take("feed-b", merge(CHANGE_MERGE, "P0000001", second, 1, 4));
    take("feed-b", merge(CHANGE_MERGE, "P0000002", first, 1, 5));
    ck_assert_str_eq(owner_of("contact", "C0000001"), "P0000002");
    ck_assert_str_eq(owner_of("contact", "C0000002"), "P0000002");
}
END_TEST

static Change plain(ChangeOp op, const char *type, const char *id, int64_t version)
{
    Change change = upsert(type, id, version, NULL);
    change.op = op;
    change.reason = "erasure";
    return change;
}

static PersonBasis basis_of(const char *person)
{
    PersonBasis basis;
    ok(source_basis(store, "feed-b", person, "mhsds", arena, &basis, err));
    return basis;
}

START_TEST(a_restriction_is_kept_before_and_after_its_record)
{
    take("feed-b", plain(CHANGE_RESTRICT, "person", "P0000001", 1));
    ck_assert(basis_of("P0000001").restricted);
    take("feed-b", upsert("person", "P0000001", 2, "{\"id\":\"P0000001\"}"));
    ck_assert(basis_of("P0000001").restricted);
    take("feed-b", plain(CHANGE_UNRESTRICT, "person", "P0000001", 3));
    ck_assert(!basis_of("P0000001").restricted);
    ck_assert_int_eq(
        ask_number("select count(*) from audit_event where event like 'person_%restricted'"), 2);
}
END_TEST

START_TEST(a_purge_leaves_a_hash_and_nothing_else)
{
    take_person("feed-b", 1, "given");
    take_person("feed-b", 2, "given");
    map_all(store, "V9X01", NOVEMBER, NOVEMBER);
    int64_t id = build(store, "V9X01", NOVEMBER, NULL);
    SourceCounts counts = take("feed-b", plain(CHANGE_PURGE, "person", "P0000001", 9));
    ck_assert_int_eq(counts.purged, 1);
    ck_assert_int_eq(ask_number("select count(*) from source_record"), 4);
    ck_assert_int_eq(ask_number("select count(*) from national_row where person = 'P0000001'"), 0);
    ck_assert_str_eq(
        ask_text("select records || ' ' || rows || ' ' || reason || ' ' || length(subject) "
                 "from purge"),
        "4 1 erasure 32");
    ck_assert_str_eq(ask_text("select dirty_generation > built_generation from provider_month"),
                     "t");
    /* What holds the person's row cannot leave and cannot be built again. */
    SubmissionClaim claim = claim_one(store);
    ck_assert_int_eq(claim.info.id, id);
    ck_assert(!intend(store, &claim));
    fails("submission.purged", submission_rows(store, id, NULL, NULL, err));
    /* Twice the same page, and the record itself once more: nothing. */
    counts = take("feed-b", plain(CHANGE_PURGE, "person", "P0000001", 9),
                  upsert("person", "P0000001", 99, "{\"id\":\"P0000001\"}"));
    ck_assert_int_eq(counts.purged, 0);
    ck_assert_int_eq(ask_number("select count(*) from source_record"), 4);
    ck_assert_int_eq(ask_number("select count(*) from audit_event where event = 'purged'"), 1);
}
END_TEST

START_TEST(a_build_across_a_purge_is_refused)
{
    take_person("feed-b", 1, "given");
    map_all(store, "V9X01", NOVEMBER, NOVEMBER);
    int64_t generation, id;
    int revision;
    uint8_t digest[DIGEST_SIZE] = {1};
    ok(provider_raise(store, "V9X01", &generation, err));
    take("feed-b", plain(CHANGE_PURGE, "person", "P0000001", 9));
    SubmissionNew new = {.data_set = "mhsds-6.0",
                         .provider = "V9X01",
                         .period = NOVEMBER,
                         .generation = generation,
                         .route = "r",
                         .legal_basis = "consent",
                         .document_created = "x",
                         .document_digest = digest,
                         .content_digest = digest,
                         .pack_version = "6.0",
                         .format_version = "1",
                         .mapping_version = "m",
                         .program_version = "p",
                         .spool_name = "s"};
    _cleanup_transaction_ Transaction transaction = {0};
    ok(store_begin(store, &transaction, err));
    fails("submission.purged_meanwhile", submission_insert(store, &new, &id, &revision, err));
}
END_TEST

START_TEST(a_record_that_cannot_be_stored_is_told_and_the_others_go_on)
{
    SourceCounts counts = take("feed-b", upsert("person", "P1", 1, "{\"id\":\"P1\"}"),
                               upsert("person", "P2", 1, "{\"id\":\"P2\",\"x\":\"\\u0000\"}"),
                               upsert("person", "P3", 1, "{\"id\":\"P3\"}"));
    ck_assert_int_eq(counts.stored, 2);
    ck_assert_int_eq(counts.refused, 1);
    ck_assert_str_eq(ask_text("select rule || ' ' || record_id from finding"), "feed.refused P2");
}
END_TEST

START_TEST(a_reference_record_concerns_who_uses_it)
{
    take("feed-b", upsert("organisation", "O-L1", 1, "{\"id\":\"O-L1\",\"name\":\"a\"}"),
         upsert("organisation", "O-P", 1, "{\"id\":\"O-P\",\"parent\":\"O-L1\"}"));
    take_person("feed-b", 1, "given");
    take("feed-b", upsert("referral", "R5", 1, "{\"id\":\"R5\",\"person\":\"P5\",\"org\":\"O-P\"}"),
         upsert("referral", "R6", 1, "{\"id\":\"R6\",\"person\":\"P6\",\"org\":\"O-X\"}"));
    forget_work();
    int64_t before, after;
    ok(source_reference_version(store, "feed-b", &before, err));
    take("feed-b", upsert("organisation", "O-L1", 2, "{\"name\":\"a\",\"id\":\"O-L1\"}"));
    ck_assert_str_eq(waiting(), "");
    take("feed-b", upsert("organisation", "O-L1", 3, "{\"id\":\"O-L1\",\"name\":\"b\"}"));
    ck_assert_str_eq(waiting(), "P0000001 P5");
    RecordList list = {0};
    ok(source_reference(store, "feed-b", arena, &list, &after, err));
    ck_assert_int_gt(after, before);
    ck_assert_uint_eq(list.count, 2);
}
END_TEST

static void consent(const char *id, const char *person, const char *status, const char *from,
                    const char *to, const char *recorded, int64_t version)
{
    Change change =
        upsert("consent", id, version,
               arena_format(arena,
                            "{\"id\":\"%s\",\"person\":\"%s\",\"purpose\":\"mhsds\",\"status\":"
                            "\"%s\",\"valid_from\":\"%s\",\"valid_to\":%s}",
                            id, person, status, from, to ? to : "null"));
    change.recorded_at = recorded;
    take("feed-b", change);
}

START_TEST(the_decision_in_force)
{
    char today[CIVIL_TEXT_SIZE], tomorrow[CIVIL_TEXT_SIZE], yesterday[CIVIL_TEXT_SIZE];
    Day day = civil_london_day(clock_wall());
    civil_format_day(day, today);
    civil_format_day(day + 1, tomorrow);
    civil_format_day(day - 1, yesterday);
    const char *early = "2026-09-02T08:00:00Z", *late = "2026-09-02T09:00:00Z";
    ck_assert_int_eq(basis_of("P1").decision, CONSENT_NONE);
    consent("K1", "P1", "given", "2026-01-01", NULL, early, 1);
    ck_assert_int_eq(basis_of("P1").decision, CONSENT_GIVEN);
    /* Not yet: the day is not here; it is said when to look again. */
    consent("K2", "P1", "withdrawn", tomorrow, NULL, early, 1);
    ck_assert_int_eq(basis_of("P1").decision, CONSENT_GIVEN);
    ck_assert_int_eq(basis_of("P1").recheck, day + 1);
    consent("K3", "P1", "refused", today, NULL, early, 1);
    ck_assert_int_eq(basis_of("P1").decision, CONSENT_REFUSED);
    /* The same day: later recorded wins; the same instant: a refusal. */
    consent("K4", "P1", "given", today, NULL, late, 1);
    ck_assert_int_eq(basis_of("P1").decision, CONSENT_GIVEN);
    consent("K5", "P1", "withdrawn", today, NULL, late, 1);
    ck_assert_int_eq(basis_of("P1").decision, CONSENT_WITHDRAWN);
    /* A yes that has ended is none, and one that ends today still holds. */
    consent("K6", "P2", "given", "2026-01-01", arena_format(arena, "\"%s\"", yesterday), early, 1);
    ck_assert_int_eq(basis_of("P2").decision, CONSENT_NONE);
    consent("K6", "P2", "given", "2026-01-01", arena_format(arena, "\"%s\"", today), early, 2);
    ck_assert_int_eq(basis_of("P2").decision, CONSENT_GIVEN);
    ck_assert_int_eq(basis_of("P2").recheck, day + 1);
    /* A word we do not know is not a yes; an unreadable day counts from when it was recorded. */
    consent("K7", "P3", "maybe", "2026-01-01", NULL, early, 1);
    ck_assert_int_eq(basis_of("P3").decision, CONSENT_OTHER);
    consent("K8", "P4", "refused", "2026-31-12", NULL, early, 1);
    ck_assert_int_eq(basis_of("P4").decision, CONSENT_REFUSED);
}
END_TEST

START_TEST(after_a_merge_the_latest_of_all)
{
    const char *merged[] = {"P0000002"};
    take_person("feed-b", 1, "given");
    take_person("feed-b", 2, "refused");
    take("feed-b", merge(CHANGE_MERGE, "P0000001", merged, 1, 4));
    ck_assert_int_eq(basis_of("P0000001").decision, CONSENT_REFUSED);
}
END_TEST

START_TEST(every_decision_has_one_event)
{
    consent("K1", "P1", "given", "2026-01-01", NULL, "2026-09-02T08:00:00Z", 1);
    consent("K1", "P1", "given", "2026-01-01", NULL, "2026-09-02T08:00:00Z", 2);
    consent("K1", "P1", "withdrawn", "2026-01-01", NULL, "2026-09-02T08:00:00Z", 3);
    consent("K1", "P1", "withdrawn", "2026-01-01", NULL, "2026-09-02T08:00:00Z", 3);
    ck_assert_str_eq(
        ask_text("select string_agg(fields ->> 'decision', ' ' order by number) from audit_event "
                 "where event = 'consent_decided'"),
        "given withdrawn");
    ck_assert_int_eq(ask_number("select count(*) from audit_event where fields::text like '%P1%'"),
                     0);
}
END_TEST

START_TEST(in_a_new_round_an_older_version_that_differs_is_taken)
{
    take("feed-b", upsert("person", "P1", 9, "{\"id\":\"P1\",\"lot\":\"9\"}"),
         upsert("person", "P2", 9, "{\"id\":\"P2\"}"));
    _cleanup_transaction_ Transaction transaction = {0};
    ok(store_begin(store, &transaction, err));
    ok(feed_restart(store, "feed-b", "epoch_changed", NULL, err));
    ok(store_commit(&transaction, err));
    FeedState feed;
    ok(feed_get(store, "feed-b", arena, &feed, err));
    ck_assert_ptr_null(feed.cursor.cursor);
    ck_assert(!feed.cursor.complete);
    SourceCounts counts = take("feed-b", upsert("person", "P1", 2, "{\"id\":\"P1\",\"lot\":\"2\"}"),
                               upsert("person", "P2", 3, "{\"id\":\"P2\"}"));
    ck_assert_int_eq(counts.stored, 1);
    ck_assert_int_eq(counts.ignored, 1);
    /* From here on the restored server's own numbers count. */
    counts = take("feed-b", upsert("person", "P2", 4, "{\"id\":\"P2\",\"lot\":\"4\"}"));
    ck_assert_int_eq(counts.stored, 1);
}
END_TEST

START_TEST(a_feeds_prefix_is_permanent)
{
    ok(feed_register(store, "one", "a", err));
    ok(feed_register(store, "one", "a", err));
    fails("feed.id_prefix", feed_register(store, "one", "b", err));
    fails("feed.id_prefix", feed_register(store, "two", "a", err));
}
END_TEST

START_TEST(a_feeds_states_are_audited_once)
{
    Error down = {0};
    error_set(&down, ERROR_LATER, "feed.connect", "could not connect");
    take_person("feed-b", 1, "given");
    for (int i = 0; i < 3; i++)
        ok(feed_save_failure(store, "feed-b", "down", &down, "wait", NULL, (NextPoll){1000, 0},
                             err));
    FeedState feed;
    ok(feed_get(store, "feed-b", arena, &feed, err));
    ck_assert_int_eq(feed.failures, 3);
    ck_assert_str_eq(feed.last_error_code, "feed.connect");
    take_person("feed-b", 2, "given");
    ok(feed_pause(store, "feed-b", "a person", err));
    ok(feed_resume(store, "feed-b", "a person", err));
    ck_assert_str_eq(
        ask_text("select string_agg(fields ->> 'to', ' ' order by number) from audit_event "
                 "where event = 'feed_changed'"),
        "ok down ok paused ok");
}
END_TEST

CASE_MAIN("store: records", versions_only_go_up, the_newest_of_a_page_wins,
          children_wait_for_parents, parent_and_child_of_one_page_find_each_other,
          a_move_queues_both_owners, a_deletion_stays_and_queues, a_merge_and_its_undoing,
          merges_in_a_circle_end, a_restriction_is_kept_before_and_after_its_record,
          a_purge_leaves_a_hash_and_nothing_else, a_build_across_a_purge_is_refused,
          a_record_that_cannot_be_stored_is_told_and_the_others_go_on,
          a_reference_record_concerns_who_uses_it, the_decision_in_force,
          after_a_merge_the_latest_of_all, every_decision_has_one_event,
          in_a_new_round_an_older_version_that_differs_is_taken, a_feeds_prefix_is_permanent,
          a_feeds_states_are_audited_once)
