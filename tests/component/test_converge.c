/* SPDX-License-Identifier: Apache-2.0 */
/* Whatever a feed does, the store ends equal to the truth: random histories by seed, read in pages
 * of random size, twice, out of order, with failures, kills at every fault point and restored
 * servers. */
#include "daemon/base/cleanup.h"
#include "daemon/base/fault.h"
#include "daemon/base/text.h"
#include "daemon/pipeline/ingest.h"
#include "daemon/store/round.h"
#include "tests/harness/pg.h"
#include "tests/unit/suite.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define NAME "world"
#define PEOPLE 6
#define REFERRALS 8
#define CONTACTS 16
#define RECORDS (PEOPLE + REFERRALS + CONTACTS)
#define MERGED 4 /* of the people, those who are merged, and never deleted */
#define EVENTS 140
#define ROOM (EVENTS + 2 * RECORDS) /* what began is told to its end */
#define SEEDS 12                    /* in the gate; MHSFLOW_SEEDS says otherwise */

static PgCluster *cluster;

typedef struct Event {
    ChangeOp op;
    int record, version, parent; /* of a merge the survivor; whom it took stands in `other` */
    int other;
} Event;

/* A record as the events left it. */
typedef struct State {
    int version, content; /* the latest version, and the one that wrote what it says */
    int parent, survivor; /* survivor -1: not merged */
    bool gone, purged, restricted, unrestricted;
} State;

/* The other side: a history, of which everybody sees the first `count` events. */
typedef struct World {
    uint64_t random;
    Event events[ROOM];
    int count, epoch;
    int kept; /* a restored server has never forgotten what came before */
    int fail_percent;
} World;

