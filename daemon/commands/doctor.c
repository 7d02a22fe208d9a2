/* SPDX-License-Identifier: Apache-2.0 */
/* mhsflow doctor: how is the machine that it runs on, and all that it leans on, right now. */
#include "adapters/adapter.h"
#include "daemon/base/clock.h"
#include "daemon/base/text.h"
#include "daemon/commands/diagnosis.h"
#include "daemon/commands/store_open.h"
#include "daemon/net/certificate.h"
#include "daemon/net/http.h"
#include "daemon/sign/expiry.h"
#include "daemon/store/rights.h"
#include "daemon/store/session.h"
#include "daemon/store/signing_key.h"

#include <stdlib.h>
#include <sys/statvfs.h>
#include <sys/timex.h>
#include <unistd.h>

#define LEAST_FREE_PERCENT 10
#define LEAST_FREE_BYTES ((uint64_t)1 << 30)
#define OLD_SNAPSHOT_S 300
#define LATE_SNAPSHOT_S 3600
#define CLOCK_APART_US (2 * CLOCK_SECOND)
#define OLDEST_POSTGRESQL 130000
#define ANSWER_MS 10000

typedef struct Doctor {
    Diagnosis *diagnosis;
    const Config *config;
    Store *store; /* NULL: it does not answer */
    Arena *arena;
    const char *what, *remedy; /* of the probe that runs */
} Doctor;

static void good(Doctor *doctor, const char *detail)
{
    diagnosis_good(doctor->diagnosis, doctor->what, detail);
}

static void note(Doctor *doctor, const char *detail)
{
    diagnosis_note(doctor->diagnosis, doctor->what, detail, doctor->remedy);
}

static void bad(Doctor *doctor, const char *detail)
{
    Error err = {0};

    error_set(&err, ERROR_CONFIG, "doctor.found", "%s", detail);
    diagnosis_bad(doctor->diagnosis, doctor->what, &err, doctor->remedy);
}

static void failed(Doctor *doctor, const Error *err)
{
    diagnosis_bad(doctor->diagnosis, doctor->what, err, doctor->remedy);
}

/* ---- the machine ---- */

static void probe_clock(Doctor *doctor)
{
    struct timex state = {0};

    if (adjtimex(&state) < 0 || state.status & STA_UNSYNC)
        note(doctor, "nothing keeps it in step here");
    else
        good(doctor, "kept in step");
}

static void probe_disk(Doctor *doctor)
{
    const char *folder = section_text(doctor->config->main, "state");
    struct statvfs space;
    uint64_t left, percent;

    if (statvfs(folder, &space) < 0) {
        bad(doctor, arena_format(doctor->arena, "cannot look at \"%s\"", folder));
        return;
    }
    left = (uint64_t)space.f_bavail * space.f_frsize;
    percent = space.f_blocks ? (uint64_t)space.f_bavail * 100 / space.f_blocks : 0;
    const char *detail =
        arena_format(doctor->arena, "%s: %llu MiB free, %llu %%", folder,
                     (unsigned long long)(left >> 20), (unsigned long long)percent);
    if (left < LEAST_FREE_BYTES)
        bad(doctor, detail);
    else if (percent < LEAST_FREE_PERCENT)
        note(doctor, detail);
    else
        good(doctor, detail);
}

/* ---- the database ---- */

static void probe_versions(Doctor *doctor)
{
    const char *server;
    int64_t number;
    Presence *there;
    size_t count;
    Error err = {0};

    if (!store_server_version(doctor->store, doctor->arena, &server, &number, &err) ||
        !store_presences(doctor->store, doctor->arena, &there, &count, &err)) {
        failed(doctor, &err);
        return;
    }
    for (size_t i = 0; i < count; i++)
        if (there[i].alive && !text_equal(there[i].version, MHSFLOW_VERSION)) {
            bad(doctor, arena_format(doctor->arena, "role %s runs %s, this program is %s",
                                     there[i].role, there[i].version, MHSFLOW_VERSION));
            return;
        }
    const char *detail =
        arena_format(doctor->arena, "mhsflow %s, PostgreSQL %s", MHSFLOW_VERSION, server);
    if (number < OLDEST_POSTGRESQL)
        bad(doctor, detail);
    else
        good(doctor, detail);
}

