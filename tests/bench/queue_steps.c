/* SPDX-License-Identifier: Apache-2.0 */
/* The queue's steps by themselves: bench-queue CONNINFO STEP COUNT AT-ONCE [SPOOL], prints seconds.
 *
 * `enqueue` puts submissions in with their audit event, AT-ONCE of them in a
 * transaction; `finish` claims AT-ONCE, then commits the intent of each and settles
 * it, with all events; `wire` enqueues one each 100 ms with a document in SPOOL, for
 * a running role to send.  `bare-copy` and `bare-finish` do the same work with the
 * least SQL that a queue can have: a narrow table, a side table of payloads, claim
 * by watermark, completion by fence, no audit, no states, prepared statements. */
#include "daemon/base/cleanup.h"
#include "daemon/base/clock.h"
#include "daemon/base/file.h"
#include "daemon/store/submission.h"

#include <libpq-fe.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LEASE_MS 60000
#define WIRE_GAP_MS 100

typedef struct Run {
    const char *conninfo, *spool;
    long count, at_once;
    Store *store;
    PGconn *bare;
    Arena *arena;
} Run;

static const char bare_schema[] =
    "drop schema if exists bare cascade; create schema bare; set search_path = bare;"
    "create table payload (id bigint generated always as identity primary key,"
    " idem bytea not null unique, body bytea not null);"
    "create table queue (id bigint primary key, state smallint not null default 0,"
    " fence bigint not null default 0, attempt smallint not null default 0,"
    " run_at timestamptz not null default now(), lease_until timestamptz, lease_by text)"
    " with (fillfactor = 70, autovacuum_vacuum_scale_factor = 0,"
    " autovacuum_vacuum_threshold = 1000, autovacuum_vacuum_cost_delay = 0);"
    "create index queue_ready on queue (run_at, id) where state = 0;"
    "create index queue_lease on queue (lease_until) where state = 1";

static const char bare_claim[] =
    "with c as (select id from bare.queue where state = 0 and run_at <= now()"
    " and (run_at, id) > ($1::timestamptz, $2::bigint) order by run_at, id limit $3"
    " for update skip locked),"
    " u as (update bare.queue q set state = 1, fence = fence + 1, attempt = attempt + 1,"
    " lease_until = now() + interval '60 s', lease_by = 'bench' from c where q.id = c.id"
    " returning q.id, q.run_at, q.fence), d as (select u.*, p.body from u join bare.payload p"
    " using (id)) select max(run_at), max(id), array_agg(id), array_agg(fence), count(*),"
    " sum(length(body)) from d";

static const char bare_done[] =
    "update bare.queue q set state = 2, lease_until = null from unnest($1::bigint[], $2::bigint[])"
    " d(id, fence) where q.id = d.id and q.fence = d.fence";

static bool bare_do(Run *run, const char *statement, Error *err)
{
    PGresult *result = PQexec(run->bare, statement);
    ExecStatusType status = PQresultStatus(result);
    PQclear(result);
    return status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK || status == PGRES_COPY_IN ||
           error_set(err, ERROR_LATER, "bench.bare", "could not run: %s",
                     PQerrorMessage(run->bare));
}

/* ---- the least there can be ---- */

static bool copy_lines(Run *run, long first, long count, bool payloads, Error *err)
{
    char line[2400], body[2049];
    memset(body, '5', sizeof body - 1);
    body[sizeof body - 1] = '\0';
    if (!bare_do(run,
                 payloads ? "copy bare.payload (idem, body) from stdin"
                          : "copy bare.queue (id) from stdin",
                 err))
        return false;
    for (long i = first; i < first + count; i++) {
        int size = payloads ? snprintf(line, sizeof line, "\\\\x%064lx\t\\\\x%s\n", i, body)
                            : snprintf(line, sizeof line, "%ld\n", i + 1);
        PQputCopyData(run->bare, line, size);
    }
    PQputCopyEnd(run->bare, NULL);
    PGresult *result;
    while ((result = PQgetResult(run->bare)))
        PQclear(result);
    return true;
}

static bool run_bare_copy(Run *run, Error *err)
{
    for (long done = 0; done < run->count; done += run->at_once)
        if (!bare_do(run, "begin", err) || !copy_lines(run, done, run->at_once, true, err) ||
            !copy_lines(run, done, run->at_once, false, err) || !bare_do(run, "commit", err))
            return false;
    return true;
}

static bool run_bare_finish(Run *run, Error *err)
{
    char at[64] = "-infinity", id[32] = "0", limit[32];
    snprintf(limit, sizeof limit, "%ld", run->at_once);
    PQclear(PQprepare(run->bare, "claim", bare_claim, 0, NULL));
    PQclear(PQprepare(run->bare, "done", bare_done, 0, NULL));
    for (long done = 0; done < run->count;) {
        const char *mark[] = {at, id, limit};
        PGresult *claimed = PQexecPrepared(run->bare, "claim", 3, mark, NULL, NULL, 0);
        if (PQntuples(claimed) != 1 || PQgetisnull(claimed, 0, 0))
            return error_set(err, ERROR_BUG, "bench.bare", "cannot claim: %s",
                             PQerrorMessage(run->bare));
        snprintf(at, sizeof at, "%s", PQgetvalue(claimed, 0, 0));
        snprintf(id, sizeof id, "%s", PQgetvalue(claimed, 0, 1));
        const char *fences[] = {PQgetvalue(claimed, 0, 2), PQgetvalue(claimed, 0, 3)};
        PQclear(PQexecPrepared(run->bare, "done", 2, fences, NULL, NULL, 0));
        done += strtol(PQgetvalue(claimed, 0, 4), NULL, 10);
        PQclear(claimed);
    }
    return true;
}

