/* SPDX-License-Identifier: Apache-2.0 */
/* Persons waiting to be mapped: leases, fences, crashes, days to come. */
#include "daemon/base/clock.h"
#include "tests/component/store_case.h"

#include <string.h>

static size_t claim(Store *on, size_t limit, int64_t lease_ms, WorkItem **ret)
{
    size_t count;
    ok(work_claim(on, limit, lease_ms, arena, ret, &count, err));
    return count;
}

static void done(Store *on, const WorkItem *items, size_t count)
{
    _cleanup_transaction_ Transaction transaction = {0};
    ok(store_begin(on, &transaction, err));
    ok(work_done(on, items, count, err));
    ok(store_commit(&transaction, err));
}

static void expire(void)
{
    ask_text("update work set claimed_until = mhsflow.now() - interval '1 second' where "
             "claimed_until is not "
             "null");
}

START_TEST(two_workers_share_without_overlap)
{
    Store *other;
    WorkItem *mine, *theirs;
    for (int i = 0; i < 10; i++)
        take_person("feed-b", i, "given");
    ok(store_open(database, "map", &other, err));
    ck_assert_uint_eq(claim(store, 6, 60000, &mine), 6);
    ck_assert_uint_eq(claim(other, 6, 60000, &theirs), 4);
    for (int i = 0; i < 6; i++)
        for (int j = 0; j < 4; j++)
            ck_assert_str_ne(mine[i].person, theirs[j].person);
    done(store, mine, 6);
    done(other, theirs, 4);
    ck_assert_int_eq(ask_number("select count(*) from work"), 0);
    store_close(other);
}
END_TEST

START_TEST(who_is_queued_again_meanwhile_stays)
{
    WorkItem *items;
    take_person("feed-b", 1, "given");
    ck_assert_uint_eq(claim(store, 10, 60000, &items), 1);
    take("feed-b", upsert("contact", "C0000001", 2,
                          "{\"id\":\"C0000001\",\"referral\":\"R0000001\",\"x\":1}"));
    done(store, items, 1);
    ck_assert_uint_eq(claim(store, 10, 60000, &items), 1);
    done(store, items, 1);
    ck_assert_uint_eq(claim(store, 10, 60000, &items), 0);
}
END_TEST

START_TEST(a_late_mapper_changes_nothing)
{
    WorkItem *late, *items;
    take_person("feed-b", 1, "given");
    ck_assert_uint_eq(claim(store, 10, 60000, &late), 1);
    expire();
    ck_assert_uint_eq(claim(store, 10, 60000, &items), 1);
    ck_assert_int_eq(items[0].crashes, 1);
    _cleanup_transaction_ Transaction transaction = {0};
    ok(store_begin(store, &transaction, err));
    fails("work.stale", work_done(store, late, 1, err));
    store_rollback(&transaction);
    done(store, items, 1);
}
END_TEST

START_TEST(only_who_kills_twice_is_set_aside)
{
    WorkItem *items;
    for (int i = 0; i < 5; i++)
        take_person("feed-b", i, "given");
    /* A batch dies; everyone is tried alone; one dies again. */
    ck_assert_uint_eq(claim(store, 10, 60000, &items), 5);
    expire();
    for (int i = 0; i < 5; i++) {
        ck_assert_uint_eq(claim(store, 10, 60000, &items), 1);
        if (strcmp(items[0].person, "P0000003") != 0)
            done(store, items, 1);
    }
    expire();
    ck_assert_uint_eq(claim(store, 10, 60000, &items), 0);
    ck_assert_str_eq(ask_text("select string_agg(person, ' ') from work where quarantined"),
                     "P0000003");
    ck_assert_str_eq(ask_text("select rule || ' ' || person from finding"),
                     "work.crashed P0000003");
    ck_assert_int_eq(
        ask_number("select count(*) from audit_event where event = 'work_quarantined'"), 1);
    /* New data is a new chance. */
    take("feed-b", upsert("contact", "C0000003", 2,
                          "{\"id\":\"C0000003\",\"referral\":\"R0000003\",\"x\":1}"));
    ck_assert_uint_eq(claim(store, 10, 60000, &items), 1);
    done(store, items, 1);
    ck_assert_int_eq(ask_number("select count(*) from finding"), 0);
}
END_TEST

