/* SPDX-License-Identifier: Apache-2.0 */
/* Takes submissions and answers questions about them. */
#include "tests/sandbox/receiver.h"

#include <stdlib.h>
#include <string.h>

#include "tests/sandbox/document.h"
#include "tests/sandbox/json_writer.h"
#include "tests/sandbox/submission.h"

enum { BUSY_MOST = 16 };

bool receiver_start(Receiver *receiver, const char *state, const char *schema,
                    const char *sender_certificate, bool any_time)
{
    BUFFER_AUTO path = {0};
    *receiver = (Receiver){.state = state,
                           .schema = schema,
                           .sender = {.path = sender_certificate, .any_time = any_time}};
    (void)pthread_mutex_init(&receiver->lock, NULL);
    (void)pthread_mutex_init(&receiver->sender.lock, NULL);
    receiver_make_folders(receiver);
    buffer_format(&path, "%s/journal.ndjson", state);
    return journal_open(&receiver->journal, path.data);
}

void receiver_stop(Receiver *receiver)
{
    journal_close(&receiver->journal);
    sender_close(&receiver->sender);
    (void)pthread_mutex_destroy(&receiver->lock);
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

static bool keep_document(const Receiver *receiver, const HttpRequest *request, const Submission *s)
{
    BUFFER_AUTO path = {0};
    receiver_document_path(receiver, &s->entry, s->entry.status, "xml", &path);
    if (!buffer_write_file(path.data, 0600, request->body->data, request->body->length))
        return false;
    receiver_document_path(receiver, &s->entry, s->entry.status, "p7s", &path);
    return buffer_write_file(path.data, 0600, s->signature.data, s->signature.length);
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
    if (request->fault == FAULT_SLOW)
        fault_stall(request->fault_seconds);
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

static void count(Receiver *receiver, uint32_t *counter)
{
    (void)pthread_mutex_lock(&receiver->lock);
    (*counter)++;
    (void)pthread_mutex_unlock(&receiver->lock);
}

static void lie(Receiver *receiver, HttpAnswer *answer)
{
    count(receiver, &receiver->lies);
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
        count(receiver, &receiver->refused_signature);
        http_problem(answer, strcmp(code, "sender_unknown") == 0 ? 403 : 401, code,
                     "The sender is not proven", why);
        return;
    }
    why = submission_read(request, s);
    if (why == NULL && !submission_digest(request, s->entry.digest))
        why = "Content-Digest is missing or differs from the body";
    if (why != NULL) {
        http_problem(answer, 400, "bad_request", "The request is malformed", why);
        return;
    }
    if (!sender_prove_document(&receiver->sender, &s->signature, request->body)) {
        count(receiver, &receiver->refused_signature);
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
        count(receiver, &receiver->refused_signature);
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
    } else if (get && strncmp(path, "/submissions/", 13) == 0 && submission_is_key(path + 13)) {
        get_status(receiver, request, path + 13, answer);
    } else {
        http_problem(answer, 404, "unknown", "There is nothing here", NULL);
    }
}