static void probe_rights(Doctor *doctor)
{
    RightsFault *faults;
    size_t count;
    Error err = {0};

    if (!config_database_own_logins(doctor->config)) {
        good(doctor, "one login for all roles, as set");
        return;
    }
    if (!rights_check(config_database_as(doctor->config, "mhsflow_read", doctor->arena),
                      doctor->arena, &faults, &count, &err))
        failed(doctor, &err);
    else if (count)
        bad(doctor, arena_format(doctor->arena, "%zu differ from what is listed", count));
    else
        good(doctor, "each role may what is listed, and no more");
}

static void probe_snapshots(Doctor *doctor)
{
    StoreSession *sessions;
    size_t count, old = 0;
    Error err = {0};

    if (!store_sessions(doctor->store, doctor->arena, &sessions, &count, &err)) {
        failed(doctor, &err);
        return;
    }
    for (size_t i = 0; i < count; i++) {
        const StoreSession *one = &sessions[i];
        bool slot = text_equal(one->kind, "replication slot");
        const char *detail = slot ? arena_format(doctor->arena, "replication slot %s", one->who)
                                  : arena_format(doctor->arena, "%s of %s, PID %lld, for %s",
                                                 one->kind, one->who, (long long)one->pid,
                                                 shown_distance(doctor->diagnosis->context,
                                                                one->seconds * CLOCK_SECOND));
        if (!slot && one->seconds < OLD_SNAPSHOT_S)
            continue;
        old++;
        if (one->seconds >= LATE_SNAPSHOT_S)
            bad(doctor, detail);
        else
            note(doctor, detail);
    }
    if (!old)
        good(doctor, "nobody holds one");
}

static void probe_database_clock(Doctor *doctor)
{
    int64_t theirs, apart;
    Error err = {0};

    if (!store_now(doctor->store, &theirs, &err)) {
        failed(doctor, &err);
        return;
    }
    apart = llabs(theirs - clock_wall());
    if (apart > CLOCK_APART_US)
        bad(doctor, arena_format(doctor->arena, "apart from this machine's by %s",
                                 shown_distance(doctor->diagnosis->context, apart)));
    else
        good(doctor, "in step with this machine's");
}

/* ---- certificates ---- */

static void say_end(Doctor *doctor, const char *of, int64_t end)
{
    int64_t left = end - clock_wall() / CLOCK_SECOND;
    char day[CIVIL_TEXT_SIZE];
    const char *detail = arena_format(doctor->arena, "%s ends on %s", of,
                                      civil_format_day(civil_london_day(end * CLOCK_SECOND), day));

    if (left < (int64_t)EXPIRY_LATE_DAYS * EXPIRY_DAY)
        bad(doctor, detail);
    else if (expiry_mark(left))
        note(doctor, detail);
    else
        good(doctor, detail);
}

static void probe_signing_end(Doctor *doctor)
{
    SigningKey key;
    Error err = {0};

    if (!signing_key_get(doctor->store, doctor->arena, &key, &err))
        failed(doctor, &err);
    else if (key.key_id)
        say_end(doctor, arena_format(doctor->arena, "key %s", key.key_id), key.certificate_end);
    else
        good(doctor, "none was used yet");
}

typedef void (*EachPeer)(Doctor *doctor, const char *kind, const NamedSection *item);

static void each_peer(Doctor *doctor, EachPeer look)
{
    for (size_t i = 0; i < doctor->config->feed_count; i++)
        look(doctor, "feed", &doctor->config->feeds[i]);
    for (size_t i = 0; i < doctor->config->route_count; i++)
        look(doctor, "route", &doctor->config->routes[i]);
}

/* An adapter without the option has none. */
static const char *peer_text(const char *kind, const NamedSection *item, const char *name)
{
    const OptionDecl *decl = adapter_options(kind, item->adapter);

    for (; decl && decl->name; decl++)
        if (text_equal(decl->name, name))
            return section_text(item->section, name);
    return NULL;
}

