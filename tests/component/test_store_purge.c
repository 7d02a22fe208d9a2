/* SPDX-License-Identifier: Apache-2.0 */
/* What must not come back: what a purge took, what a merge settled, what a full listing left out.
 */
#include "daemon/store/purge.h"
#include "daemon/store/source.h"
#include "tests/component/store_case.h"

#include <libpq-fe.h>

static Change said(ChangeOp op, const char *id, const char *const *merged, int64_t version)
{
    Change change = upsert("person", id, version, NULL);
    change.op = op;
    change.reason = "erasure";
    change.survivor = id;
    change.merged = merged;
    change.merged_count = merged ? 1 : 0;
    return change;
}

START_TEST(a_purge_takes_who_was_merged_in)
{
    const char *second[] = {"P0000002"};
    take_person("feed-b", 1, "given");
    take_person("feed-b", 2, "given");
    take_person("feed-b", 3, "given");
    take("feed-b", said(CHANGE_MERGE, "P0000001", second, 4));
    take("feed-b", said(CHANGE_PURGE, "P0000001", NULL, 9));
    ck_assert_str_eq(
        ask_text("select string_agg(id, ' ' order by id) from source_record where type = 'person'"),
        "P0000003");
    ck_assert_int_eq(ask_number("select count(*) from source_record"), 4);
    ck_assert_int_eq(ask_number("select count(*) from person_merge"), 0);
    ck_assert_int_eq(ask_number("select count(*) from purge"), 2);
    ck_assert_int_eq(ask_number("select count(*) from audit_event where event = 'purged'"), 2);
}
END_TEST

START_TEST(what_a_purge_took_does_not_come_back_with_an_old_page)
{
    take_person("feed-b", 1, "given");
    take("feed-b", said(CHANGE_PURGE, "P0000001", NULL, 9));
    take("feed-b",
         upsert("contact", "C0000001", 1, "{\"id\":\"C0000001\",\"referral\":\"R0000001\"}"),
         upsert("consent", "K0000001", 1, "{\"id\":\"K0000001\",\"person\":\"P0000001\"}"));
    ck_assert_int_eq(ask_number("select count(*) from source_record"), 0);
    /* No id is kept, only what says that it was here. */
    ck_assert_int_eq(ask_number("select count(*) from purged_record"), 4);
    ck_assert_int_eq(ask_number("select min(length(subject)) from purged_record"), DIGEST_SIZE);
}
END_TEST

static void read_anew(void)
{
    _cleanup_transaction_ Transaction transaction = {0};
    ok(store_begin(store, &transaction, err));
    ok(feed_restart(store, "feed-b", "epoch_changed", NULL, err));
    ok(store_commit(&transaction, err));
}

START_TEST(a_restored_server_may_use_an_id_again)
{
    take_person("feed-b", 1, "given");
    read_anew();
    take("feed-b", said(CHANGE_PURGE, "P0000001", NULL, 9));
    take("feed-b", upsert("contact", "C0000001", 1, "{\"id\":\"C0000001\",\"referral\":\"R9\"}"));
    ck_assert_str_eq(ask_text("select string_agg(id, ' ') from source_record"), "C0000001");
}
END_TEST

START_TEST(the_later_merge_counts_whatever_its_survivors_version)
{
    const char *second[] = {"P0000002"};
    take_person("feed-b", 1, "given");
    take_person("feed-b", 2, "given");
    take_person("feed-b", 3, "given");
    take("feed-b", said(CHANGE_MERGE, "P0000001", second, 40));
    take("feed-b", said(CHANGE_UNMERGE, "P0000001", second, 41));
    take("feed-b", said(CHANGE_MERGE, "P0000003", second, 2));
    ck_assert_str_eq(ask_text("select person from source_record where id = 'C0000002'"),
                     "P0000003");
}
END_TEST

START_TEST(a_merge_that_a_restored_server_lost_is_no_more)
{
    const char *second[] = {"P0000002"}, *third[] = {"P0000003"};
    take_person("feed-b", 1, "given");
    take_person("feed-b", 2, "given");
    take_person("feed-b", 3, "given");
    take("feed-b", said(CHANGE_MERGE, "P0000001", second, 4));
    take("feed-b", said(CHANGE_MERGE, "P0000001", third, 5));
    read_anew();
    /* The third stays merged: nobody said a word about them. */
    take("feed-b", upsert("person", "P0000001", 1, "{\"id\":\"P0000001\"}"),
         upsert("person", "P0000002", 1, "{\"id\":\"P0000002\"}"));
    ck_assert_str_eq(
        ask_text("select string_agg(id || '>' || person, ' ' order by id) from source_record"
                 " where type = 'contact'"),
        "C0000001>P0000001 C0000002>P0000002 C0000003>P0000001");
    ck_assert_int_eq(ask_number("select count(*) from audit_event where event = 'person_unmerged'"),
                     1);
}
END_TEST