static uint64_t next_random(World *world)
{
    world->random += UINT64_C(0x9e3779b97f4a7c15);
    uint64_t z = world->random;
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

static int below(World *world, int limit)
{
    return (int)(next_random(world) % (uint64_t)limit);
}

static const char *type_of(int record)
{
    return record < PEOPLE ? "person" : record < PEOPLE + REFERRALS ? "referral" : "contact";
}

static bool lives(const State *state)
{
    return state->version && !state->gone && !state->purged && state->survivor < 0;
}

static int survivor_of(const State state[RECORDS], int person)
{
    while (state[person].survivor >= 0)
        person = state[person].survivor;
    return person;
}

/* Up its parents, as far as there are any. */
static int next_up(const State state[RECORDS], int record)
{
    return record < PEOPLE || !state[record].version || state[record].purged ? -1
                                                                             : state[record].parent;
}

/* The record, what hangs on it, and who was merged into it: they are the same person. */
static void purge(State state[RECORDS], int record)
{
    State before[RECORDS];
    memcpy(before, state, sizeof before);
    for (int i = 0; i < RECORDS; i++)
        for (int at = i; at >= 0; at = next_up(before, at))
            if (at == record || (at < PEOPLE && record < PEOPLE && !before[at].purged &&
                                 survivor_of(before, at) == record))
                state[i].purged = before[i].version > 0;
}

/* Does something hang on it by way of a record that is gone?  Whoever never saw that one cannot
 * know. */
static bool unclear(const State state[RECORDS])
{
    for (int i = PEOPLE; i < RECORDS; i++)
        for (int at = next_up(state, i); at >= 0; at = next_up(state, at))
            if (state[at].gone)
                return true;
    return false;
}

/* What is now, by record; version 0: never was. */
static void fold(const World *world, int count, State state[RECORDS])
{
    for (int i = 0; i < RECORDS; i++)
        state[i] = (State){.survivor = -1};
    for (int i = 0; i < count; i++) {
        const Event *event = &world->events[i];
        State *at = &state[event->record];
        at->version = event->version;
        if (event->op == CHANGE_UPSERT) {
            at->content = event->version;
            at->parent = event->parent;
            at->gone = false;
        } else if (event->op == CHANGE_DELETE) {
            at->gone = true;
        } else if (event->op == CHANGE_PURGE) {
            purge(state, event->record);
        } else if (event->op == CHANGE_RESTRICT || event->op == CHANGE_UNRESTRICT) {
            at->restricted = event->op == CHANGE_RESTRICT;
            at->unrestricted = !at->restricted;
        } else {
            state[event->other].survivor = event->op == CHANGE_MERGE ? event->record : -1;
        }
    }
}

static void add(World *world, ChangeOp op, int record, int parent, int other)
{
    State state[RECORDS];
    fold(world, world->count, state);
    if (world->count < ROOM)
        world->events[world->count++] =
            (Event){.op = op,
                    .record = record,
                    .version = state[record].version + 1 + below(world, 2),
                    .parent = parent,
                    .other = other};
}

/* All that is written under one person is written again, under the same or another. */
static void point_again(World *world, const State state[RECORDS], int from, int to)
{
    for (int i = PEOPLE; i < PEOPLE + REFERRALS; i++)
        if (lives(&state[i]) && state[i].parent == from)
            add(world, CHANGE_UPSERT, i, to, 0);
}

/* Two become one; their records are written again under the survivor, or stay as they are. */
static void merge(World *world)
{
    State state[RECORDS];
    fold(world, world->count, state);
    int survivor = below(world, MERGED), merged = below(world, MERGED);
    if (survivor == merged || !lives(&state[survivor]) || !lives(&state[merged]))
        return;
    add(world, CHANGE_MERGE, survivor, 0, merged);
    if (below(world, 2))
        point_again(world, state, merged, survivor);
}

/* A merge is taken back; whoever is two again is told again, with what was said about them. */
static void unmerge(World *world)
{
    State state[RECORDS];
    fold(world, world->count, state);
    int merged = below(world, MERGED);
    if (state[merged].survivor < 0 || state[merged].purged)
        return;
    add(world, CHANGE_UNMERGE, state[merged].survivor, 0, merged);
    add(world, CHANGE_UPSERT, merged, 0, 0);
    if (state[merged].restricted)
        add(world, CHANGE_RESTRICT, merged, 0, 0);
    point_again(world, state, merged, merged);
}

/* What a restored server must not undo: it is law, and its own people see to it. */
static void order(World *world)
{
    State state[RECORDS];
    fold(world, world->count, state);
    int record = below(world, PEOPLE + REFERRALS);
    if (!lives(&state[record]))
        return;
    if (below(world, 4) == 0 && !unclear(state))
        add(world, CHANGE_PURGE, record, 0, 0);
    else
        add(world, state[record].restricted ? CHANGE_UNRESTRICT : CHANGE_RESTRICT, record, 0, 0);
    world->kept = world->count;
}

/* One more thing happens: a record appears, changes (also to another parent), goes, comes back;
 * people are merged and parted; a record is restricted or purged. */
static void happen(World *world)
{
    State state[RECORDS];
    int kind = below(world, 20);
    if (kind < 3) {
        (kind == 0 ? unmerge : kind == 1 ? merge : order)(world);
        return;
    }
    fold(world, world->count, state);
    int record = below(world, RECORDS), parent = 0;
    if (record >= PEOPLE + REFERRALS)
        parent = PEOPLE + below(world, REFERRALS);
    else if (record >= PEOPLE)
        parent = below(world, PEOPLE);
    if (state[record].purged || state[record].survivor >= 0 || state[parent].purged)
        return; /* such ids are not used again */
    bool may_go = state[record].version && record >= MERGED;
    add(world, may_go && below(world, 6) == 0 ? CHANGE_DELETE : CHANGE_UPSERT, record,
        record >= PEOPLE + REFERRALS ? parent : survivor_of(state, parent), 0);
    /* Who comes back says again how it stands: a snapshot between said nothing of who was gone. */
    if (state[record].gone && (state[record].restricted || state[record].unrestricted))
        add(world, state[record].restricted ? CHANGE_RESTRICT : CHANGE_UNRESTRICT, record, 0, 0);
}

/* ---- the feed's side of the contract ---- */

static const char *id_of(int record, Arena *arena)
{
    return arena_format(arena, "X%d", record);
}

static const char *json_of(int record, int parent, int content, Arena *arena)
{
    const char *link = record < PEOPLE               ? ""
                       : record < PEOPLE + REFERRALS ? ",\"person\":\"X"
                                                     : ",\"referral\":\"X";
    return *link ? arena_format(arena, "{\"id\":\"X%d\"%s%d\",\"priority\":\"v%d\"}", record, link,
                                parent, content)
                 : arena_format(arena, "{\"id\":\"X%d\",\"status\":\"v%d\"}", record, content);
}

static Change change_of(const Event *event, int64_t seq, Arena *arena)
{
    Change change = {.op = event->op,
                     .seq = seq,
                     .version = event->version,
                     .type = type_of(event->record),
                     .id = id_of(event->record, arena),
                     .recorded_at = "2026-09-02T08:11:00.000Z"};
    if (event->op == CHANGE_UPSERT)
        change.json = json_of(event->record, event->parent, event->version, arena);
    if (event->op == CHANGE_MERGE || event->op == CHANGE_UNMERGE) {
        const char **merged = arena_array(arena, 1, sizeof *merged);
        merged[0] = id_of(event->other, arena);
        change.survivor = change.id;
        change.merged = merged;
        change.merged_count = 1;
    }
    return change;
}

/* A record as a snapshot has it: under whoever its person is now, and with a word of its own when
 * it is restricted. */
static void snapshot_record(const State state[RECORDS], int record, int as_of, Arena *arena,
                            FeedPage *ret)
{
    const State *at = &state[record];
    int parent = record < PEOPLE + REFERRALS ? survivor_of(state, at->parent) : at->parent;
    Change *change = &ret->changes[ret->count++];
    *change = (Change){.op = CHANGE_UPSERT,
                       .seq = as_of,
                       .version = at->version - (at->restricted || at->unrestricted),
                       .type = type_of(record),
                       .id = id_of(record, arena),
                       .recorded_at = "2026-09-02T08:11:00.000Z",
                       .json = json_of(record, parent, at->content, arena)};
    if (at->restricted || at->unrestricted) {
        ret->changes[ret->count++] = *change;
        change[1].op = at->restricted ? CHANGE_RESTRICT : CHANGE_UNRESTRICT;
        change[1].version = at->version;
        change[1].json = NULL;
    }
}

/* Pinned: "PLACE:AS_OF" is where it stands and what it stands for. */
static void read_snapshot(World *world, Arena *arena, const char *cursor, FeedPage *ret)
{
    State state[RECORDS];
    int at = 0, as_of = world->count, size = 1 + below(world, 9);
    if (cursor)
        sscanf(cursor, "%d:%d", &at, &as_of);
    fold(world, as_of, state);
    ret->changes = arena_array(arena, (size_t)size + 1, sizeof *ret->changes);
    /* children first: the contract promises no order between records */
    for (; at < RECORDS && (int)ret->count < size; at++)
        if (lives(&state[RECORDS - 1 - at]))
            snapshot_record(state, RECORDS - 1 - at, as_of, arena, ret);
    bool more = at < RECORDS;
    ret->more = true;
    ret->next.phase = more ? "snapshot" : "changes";
    ret->next.seq = as_of;
    ret->next.cursor =
        more ? arena_format(arena, "%d:%d", at, as_of) : arena_format(arena, "%d", as_of);
}

static void read_changes(World *world, Arena *arena, int from, FeedPage *ret)
{
    int again = below(world, 3) ? 0 : below(world, from + 1), size = 1 + below(world, 7);
    int start = from - (again > 4 ? 4 : again),
        end = start + size > world->count ? world->count : start + size;
    end = end < from ? from : end; /* never back behind what was given */
    ret->changes = arena_array(arena, (size_t)(end - start) + 1, sizeof *ret->changes);
    for (int i = start; i < end; i++)
        ret->changes[ret->count++] = change_of(&world->events[i], i + 1, arena);
    ret->more = end < world->count;
    ret->next.phase = "changes";
    ret->next.seq = end;
    ret->next.cursor = arena_format(arena, "%d", end);
    ret->next.complete = !ret->more;
}

static bool world_fetch(void *self, Arena *arena, const FeedCursor *after, FeedPage *ret,
                        FeedWait *ret_wait, Error *err)
{
    World *world = self;
    const char *epoch = arena_format(arena, "e%d", world->epoch);
    *ret = (FeedPage){0};
    ret_wait->wait_ms = 0;
    if (below(world, 100) < world->fail_percent)
        return error_set(err, ERROR_LATER, "test.fault", "could not read: injected");
    if (after->epoch && *after->epoch && strcmp(after->epoch, epoch) != 0) {
        ret->restart = ret->more = true;
        return true;
    }
    ret->next.epoch = epoch;
    ret->next.head_seq = world->count;
    if (after->phase && strcmp(after->phase, "changes") == 0)
        read_changes(world, arena, (int)strtol(after->cursor, NULL, 10), ret);
    else
        read_snapshot(world, arena, after->cursor, ret);
    return true;
}

static void world_close(void *self)
{
    (void)self;
}

static const FeedAdapter world_adapter = {
    .name = "world", .fetch = world_fetch, .close = world_close};

/* ---- reading it, with kills ---- */

typedef struct Run {
    World world;
    const char *database;
    Store *store;
    Arena *page;
    IngestFeed feed;
    Error err;
} Run;

static bool pages(Run *run, int most)
{
    IngestResult result;
    for (int i = 0; i < most; i++) {
        arena_reset(run->page);
        if (!ingest_page(run->store, &run->feed, run->page, 7, &result, &run->err))
            return false;
        if (result.outcome == INGEST_DONE)
            return true;
    }
    return true;
}

/* Another process reads some pages and is killed somewhere; it may also get through. */
static void pages_with_a_kill(Run *run)
{
    static const FaultPoint points[] = {FAULT_POLL_BEFORE_FETCH, FAULT_POLL_AFTER_FETCH,
                                        FAULT_INGEST_BEFORE_COMMIT, FAULT_INGEST_AFTER_COMMIT};
    char fault[64];
    snprintf(fault, sizeof fault, "%s:%d", fault_name(points[below(&run->world, COUNT_OF(points))]),
             1 + below(&run->world, 4));
    pid_t child = fork();
    if (child == 0) {
        setenv("MHSFLOW_FAULT", fault, 1);
        if (!store_open(run->database, "poll", &run->store, &run->err) || !pages(run, 12))
            _exit(9);
        _exit(0);
    }
    int status;
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert_msg(WIFSIGNALED(status) || WEXITSTATUS(status) == 0, "status %x", status);
}

/* The server is set back to an older state, under a new epoch; what happened since never did. */
static void restore(World *world)
{
    world->epoch++;
    if (world->count > world->kept)
        world->count -= below(world, world->count - world->kept);
}

/* Whose it is, up its parents; "?" when one of them does not live, for then nobody asks. */
static void add_owner(const State state[RECORDS], int record, Text *text)
{
    while (record >= PEOPLE) {
        record = state[record].parent;
        if (!lives(&state[record]) && !(record < PEOPLE && state[record].survivor >= 0)) {
            text_add(text, "/? ");
            return;
        }
    }
    text_addf(text, "/X%d ", survivor_of(state, record));
}

static const char *expected(const World *world, Arena *arena)
{
    State state[RECORDS];
    Text text = text_new(arena, 1 << 16);
    fold(world, world->count, state);
    for (int i = 0; i < RECORDS; i++) {
        if (!lives(&state[i]))
            continue;
        text_addf(&text, "X%d.%d%s", i, state[i].version, state[i].restricted ? "!" : "");
        add_owner(state, i, &text);
    }
    return text_get(&text);
}

/* What the store holds, in the same words. */
#define MERGED_AWAY(who)                                                                           \
    "exists (select from mhsflow.person_merge m where m.feed = " who ".feed and m.merged = " who   \
    ".id and m.survivor is not null and " who ".type = 'person')"
static const char held[] =
    "select coalesce(string_agg(s.id || '.' || s.version || case when s.restricted then '!' else "
    "'' end || '/' || case when s.type = 'person' or p.type = 'person'"
    " or g.id is not null then coalesce(s.person, '-') else '?' end || ' ', "
    "'' order by substr(s.id, 2)::int), '')"
    " from mhsflow.source_record s"
    " left join mhsflow.source_record p on p.feed = s.feed and p.type = "
    "s.parent_type and p.id = s.parent_id"
    " and s.type <> 'person' and (not p.deleted or " MERGED_AWAY(
        "p") ")"
             " left join mhsflow.source_record g on g.feed = p.feed and g.type = "
             "p.parent_type and g.id = p.parent_id"
             " and p.type <> 'person' and (not g.deleted or " MERGED_AWAY(
                 "g") ")"
                      " where not s.deleted and not " MERGED_AWAY("s");

static void settle(Run *run)
{
    int64_t missing;
    run->world.fail_percent = 0;
    ck_assert_msg(pages(run, 300), "%s %s", run->err.code, run->err.cause);
    if (round_allow(run->store, NAME, "tester", &missing, &run->err))
        ck_assert_msg(pages(run, 300), "%s %s", run->err.code, run->err.cause);
    error_clear(&run->err);
}

START_TEST(the_store_ends_equal_to_the_truth)
{
    _cleanup_arena_ Arena *arena = arena_new(1 << 20);
    Run run = {.world = {.random = (uint64_t)_i * 7919 + 1, .fail_percent = 15},
               .database = pg_database(cluster)};
    run.page = arena_new(INGEST_PAGE_CAP);
    run.feed = (IngestFeed){NAME, &world_adapter, &run.world, 1000, 0, 0, 2};
    ck_assert(store_open(run.database, "poll", &run.store, &run.err));
    ck_assert(feed_register(run.store, NAME, "w", &run.err));
    for (int i = 0; i < PEOPLE; i++)
        add(&run.world, CHANGE_UPSERT, i, 0, 0);
    run.world.kept = PEOPLE;
    while (run.world.count < 30)
        happen(&run.world);
    /* turns have an end too: where all is purged, nothing can happen any more */
    for (int turn = 0; turn < EVENTS && run.world.count < EVENTS; turn++) {
        for (int i = below(&run.world, 12); i >= 0 && run.world.count < EVENTS; i--)
            happen(&run.world);
        if (below(&run.world, 3) == 0)
            pages_with_a_kill(&run);
        else
            ck_assert_msg(pages(&run, 1 + below(&run.world, 6)), "%s %s", run.err.code,
                          run.err.cause);
        if (run.world.epoch < 2 && below(&run.world, 8) == 0)
            restore(&run.world);
    }
    settle(&run);
    const char *wanted = expected(&run.world, arena);
    const char *got = arena_text(arena, pg_ask(run.database, held));
    ck_assert_msg(strcmp(got, wanted) == 0, "seed %d\nstore: %s\ntruth: %s", _i, got, wanted);
    store_close(run.store);
    pg_drop(cluster, run.database);
    arena_free(run.page);
}
END_TEST

int main(void)
{
    cluster = pg_start();
    Suite *suite = suite_create("component/converge");
    TCase *tcase = tcase_create("converge");
    const char *asked = getenv("MHSFLOW_SEEDS");
    int seeds = asked ? (int)strtol(asked, NULL, 10) : SEEDS;
    printf("# %d seeds\n", seeds);
    fflush(stdout);
    tcase_set_timeout(tcase, 120);
    tcase_add_loop_test(tcase, the_store_ends_equal_to_the_truth, 0, seeds);
    suite_add_tcase(suite, tcase);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    pg_stop(cluster);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
