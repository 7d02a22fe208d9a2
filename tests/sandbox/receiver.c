/* SPDX-License-Identifier: Apache-2.0 */
/* Takes submissions and answers questions about them. */
#include "tests/sandbox/receiver.h"

#include <openssl/sha.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/sandbox/calendar.h"
#include "tests/sandbox/document.h"
#include "tests/sandbox/json_writer.h"
#include "tests/sandbox/structured.h"

enum { BUSY_MOST = 16 };

/* Where documents lie, by status; rejected ones are not kept. */
static const char *const folders[] = {"accepted", "waiting"};

/* One submission on its way through the checks. */
typedef struct Submission {
    JournalEntry entry; /* filled as far as known */
    Buffer signature;   /* the detached CMS */
} Submission;

bool receiver_start(Receiver *receiver, const char *state, const char *schema,
                    const char *sender_certificate, bool any_time)
{
    BUFFER_AUTO path = {0};
    *receiver = (Receiver){.state = state,
                           .schema = schema,
                           .sender = {.path = sender_certificate, .any_time = any_time}};
    (void)pthread_mutex_init(&receiver->lock, NULL);
    (void)pthread_mutex_init(&receiver->sender.lock, NULL);
    for (size_t i = 0; i < sizeof folders / sizeof folders[0]; i++) {
        buffer_clear(&path);
        buffer_format(&path, "%s/%s", state, folders[i]);
        (void)mkdir(path.data, 0700);
    }
    buffer_clear(&path);
    buffer_format(&path, "%s/journal.ndjson", state);
    return journal_open(&receiver->journal, path.data);
}

void receiver_stop(Receiver *receiver)
{
    journal_close(&receiver->journal);
    sender_close(&receiver->sender);
    (void)pthread_mutex_destroy(&receiver->lock);
}

static bool is_hex(const char *text, size_t length)
{
    return strlen(text) == length && strspn(text, "0123456789abcdef") == length;
}

static bool is_code(const char *text)
{
    size_t length = strlen(text);
    return length >= 3 && length <= 6 &&
           strspn(text, "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ") == length;
}

static bool is_period(const char *text)
{
    BUFFER_AUTO day = {0};
    int32_t unused;
    buffer_format(&day, "%s-01", text);
    return strlen(text) == 7 && calendar_parse(day.data, &unused);
}

static bool copy_header(const HttpRequest *request, const char *name, char *to, size_t size)
{
    const char *value = http_header(request, name);
    if (value == NULL || strlen(value) >= size)
        return false;
    memcpy(to, value, strlen(value) + 1);
    return true;
}

static bool read_revision(const HttpRequest *request, uint32_t *ret_revision)
{
    const char *value = http_header(request, "Submission-Revision");
    char *end = NULL;
    if (value == NULL || value[0] < '1' || value[0] > '9' || strlen(value) > 6)
        return false;
    *ret_revision = (uint32_t)strtoul(value, &end, 10);
    return *end == '\0';
}

static bool read_key(const HttpRequest *request, char key[JOURNAL_KEY])
{
    BUFFER_AUTO text = {0};
    const char *field = http_header(request, "Idempotency-Key");
    if (field == NULL || !structured_string(field, &text) || !is_hex(text.data, JOURNAL_KEY - 1))
        return false;
    memcpy(key, text.data, JOURNAL_KEY);
    return true;
}

/* NULL = all there; else what is missing or malformed. */
static const char *read_headers(const HttpRequest *request, Submission *s)
{
    JournalEntry *entry = &s->entry;
    BUFFER_AUTO field = {0};
    if (!read_key(request, entry->key))
        return "Idempotency-Key is missing or malformed";
    if (!copy_header(request, "Submission-Data-Set", entry->data_set, sizeof entry->data_set) ||
        strcmp(entry->data_set, "mhsds-6.0") != 0)
        return "Submission-Data-Set is not mhsds-6.0";
    if (!copy_header(request, "Submission-Provider", entry->provider, sizeof entry->provider) ||
        !is_code(entry->provider))
        return "Submission-Provider is missing or malformed";
    if (!copy_header(request, "Submission-Period", entry->period, sizeof entry->period) ||
        !is_period(entry->period))
        return "Submission-Period is missing or malformed";
    if (!read_revision(request, &entry->revision))
        return "Submission-Revision is missing or malformed";
    if (!http_field(request, "Document-Signature", &field) ||
        !structured_bytes(field.data, &s->signature))
        return "Document-Signature is missing or malformed";
    return NULL;
}

