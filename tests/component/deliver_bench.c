/* SPDX-License-Identifier: Apache-2.0 */
/* A delivery's surroundings. */
#include "tests/component/deliver_bench.h"

#include "daemon/base/cleanup.h"
#include "daemon/base/clock.h"
#include "daemon/base/file.h"
#include "tests/harness/peer_certificate.h"

#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

/* ---- the receiver ---- */

static char *header(const char *head, const char *name)
{
    size_t size = strlen(name);
    for (const char *line = strstr(head, "\r\n"); line; line = strstr(line, "\r\n")) {
        line += 2;
        if (strncasecmp(line, name, size) == 0 && line[size] == ':')
            return strndup(line + size + 2, strcspn(line + size + 2, "\r"));
    }
    return strdup("");
}

static char *say(const char *status, const char *headers, const char *body, size_t *ret_size)
{
    return peer_make_answer(status, headers, body, strlen(body), ret_size);
}

static size_t find(const Receiver *receiver, const char *key)
{
    size_t at = 0;
    while (at < receiver->count && strcmp(receiver->keys[at], key) != 0)
        at++;
    return at;
}

static char *say_state(Receiver *receiver, size_t at, bool question, size_t *ret_size)
{
    char body[128];
    bool waits = receiver->pending[at] && !question;
    receiver->pending[at] = waits;
    snprintf(body, sizeof body, "{\"status\":\"%s\",\"reference\":\"R-%zu\"}",
             waits ? "waiting" : "accepted", at + 1);
    return say(question ? "200" : waits ? "202" : "201", NULL, body, ret_size);
}

typedef struct Upload {
    char *key, *digest, *signature;
} Upload;

/* Takes what it keeps out of `upload`. */
static void remember(Receiver *receiver, size_t at, Upload *upload, bool pending)
{
    if (at < receiver->count) {
        receiver->doubled += strcmp(receiver->digests[at], upload->digest) != 0 ||
                             strcmp(receiver->signatures[at], upload->signature) != 0;
        return;
    }
    ck_assert_uint_lt(at, BENCH_KEYS);
    receiver->keys[at] = TAKE_PTR(upload->key);
    receiver->digests[at] = TAKE_PTR(upload->digest);
    receiver->signatures[at] = TAKE_PTR(upload->signature);
    receiver->pending[at] = pending;
    receiver->count++;
}

static ReceiverMood mood_of(Receiver *receiver)
{
    if (receiver->for_uploads > 0)
        return receiver->mood;
    if (rand_r(&receiver->seed) % 100 >= receiver->percent)
        return RECEIVER_FAIR;
    receiver->unlucky++;
    return receiver->luck;
}

static char *judge_upload(Receiver *receiver, Upload *upload, size_t *ret_size)
{
    ReceiverMood mood = mood_of(receiver);
    size_t at = find(receiver, upload->key);
    receiver->for_uploads--;
    receiver->uploads++;
    if (receiver->and_then)
        pg_ask(receiver->database, receiver->and_then);
    if (mood == RECEIVER_BUSY)
        return say("503", "Retry-After: 7\r\n", "{}", ret_size);
    if (mood == RECEIVER_OVERLOADED)
        return say("503", NULL, "{}", ret_size);
    if (mood == RECEIVER_REFUSES)
        return say(
            "422", NULL,
            "{\"status\":\"rejected\",\"reference\":\"R-0\",\"findings\":[{\"rule\":\"MHS00103\","
            "\"table\":\"MHS001\",\"row\":1,\"element\":\"LocalPatientID\"}]}",
            ret_size);
    if (mood == RECEIVER_DISTRUSTS)
        return say("401", NULL, "{\"code\":\"signature_invalid\"}", ret_size);
    if (mood == RECEIVER_FORGETS)
        return NULL;
    remember(receiver, at, upload, mood == RECEIVER_WAITS);
    if (mood == RECEIVER_LOSES)
        return NULL;
    char *answer = say_state(receiver, at, false, ret_size);
    if (mood == RECEIVER_CUTS)
        *ret_size /= 2;
    return answer;
}

static char *take_upload(Receiver *receiver, const PeerRequest *request, size_t *ret_size)
{
    Upload upload = {header(request->head, "Idempotency-Key"),
                     header(request->head, "Content-Digest"),
                     header(request->head, "Document-Signature")};
    char *answer = judge_upload(receiver, &upload, ret_size);
    free(upload.key);
    free(upload.digest);
    free(upload.signature);
    return answer;
}