/* A full listing is a page whose records have a higher place than all before it. */
START_TEST(a_full_listing_sweeps_what_it_does_not_name)
{
    SourceCounts counts = {0};
    take_person("feed-b", 1, "given");
    take_person("feed-b", 2, "given");
    take_person("feed-c", 3, "given");
    ask_text("delete from work returning 1");
    Change again = upsert("person", "P0000001", 2, "{\"id\":\"P0000001\"}");
    int64_t before = again.seq;
    take("feed-b", again,
         upsert("consent", "K0000001", 2, "{\"id\":\"K0000001\",\"person\":\"P0000001\"}"));
    {
        _cleanup_transaction_ Transaction transaction = {0};
        ok(store_begin(store, &transaction, err));
        ok(source_sweep(store, "feed-b", before, &counts, err));
        ok(store_commit(&transaction, err));
    }
    ck_assert_int_eq(counts.deleted, 6);
    ck_assert_str_eq(
        ask_text("select string_agg(id, ' ' order by id) from source_record where not deleted"),
        "C0000003 K0000001 K0000003 P0000001 P0000003 R0000003");
    ck_assert_str_eq(ask_text("select string_agg(person, ' ' order by person) from work"),
                     "P0000001 P0000002");
    ck_assert_int_eq(ask_number("select records from feed_state where feed = 'feed-b'"), 2);
    /* What is gone does not go twice, and what comes again is taken. */
    counts = (SourceCounts){0};
    {
        _cleanup_transaction_ Transaction transaction = {0};
        ok(store_begin(store, &transaction, err));
        ok(source_sweep(store, "feed-b", before, &counts, err));
        ok(store_commit(&transaction, err));
    }
    ck_assert_int_eq(counts.changes, 0);
    take("feed-b", upsert("person", "P0000002", 3, "{\"id\":\"P0000002\"}"));
    ck_assert_int_eq(ask_number("select records from feed_state where feed = 'feed-b'"), 3);
}
END_TEST

/* As long as somebody's snapshot sees what was deleted, it is not said to be cleared. */
START_TEST(a_purge_is_cleared_when_nobody_sees_it_any_more)
{
    int64_t done, waiting, event;
    Purge *all;
    size_t count;
    take_person("feed-b", 1, "given");
    PGconn *old = PQconnectdb(database);
    PQclear(PQexec(old, "begin isolation level repeatable read; select count(*) from pg_class"));
    take("feed-b", said(CHANGE_PURGE, "P0000001", NULL, 9));
    ok(purge_vacuum(store, &done, &waiting, err));
    ck_assert_int_eq(done, 0);
    ck_assert_int_eq(waiting, 1);
    PQclear(PQexec(old, "commit"));
    ok(purge_vacuum(store, &done, &waiting, err));
    ck_assert_int_eq(done, 1);
    ck_assert_int_eq(waiting, 0);
    ok(purge_list(store, 0, arena, &all, &count, err));
    ck_assert_uint_eq(count, 1);
    ck_assert_int_ge(all[0].vacuumed_at, all[0].purged_at);
    ck_assert_int_eq(all[0].records, 4);
    ck_assert_str_eq(all[0].reason, "erasure");
    ok(purge_event(store, &all[0], &event, err));
    ck_assert_int_eq(event, ask_number("select number from audit_event where event = 'purged'"));
    ok(purge_vacuum(store, &done, &waiting, err));
    ck_assert_int_eq(done, 0);
    PQfinish(old);
}
END_TEST

CASE_MAIN("store: what must not come back", a_purge_takes_who_was_merged_in,
          what_a_purge_took_does_not_come_back_with_an_old_page,
          a_restored_server_may_use_an_id_again,
          the_later_merge_counts_whatever_its_survivors_version,
          a_merge_that_a_restored_server_lost_is_no_more,
          a_full_listing_sweeps_what_it_does_not_name,
          a_purge_is_cleared_when_nobody_sees_it_any_more)