static bool digest_matches(const HttpRequest *request, char hex[JOURNAL_KEY])
{
    BUFFER_AUTO field = {0};
    BUFFER_AUTO stated = {0};
    unsigned char digest[SHA256_DIGEST_LENGTH];
    const Buffer *body = request->body;
    (void)SHA256((const unsigned char *)(body->data != NULL ? body->data : ""), body->length,
                 digest);
    for (int i = 0; i < SHA256_DIGEST_LENGTH; i++) {
        static const char digits[] = "0123456789abcdef";
        hex[2 * i] = digits[digest[i] >> 4];
        hex[2 * i + 1] = digits[digest[i] & 15];
    }
    hex[JOURNAL_KEY - 1] = '\0';
    return http_field(request, "Content-Digest", &field) &&
           structured_bytes_member(field.data, "sha-256", &stated) &&
           stated.length == sizeof digest && memcmp(stated.data, digest, sizeof digest) == 0;
}

static void answer_entry(const JournalEntry *entry, bool question, HttpAnswer *answer)
{
    static const unsigned statuses[] = {201, 202, 422};
    answer->status = question ? 200 : statuses[entry->status];
    put_open(&answer->body, NULL, '{');
    put_text(&answer->body, "status", journal_status_names[entry->status]);
    put_text(&answer->body, "reference", entry->reference);
    if (entry->status == JOURNAL_REJECTED) {
        buffer_text(&answer->body, ",\"findings\":");
        buffer_text(&answer->body, entry->findings);
    }
    put_close(&answer->body, '}');
}

/* Answers from memory what can be answered so. Called with the lock held. */
static bool answer_known(Receiver *receiver, const Submission *s, HttpAnswer *answer)
{
    const JournalEntry *known = journal_find(&receiver->journal, s->entry.key);
    if (known != NULL && strcmp(known->digest, s->entry.digest) == 0) {
        receiver->duplicates++;
        answer_entry(known, false, answer);
        return true;
    }
    if (known != NULL) {
        receiver->refused_reused++;
        http_problem(answer, 422, "key_reused", "The key stands for another document", NULL);
        return true;
    }
    const JournalEntry *newest =
        journal_newest(&receiver->journal, s->entry.data_set, s->entry.provider, s->entry.period);
    if (newest != NULL && newest->revision > s->entry.revision) {
        receiver->refused_superseded++;
        http_problem(answer, 409, "superseded", "A newer revision was taken in already", NULL);
        return true;
    }
    if (newest != NULL && newest->revision == s->entry.revision) {
        receiver->refused_reused++;
        http_problem(answer, 422, "key_reused", "The revision was taken in under another key",
                     NULL);
        return true;
    }
    return false;
}

/* Reserves the key. False: it is reserved already, or all places are. */
static bool reserve(Receiver *receiver, const char *key)
{
    char(*place)[JOURNAL_KEY] = NULL;
    for (int i = 0; i < BUSY_MOST; i++) {
        if (strcmp(receiver->busy[i], key) == 0)
            return false;
        if (receiver->busy[i][0] == '\0')
            place = &receiver->busy[i];
    }
    if (place == NULL)
        return false;
    memcpy(*place, key, JOURNAL_KEY);
    return true;
}

static void release(Receiver *receiver, const char *key)
{
    for (int i = 0; i < BUSY_MOST; i++)
        if (strcmp(receiver->busy[i], key) == 0)
            receiver->busy[i][0] = '\0';
}

static char *findings_text(const DocumentReport *report)
{
    BUFFER_AUTO out = {0};
    put_open(&out, NULL, '[');
    for (size_t i = 0; i < report->finding_count; i++) {
        put_open(&out, NULL, '{');
        put_text(&out, "rule", report->findings[i].rule);
        put_text(&out, "table", report->findings[i].table);
        put_number(&out, "row", report->findings[i].row);
        put_text(&out, "element", report->findings[i].element);
        put_close(&out, '}');
    }
    put_close(&out, ']');
    return memory_or_die(strdup(out.data));
}

static char *rows_text(const DocumentReport *report)
{
    BUFFER_AUTO out = {0};
    put_open(&out, NULL, '{');
    for (size_t i = 0; i < report->table_count; i++)
        put_number(&out, report->tables[i].name, report->tables[i].rows);
    put_close(&out, '}');
    return memory_or_die(strdup(out.data));
}

static void document_path(const Receiver *receiver, const JournalEntry *entry, const char *folder,
                          const char *ending, Buffer *out)
{
    buffer_clear(out);
    buffer_format(out, "%s/%s/%s-%s-r%u.%s", receiver->state, folder, entry->provider,
                  entry->period, entry->revision, ending);
}

static bool keep_document(const Receiver *receiver, const HttpRequest *request, const Submission *s)
{
    BUFFER_AUTO path = {0};
    document_path(receiver, &s->entry, folders[s->entry.status], "xml", &path);
    if (!buffer_write_file(path.data, 0600, request->body->data, request->body->length))
        return false;
    document_path(receiver, &s->entry, folders[s->entry.status], "p7s", &path);
    return buffer_write_file(path.data, 0600, s->signature.data, s->signature.length);
}