static char *answer_question(Receiver *receiver, const PeerRequest *request, size_t *ret_size)
{
    static const char path[] = "GET /msr/v1/submissions/";
    char key[80];
    if (strncmp(request->head, path, sizeof path - 1) != 0)
        return say("200", NULL, "{\"status\":\"ok\"}", ret_size);
    receiver->questions++;
    if (receiver->mood == RECEIVER_DISTRUSTS && receiver->for_uploads > 0)
        return say("401", NULL, "{\"code\":\"signature_invalid\"}", ret_size);
    snprintf(key, sizeof key, "\"%.64s\"", request->head + sizeof path - 1);
    size_t at = find(receiver, key);
    return at < receiver->count ? say_state(receiver, at, true, ret_size)
                                : say("404", NULL, "{\"status\":\"unknown\"}", ret_size);
}

static char *receive(void *data, const PeerRequest *request, size_t *ret_size)
{
    Receiver *receiver = data;
    pthread_mutex_lock(&receiver->lock);
    char *answer = strncmp(request->head, "POST ", 5) == 0
                       ? take_upload(receiver, request, ret_size)
                       : answer_question(receiver, request, ret_size);
    pthread_mutex_unlock(&receiver->lock);
    return answer;
}

/* ---- the signer ---- */

static void *serve(void *data)
{
    Bench *bench = data;
    Error err = {0};
    for (;;) {
        struct pollfd wanted[] = {{signer_fd(bench->signer), POLLIN, 0},
                                  {bench->signer_stop[0], POLLIN, 0}};
        poll(wanted, 2, -1);
        if (wanted[1].revents || !signer_step(bench->signer, &err))
            return NULL;
    }
}

void bench_start_signer(Bench *bench)
{
    SignerSettings settings = {.socket_path = bench->socket, .rate = 100000};
    ok(signed_log_open(bench->log, &bench->signed_log, err));
    ok(signer_open(&settings, bench->key, bench->signed_log, &bench->signer, err));
    ck_assert_int_eq(pipe(bench->signer_stop), 0);
    ck_assert_int_eq(pthread_create(&bench->signer_thread, NULL, serve, bench), 0);
}

void bench_stop_signer(Bench *bench)
{
    ck_assert_int_eq(write(bench->signer_stop[1], "x", 1), 1);
    pthread_join(bench->signer_thread, NULL);
    close(bench->signer_stop[0]);
    close(bench->signer_stop[1]);
    signer_close(bench->signer);
    signed_log_close(bench->signed_log);
    bench->signer = NULL;
}

/* ---- the bench ---- */

static void open_route(Bench *bench)
{
    YamlNode *map;
    const char *text =
        arena_format(arena, "url: %s\nca: %s\nconnect_timeout: 2s\nstall_timeout: 2s\n",
                     peer_url(bench->peer, "/msr/v1"), peer_ca_path(bench->peer));
    bench->route = (DeliverRoute){.name = "sandbox", .adapter = submit_adapter("https")};
    ok(yaml_parse("settings", text, strlen(text), arena, &map, err));
    ok(section_read(map, &bench->route.adapter->options, 1, arena, &bench->section, err));
    ok(bench->route.adapter->open("sandbox", bench->section, &bench->requests.requests,
                                  &bench->route.self, err));
}

Bench *bench_new(void)
{
    return bench_new_after(NULL, 0);
}