static void look_at_certificates(Doctor *doctor, const char *kind, const NamedSection *item)
{
    static const char *const options[] = {"ca", "client_certificate"};

    for (size_t i = 0; i < sizeof(options) / sizeof(options[0]); i++) {
        const char *path = peer_text(kind, item, options[i]);
        Error err = {0};
        int64_t end;

        if (!path)
            continue;
        if (certificate_first_end(path, &end, &err))
            say_end(doctor, arena_format(doctor->arena, "%s %s: %s", kind, item->name, options[i]),
                    end);
        else
            failed(doctor, &err);
    }
}

static void probe_certificates(Doctor *doctor)
{
    each_peer(doctor, look_at_certificates);
}

/* ---- the other sides ---- */

/* Any answer will do: this asks whether the way is open, not whether we are known. */
static void look_whether_open(Doctor *doctor, const char *kind, const NamedSection *item)
{
    const char *url = peer_text(kind, item, "url");
    const char *key = peer_text(kind, item, "client_key");
    HttpSettings settings = {.ca_bundle = peer_text(kind, item, "ca"),
                             .client_certificate = peer_text(kind, item, "client_certificate"),
                             .client_key = key,
                             .proxy = peer_text(kind, item, "proxy"),
                             .connect_timeout_ms = ANSWER_MS,
                             .stall_timeout_ms = ANSWER_MS,
                             .total_timeout_ms = ANSWER_MS};
    HttpRequest request = {.method = "GET", .url = url, .response_limit = (size_t)1 << 20};
    HttpResponse response;
    HttpFailure failure;
    HttpClient *client = NULL;
    Error err = {0};

    if (!url)
        return;
    if (key && access(key, R_OK) != 0) {
        note(doctor, arena_format(doctor->arena,
                                  "%s %s: not tried, only its role may read the key of our "
                                  "certificate",
                                  kind, item->name));
        return;
    }
    if (http_client_new(&settings, &client, &err) &&
        http_exchange(client, doctor->arena, &request, &response, &failure, &err))
        good(doctor, arena_format(doctor->arena, "%s %s answers", kind, item->name));
    else {
        error_wrap(&err, "%s %s", kind, item->name);
        failed(doctor, &err);
    }
    http_client_free(client);
}

static void probe_peers(Doctor *doctor)
{
    each_peer(doctor, look_whether_open);
}

/* ---- the list ---- */

static const struct {
    void (*run)(Doctor *doctor);
    bool needs_database;
    const char *what, *remedy;
} probes[] = {
#define PROBE(function, needs_database, what, remedy)                                              \
    {probe_##function, needs_database, what, remedy},
#include "daemon/commands/doctor.def"
#undef PROBE
};

static int run_doctor(CommandContext *context, Error *err)
{
    _cleanup_store_ Store *store = NULL;
    Diagnosis diagnosis = diagnosis_new(context);
    Doctor doctor = {.diagnosis = &diagnosis, .arena = context->arena};
    Error away = {0};

    if (!command_config(context, &doctor.config, err))
        return EXIT_COULD_NOT;
    if (command_store(context, &store, &away))
        doctor.store = store;
    else
        diagnosis_bad(&diagnosis, "database", &away,
                      "start mhsflowd, or see what `mhsflow check` says of the database");
    for (size_t i = 0; i < sizeof(probes) / sizeof(probes[0]); i++) {
        doctor.what = probes[i].what;
        doctor.remedy = probes[i].remedy;
        if (doctor.store || !probes[i].needs_database)
            probes[i].run(&doctor);
    }
    return diagnosis.failed ? EXIT_FOUND : EXIT_DONE;
}

static const CommandOption no_options[] = {{0}};

const Command doctor_commands[] = {
    {.noun = "doctor",
     .summary = "Look how the machine, the database and the other sides are right now",
     .help = "Clock, disk, versions, rights, who holds old snapshots, certificates, reachability; "
             "each line that is not well says what to do.  It asks each feed and receiver for one "
             "page, without credentials.  What must be in place before the start is `mhsflow "
             "check`.  Changes nothing; ends with 1 when something is wrong.",
     .options = no_options,
     .run = run_doctor},
    {0},
};