START_TEST(failures_wait_and_end_aside)
{
    WorkItem *items;
    Error later = {0}, data = {0};
    error_set(&later, ERROR_LATER, "map.later", "could not");
    error_set(&data, ERROR_DATA, "arena.cap", "cannot");
    take_person("feed-b", 1, "given");
    take_person("feed-b", 2, "given");
    ck_assert_uint_eq(claim(store, 1, 60000, &items), 1);
    ok(work_fail(store, &items[0], &data, 1000, err));
    for (int i = 0; i < 5; i++) {
        ck_assert_uint_eq(claim(store, 10, 60000, &items), 1);
        ok(work_fail(store, &items[0], &later, 3600000, err));
        WorkState state;
        ok(work_state(store, &state, err));
        ck_assert_int_eq(state.waiting, 0);
        ck_assert_int_eq(state.quarantined, i == 4 ? 2 : 1);
        ask_text("update work set due_at = mhsflow.now()");
    }
    ck_assert_uint_eq(claim(store, 10, 60000, &items), 0);
}
END_TEST

START_TEST(a_decision_to_come_is_waited_for)
{
    char tomorrow[CIVIL_TEXT_SIZE];
    WorkItem *items;
    WorkState state;
    Day day = civil_london_day(clock_wall()) + 1;
    take_person("feed-b", 1, "given");
    take("feed-b",
         upsert("consent", "K9", 1,
                arena_format(arena,
                             "{\"id\":\"K9\",\"person\":\"P0000001\",\"purpose\":\"mhsds\","
                             "\"status\":\"withdrawn\",\"valid_from\":\"%s\"}",
                             civil_format_day(day, tomorrow))));
    ck_assert_uint_eq(claim(store, 10, 60000, &items), 1);
    done(store, items, 1);
    ok(work_state(store, &state, err));
    ck_assert_int_eq(state.waiting, 0);
    ck_assert_int_eq(state.later, 1);
    ck_assert(state.next_due == civil_london_instant(day, 0, true));
    bool settled;
    ok(rows_settled(store, &settled, err));
    ck_assert(settled);
}
END_TEST

START_TEST(a_running_snapshot_is_not_mapped)
{
    WorkItem *items;
    take_person("feed-b", 1, "given");
    ask_text("update feed_state set phase = 'snapshot:contact'");
    ck_assert_uint_eq(claim(store, 10, 60000, &items), 0);
    ask_text("update feed_state set phase = 'changes'");
    ck_assert_uint_eq(claim(store, 10, 60000, &items), 1);
}
END_TEST

START_TEST(released_work_is_as_it_was)
{
    WorkItem *items;
    take_person("feed-b", 1, "given");
    ck_assert_uint_eq(claim(store, 10, 60000, &items), 1);
    ok(work_release(store, items, 1, err));
    ck_assert_uint_eq(claim(store, 10, 60000, &items), 1);
    ck_assert_int_eq(items[0].crashes, 0);
}
END_TEST

START_TEST(other_settings_queue_everyone)
{
    bool changed;
    take_person("feed-b", 1, "given");
    take_person("feed-b", 2, "given");
    ask_text("delete from work");
    ok(work_settings(store, "v1", &changed, err));
    ck_assert(changed);
    ck_assert_int_eq(ask_number("select count(*) from work"), 2);
    ok(work_settings(store, "v1", &changed, err));
    ck_assert(!changed);
    ck_assert_int_eq(
        ask_number("select count(*) from audit_event where event = 'settings_switched'"), 1);
}
END_TEST

START_TEST(records_come_whole_and_live)
{
    WorkItem *items;
    take_person("feed-b", 1, "given");
    take("feed-b", upsert("contact", "C7", 1, "{\"id\":\"C7\",\"referral\":\"R0000001\"}"),
         upsert("contact", "C7", 2, NULL));
    ck_assert_uint_eq(claim(store, 10, 60000, &items), 1);
    RecordList list = {0};
    PersonBasis basis;
    ok(work_records(store, items, 1, "mhsds", arena, &list, &basis, err));
    ck_assert_uint_eq(list.count, 4);
    ck_assert_str_eq(list.items[0]->type, "consent");
    ck_assert_str_eq(field_text(list.items[1]->root, "referral"), "R0000001");
    ck_assert_int_eq(basis.decision, CONSENT_GIVEN);
    ck_assert_str_eq(basis.consent_id, "K0000001");
    ck_assert_str_eq(items[0].id_prefix, "b");
}
END_TEST

CASE_MAIN("store: work", two_workers_share_without_overlap, who_is_queued_again_meanwhile_stays,
          a_late_mapper_changes_nothing, only_who_kills_twice_is_set_aside,
          failures_wait_and_end_aside, a_decision_to_come_is_waited_for,
          a_running_snapshot_is_not_mapped, released_work_is_as_it_was,
          other_settings_queue_everyone, records_come_whole_and_live)