/* ---- the queue as it is ---- */

static bool enqueue_one(Run *run, long number, const char *spool_name, const uint8_t *digest,
                        int64_t size, Error *err)
{
    char provider[16];
    int64_t id;
    int revision;
    snprintf(provider, sizeof provider, "B%07ld", number);
    SubmissionNew new = {.data_set = "mhsds-6.0",
                         .provider = provider,
                         .period = 2026 * 12 + 9,
                         .generation = 1,
                         .route = "hub",
                         .legal_basis = "public_task",
                         .deadline = clock_wall() + 86400 * CLOCK_SECOND,
                         .document_created = "2026-11-23T02:00:00",
                         .document_digest = digest,
                         .content_digest = digest,
                         .document_size = size,
                         .counts = {1, 1, 1, 1},
                         .pack_version = "6.0",
                         .format_version = "1",
                         .mapping_version = "m1",
                         .program_version = "0.1.0",
                         .spool_name = spool_name};
    return submission_insert(run->store, &new, &id, &revision, err);
}

static bool run_enqueue(Run *run, Error *err)
{
    uint8_t digest[DIGEST_SIZE] = {1};
    long base = (long)(clock_wall() / CLOCK_SECOND % 10000) * 1000;
    for (long done = 0; done < run->count; done += run->at_once) {
        _cleanup_transaction_ Transaction transaction = {0};
        if (!store_begin(run->store, &transaction, err))
            return false;
        for (long i = 0; i < run->at_once; i++)
            if (!enqueue_one(run, base + done + i, "bench.xml", digest, 100, err))
                return false;
        if (!store_commit(&transaction, err))
            return false;
    }
    return true;
}

static bool finish_one(Run *run, const SubmissionClaim *claim, Error *err)
{
    static const Settlement settlement = {.outcome = OUTCOME_ACCEPTED, .code = "bench"};
    SubmissionState state;
    bool open;
    int attempt;
    return submission_intent(run->store, claim->info.id, claim->fence, &open, &attempt, err) &&
           submission_settle(run->store, claim->info.id, claim->fence, &settlement, &state, err);
}

static bool run_finish(Run *run, Error *err)
{
    SubmissionCursor cursor = {0};
    for (long done = 0; done < run->count;) {
        SubmissionClaim *claims;
        size_t count;
        arena_reset(run->arena);
        if (!submission_claim(run->store, &cursor, NULL, (size_t)run->at_once, LEASE_MS, run->arena,
                              &claims, &count, err))
            return false;
        if (!count)
            return error_set(err, ERROR_BUG, "bench.empty", "cannot claim: nothing is ready");
        for (size_t i = 0; i < count; i++)
            if (!finish_one(run, &claims[i], err))
                return false;
        done += (long)count;
    }
    return true;
}

static bool run_wire(Run *run, Error *err)
{
    char name[64], path[512];
    for (long i = 0; i < run->count; i++) {
        _cleanup_transaction_ Transaction transaction = {0};
        uint8_t digest[DIGEST_SIZE];
        int size = snprintf(name, sizeof name, "bench-%ld.xml", i);
        snprintf(path, sizeof path, "%s/%s", run->spool, name);
        digest_bytes(name, (size_t)size, digest);
        if (!file_write(path, name, (size_t)size, 0600, err) ||
            !store_begin(run->store, &transaction, err) ||
            !enqueue_one(run, 9900000 + i, arena_text(run->arena, name), digest, size, err) ||
            !store_commit(&transaction, err))
            return false;
        poll(NULL, 0, WIRE_GAP_MS);
    }
    return true;
}

static const struct {
    const char *name;
    bool (*run)(Run *run, Error *err);
    bool bare;
} steps[] = {{"enqueue", run_enqueue, false},
             {"finish", run_finish, false},
             {"wire", run_wire, false},
             {"bare-copy", run_bare_copy, true},
             {"bare-finish", run_bare_finish, true}};

static bool open_run(Run *run, bool bare, bool fresh, Error *err)
{
    if (!bare)
        return store_open(run->conninfo, "bench", &run->store, err);
    run->bare = PQconnectdb(run->conninfo);
    return (!fresh || bare_do(run, bare_schema, err));
}

int main(int argc, char **argv)
{
    if (argc < 5)
        return EXIT_FAILURE;
    Run run = {.conninfo = argv[1],
               .count = strtol(argv[3], NULL, 10),
               .at_once = strtol(argv[4], NULL, 10),
               .spool = argc > 5 ? argv[5] : NULL,
               .arena = arena_new((size_t)64 << 20)};
    Error err = {0};
    char text[700];
    for (size_t i = 0; i < sizeof steps / sizeof *steps; i++) {
        if (strcmp(steps[i].name, argv[2]) != 0)
            continue;
        bool good = open_run(&run, steps[i].bare, strcmp(argv[2], "bare-copy") == 0, &err);
        int64_t started = clock_steady();
        good = good && steps[i].run(&run, &err);
        if (good)
            printf("%.6f\n", (double)(clock_steady() - started) / CLOCK_SECOND);
        else
            fprintf(stderr, "%s\n", error_text(&err, text, sizeof text));
        store_close(run.store);
        PQfinish(run.bare);
        arena_free(run.arena);
        return good ? EXIT_SUCCESS : EXIT_FAILURE;
    }
    return EXIT_FAILURE;
}