Bench *bench_new_after(const PeerStep *first, size_t count)
{
    Bench *bench = calloc(1, sizeof *bench);
    snprintf(bench->folder, sizeof bench->folder, "/tmp/deliver-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(bench->folder));
    bench->spool = arena_format(arena, "%s/spool", bench->folder);
    ok(file_make_folder(bench->spool, 0700, err));
    bench->socket = arena_format(arena, "%s/s", bench->folder);
    bench->log = arena_format(arena, "%s/signed.log", bench->folder);
    const char *certificate = arena_format(arena, "%s/c.pem", bench->folder);
    const char *key = arena_format(arena, "%s/k.pem", bench->folder);
    peer_make_certificate(certificate, key, "p256", -1, 30);
    ok(signer_key_open(&(SignerKeySource){.certificate = certificate, .key = key}, clock_wall(),
                       &bench->key, err));
    bench_start_signer(bench);
    pthread_mutex_init(&bench->receiver.lock, NULL);
    bench->receiver.database = database;
    PeerStep *steps = arena_array(arena, count + 4, sizeof *steps);
    for (size_t i = 0; i < count; i++)
        steps[i] = first[i];
    steps[count] = (PeerStep){PEER_ACCEPT};
    steps[count + 1] = (PeerStep){PEER_EXPECT};
    steps[count + 2] = (PeerStep){.act = PEER_CALL, .call = receive, .data = &bench->receiver};
    steps[count + 3] = (PeerStep){.act = PEER_GOTO, .number = count};
    bench->peer = peer_start(PEER_TLS_GOOD, steps, count + 4);
    deliver_signer_open(&bench->requests, bench->socket);
    bench->tools =
        (DeliverTools){.store = store, .spool = bench->spool, .signer = &bench->requests};
    open_route(bench);
    return bench;
}

static void remove_files(const char *path)
{
    _cleanup_closedir_ DIR *folder = opendir(path);
    for (struct dirent *entry; (entry = readdir(folder));)
        if (entry->d_name[0] != '.')
            unlink(arena_format(arena, "%s/%s", path, entry->d_name));
    rmdir(path);
}

void bench_free(Bench *bench)
{
    bench->route.adapter->close(bench->route.self);
    peer_stop(bench->peer);
    if (bench->signer)
        bench_stop_signer(bench);
    signer_key_free(bench->key);
    for (size_t i = 0; i < bench->receiver.count; i++) {
        free(bench->receiver.keys[i]);
        free(bench->receiver.digests[i]);
        free(bench->receiver.signatures[i]);
    }
    remove_files(bench->spool);
    remove_files(bench->folder);
    free(bench);
}

/* One element and many blanks, in pieces: its size, and its SHA-256. */
static int64_t write_document(const Bench *bench, const char *path, const char *what,
                              uint8_t ret_digest[DIGEST_SIZE])
{
    _cleanup_digest_ Digest *digest = digest_new();
    _cleanup_fclose_ FILE *file = fopen(path, "we");
    const char *head = arena_format(arena, "<MHSDS><!-- %s -->", what), *tail = "\n</MHSDS>\n";
    size_t size = strlen(head), piece = (size_t)1 << 20;
    _cleanup_free_ char *blanks = malloc(piece);
    ck_assert(file && blanks);
    memset(blanks, ' ', piece);
    fputs(head, file);
    digest_add(digest, head, size);
    for (int i = 0; i < bench->padding; i++, size += piece) {
        ck_assert_uint_eq(fwrite(blanks, 1, piece, file), piece);
        digest_add(digest, blanks, piece);
    }
    fputs(tail, file);
    digest_add(digest, tail, strlen(tail));
    digest_finish(digest, ret_digest);
    ck_assert_int_eq(fflush(file), 0);
    return (int64_t)(size + strlen(tail));
}

int64_t bench_queue(Bench *bench, const char *provider, int person)
{
    int64_t generation, id;
    int revision;
    uint8_t digest[DIGEST_SIZE];
    take_person("feed-b", person, "given");
    map_all(store, provider, BENCH_OCTOBER, BENCH_OCTOBER);
    ok(provider_raise(store, provider, &generation, err));
    const char *name = arena_format(arena, "%s-%d.xml", provider, person);
    int64_t size = write_document(bench, arena_format(arena, "%s/%s", bench->spool, name),
                                  arena_format(arena, "%s %d", provider, person), digest);
    SubmissionNew new = {.data_set = "mhsds-6.0",
                         .provider = provider,
                         .period = BENCH_OCTOBER,
                         .generation = generation,
                         .route = "sandbox",
                         .legal_basis = "consent",
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
                         .spool_name = name};
    _cleanup_transaction_ Transaction transaction = {0};
    ok(store_begin(store, &transaction, err));
    ok(submission_insert(store, &new, &id, &revision, err));
    ok(month_built(store, provider, BENCH_OCTOBER, generation, err));
    ok(store_commit(&transaction, err));
    return id;
}

bool bench_deliver(Bench *bench)
{
    SubmissionClaim *claims;
    size_t count;
    SubmissionCursor cursor = {0};
    ok(submission_claim(bench->tools.store, &cursor, "sandbox", 1, DELIVER_LEASE_MS, arena, &claims,
                        &count, err));
    if (count)
        ok(deliver(&bench->tools, &bench->route, &claims[0], arena, &bench->last, err));
    return count > 0;
}

bool bench_ask(Bench *bench)
{
    SubmissionClaim *claims;
    size_t count;
    ok(submission_claim_questions(bench->tools.store, "sandbox", 1, DELIVER_LEASE_MS, arena,
                                  &claims, &count, err));
    if (count)
        ok(reconcile(&bench->tools, &bench->route, &claims[0], arena, &bench->last, err));
    return count > 0;
}

void bench_make_due(void)
{
    ask_text("update submission_queue set next_at = mhsflow.now()");
}

void bench_let_leases_end(void)
{
    int64_t swept;
    ask_text("update submission_queue set lease_until = mhsflow.now() - interval '1 s'"
             " where lease_until is not null");
    ok(submission_sweep(store, &swept, err));
}

void bench_settle_all(Bench *bench, int rounds)
{
    while (rounds-- > 0 && ask_number("select count(*) from submission_queue where state in"
                                      " ('ready', 'sending', 'waiting', 'unsure')")) {
        bench_make_due();
        while (bench_ask(bench))
            continue;
        bench_make_due();
        while (bench_deliver(bench))
            continue;
    }
}

const char *bench_state(int64_t id)
{
    return ask_text(
        arena_format(arena, "select state from submission_queue where id = %lld", (long long)id));
}