/* What waited lies with the accepted ones from now on, or goes. */
static void move_document(const Receiver *receiver, const JournalEntry *entry)
{
    static const char *const endings[] = {"xml", "p7s"};
    BUFFER_AUTO from = {0};
    BUFFER_AUTO to = {0};
    for (size_t i = 0; i < sizeof endings / sizeof endings[0]; i++) {
        document_path(receiver, entry, folders[JOURNAL_WAITING], endings[i], &from);
        document_path(receiver, entry, folders[JOURNAL_ACCEPTED], endings[i], &to);
        if (entry->status == JOURNAL_ACCEPTED)
            (void)rename(from.data, to.data);
        else
            (void)unlink(from.data);
    }
}

static void decide(const Receiver *receiver, const HttpRequest *request, Submission *s)
{
    DocumentReport *report = memory_or_die(calloc(1, sizeof *report));
    bool good =
        document_check(request->body, s->entry.provider, s->entry.period, receiver->schema, report);
    if (request->fault == FAULT_REFUSE) {
        good = false;
        report->finding_count = 1;
        report->findings[0] = (DocumentFinding){
            .rule = "MHS00103", .table = "MHS001MPI", .row = 1, .element = "LocalPatientID"};
    }
    s->entry.status = !good                             ? JOURNAL_REJECTED
                      : request->fault == FAULT_PENDING ? JOURNAL_WAITING
                                                        : JOURNAL_ACCEPTED;
    s->entry.findings = findings_text(report);
    s->entry.rows = rows_text(report);
    free(report);
}

/* Everything behind the proofs: what is decided is on disk before it is said. */
static void take_in(Receiver *receiver, const HttpRequest *request, Submission *s,
                    HttpAnswer *answer)
{
    (void)pthread_mutex_lock(&receiver->lock);
    bool answered = answer_known(receiver, s, answer);
    bool reserved = !answered && reserve(receiver, s->entry.key);
    (void)pthread_mutex_unlock(&receiver->lock);
    if (answered)
        return;
    if (!reserved) {
        http_problem(answer, 409, "in_progress", "The same key is being processed", NULL);
        return;
    }
    decide(receiver, request, s);
    bool kept = s->entry.status == JOURNAL_REJECTED || keep_document(receiver, request, s);
    (void)pthread_mutex_lock(&receiver->lock);
    BUFFER_AUTO reference = {0};
    buffer_format(&reference, "R-%08zu", receiver->journal.count + 1);
    memcpy(s->entry.reference, reference.data, reference.length + 1);
    /* Another key may have been decided meanwhile. */
    answered = answer_known(receiver, s, answer);
    if (!answered && kept && journal_put(&receiver->journal, &s->entry)) {
        answer_entry(&s->entry, false, answer);
        s->entry.findings = s->entry.rows = NULL; /* the journal has them now */
    } else if (!answered) {
        http_problem(answer, 500, "internal", "The state folder cannot be written", NULL);
    }
    release(receiver, s->entry.key);
    (void)pthread_mutex_unlock(&receiver->lock);
}

static void lie(Receiver *receiver, HttpAnswer *answer)
{
    receiver->lies++;
    answer->status = 201;
    buffer_text(&answer->body, "{\"status\":\"accepted\",\"reference\":\"R-00000000\"}");
}

static void post_submission(Receiver *receiver, const HttpRequest *request, Submission *s,
                            HttpAnswer *answer)
{
    const char *type = http_header(request, "Content-Type");
    const char *why;
    if (type == NULL || strcmp(type, "application/xml") != 0) {
        http_problem(answer, 415, "unsupported", "Content-Type is not application/xml", NULL);
        return;
    }
    const char *code = sender_prove(&receiver->sender, request, true, &why);
    if (code != NULL) {
        receiver->refused_signature++;
        http_problem(answer, strcmp(code, "sender_unknown") == 0 ? 403 : 401, code,
                     "The sender is not proven", why);
        return;
    }
    why = read_headers(request, s);
    if (why == NULL && !digest_matches(request, s->entry.digest))
        why = "Content-Digest is missing or differs from the body";
    if (why != NULL) {
        http_problem(answer, 400, "bad_request", "The request is malformed", why);
        return;
    }
    if (!sender_prove_document(&receiver->sender, &s->signature, request->body)) {
        receiver->refused_signature++;
        http_problem(answer, 401, "signature_invalid", "The document is not signed by the sender",
                     "Document-Signature does not verify");
        return;
    }
    if (request->fault == FAULT_LIE_ACCEPT)
        lie(receiver, answer);
    else
        take_in(receiver, request, s, answer);
}

static void get_status(Receiver *receiver, const HttpRequest *request, const char *key,
                       HttpAnswer *answer)
{
    const char *why;
    const char *code = sender_prove(&receiver->sender, request, false, &why);
    if (code != NULL) {
        receiver->refused_signature++;
        http_problem(answer, strcmp(code, "sender_unknown") == 0 ? 403 : 401, code,
                     "The sender is not proven", why);
        return;
    }
    (void)pthread_mutex_lock(&receiver->lock);
    const JournalEntry *entry = journal_find(&receiver->journal, key);
    bool busy = false;
    for (int i = 0; i < BUSY_MOST; i++)
        busy = busy || strcmp(receiver->busy[i], key) == 0;
    if (entry != NULL) {
        answer_entry(entry, true, answer);
    } else if (busy) {
        http_problem(answer, 409, "in_progress", "The key is being processed", NULL);
    } else {
        answer->status = 404;
        buffer_text(&answer->body, "{\"status\":\"unknown\"}");
    }
    (void)pthread_mutex_unlock(&receiver->lock);
}

void receiver_handle(void *user, const HttpRequest *request, HttpAnswer *answer)
{
    Receiver *receiver = user;
    const char *path = request->relative;
    bool get = strcmp(request->method, "GET") == 0;
    if (get && strcmp(path, "/health") == 0) {
        buffer_text(&answer->body, "{\"status\":\"ok\"}");
    } else if (strcmp(request->method, "POST") == 0 && strcmp(path, "/submissions") == 0) {
        Submission s = {0};
        post_submission(receiver, request, &s, answer);
        buffer_free(&s.signature);
        free(s.entry.findings);
        free(s.entry.rows);
    } else if (get && strncmp(path, "/submissions/", 13) == 0 && is_hex(path + 13, 64)) {
        get_status(receiver, request, path + 13, answer);
    } else {
        http_problem(answer, 404, "unknown", "There is nothing here", NULL);
    }
}

uint32_t receiver_settle(Receiver *receiver, const char *key, bool accept)
{
    uint32_t settled = 0;
    (void)pthread_mutex_lock(&receiver->lock);
    for (size_t i = 0; i < receiver->journal.count; i++) {
        JournalEntry entry = receiver->journal.entries[i];
        if (entry.status != JOURNAL_WAITING || (key[0] != '\0' && strcmp(key, entry.key) != 0))
            continue;
        entry.status = accept ? JOURNAL_ACCEPTED : JOURNAL_REJECTED;
        entry.findings = memory_or_die(strdup(entry.findings));
        entry.rows = memory_or_die(strdup(entry.rows));
        if (journal_put(&receiver->journal, &entry)) {
            settled++;
            move_document(receiver, &receiver->journal.entries[i]);
        } else {
            free(entry.findings);
            free(entry.rows);
        }
    }
    (void)pthread_mutex_unlock(&receiver->lock);
    return settled;
}

static void write_entry(const JournalEntry *entry, Buffer *out)
{
    put_open(out, NULL, '{');
    put_text(out, "key", entry->key);
    put_text(out, "digest", entry->digest);
    put_text(out, "provider", entry->provider);
    put_text(out, "period", entry->period);
    put_number(out, "revision", entry->revision);
    put_text(out, "status", journal_status_names[entry->status]);
    put_text(out, "reference", entry->reference);
    buffer_format(out, ",\"findings\":%s,\"rows\":%s}", entry->findings, entry->rows);
}

void receiver_write_state(Receiver *receiver, Buffer *out)
{
    uint32_t counts[3] = {0};
    (void)pthread_mutex_lock(&receiver->lock);
    for (size_t i = 0; i < receiver->journal.count; i++)
        counts[receiver->journal.entries[i].status]++;
    put_open(out, "receiver", '{');
    for (int i = 0; i < 3; i++)
        put_number(out, journal_status_names[i], counts[i]);
    put_number(out, "duplicates", receiver->duplicates);
    put_number(out, "refused_superseded", receiver->refused_superseded);
    put_number(out, "refused_reused", receiver->refused_reused);
    put_number(out, "refused_signature", receiver->refused_signature);
    put_number(out, "lies", receiver->lies);
    put_open(out, "submissions", '[');
    for (size_t i = 0; i < receiver->journal.count; i++) {
        if (i > 0)
            buffer_char(out, ',');
        BUFFER_AUTO one = {0};
        write_entry(&receiver->journal.entries[i], &one);
        buffer_add(out, one.data, one.length);
    }
    put_close(out, ']');
    put_close(out, '}');
    (void)pthread_mutex_unlock(&receiver->lock);
}
