/* SPDX-License-Identifier: Apache-2.0 */
/* The audit's writing side: events become lines of JSON, chained by hash, written at commit. */
#include "daemon/store/audit.h"

#include "daemon/base/clock.h"
#include "daemon/base/text.h"
#include "daemon/store/store_private.h"

#include <ctype.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <stdio.h>
#include <string.h>

#define NAME_DIGITS 9

struct AuditPending {
    AuditPending *next;
    AuditRecord record;
    int64_t at, submission;
};

typedef enum FieldType { TYPE_NUMBER, TYPE_WORD, TYPE_NAME, TYPE_MONTH, TYPE_DIGEST } FieldType;

static const struct {
    const char *name;
    FieldType type;
    size_t offset;
} fields_known[] = {
#define AUDIT_FIELD(name, type, meaning) {#name, TYPE_##type, offsetof(AuditFields, name)},
#include "daemon/store/audit_field.def"
#undef AUDIT_FIELD
};

static const struct {
    const char *name, *fields, *meaning;
} events_known[AUDIT_EVENT_COUNT] = {
#define AUDIT_EVENT(name, text, fields, meaning) {text, fields, meaning},
#include "daemon/store/audit.def"
#undef AUDIT_EVENT
};

const char *audit_event_name(AuditEvent event)
{
    return events_known[event].name;
}

const char *audit_event_meaning(const char *name)
{
    for (size_t i = 0; i < COUNT_OF(events_known); i++)
        if (strcmp(events_known[i].name, name) == 0)
            return events_known[i].meaning;
    return NULL;
}

/* Is `word` one of the words of `list`? */
static bool has_word(const char *list, const char *word)
{
    size_t size = strlen(word);
    for (const char *at = list; (at = strstr(at, word)); at += size)
        if ((at == list || at[-1] == ' ') && (at[size] == ' ' || at[size] == '\0'))
            return true;
    return false;
}

static bool is_word(const char *text)
{
    size_t size = strlen(text);
    return size > 0 && size <= 64 &&
           strspn(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_.:/+-") ==
               size;
}

/* A person's name or login: one line, and never enough digits for an NHS number. */
static bool is_name(const char *text)
{
    size_t size = strlen(text), digits = 0;
    if (size == 0 || size > 64 || !text_is_utf8(text, size))
        return false;
    for (const char *c = text; *c; c++) {
        digits += isdigit((unsigned char)*c) != 0;
        if (digits > NAME_DIGITS || (unsigned char)*c < 0x20 || *c == 0x7f)
            return false;
    }
    return true;
}

/* One field as JSON; false when it is not of its type. */
static bool add_value(Text *text, FieldType type, const void *at)
{
    char buffer[DIGEST_HEX_SIZE];
    const char *word = type == TYPE_WORD || type == TYPE_NAME ? *(const char *const *)at : NULL;
    switch (type) {
    case TYPE_NUMBER:
        text_addf(text, "%lld", (long long)*(const int64_t *)at);
        return *(const int64_t *)at > 0;
    case TYPE_WORD:
        text_add_json(text, word);
        return is_word(word);
    case TYPE_NAME:
        text_add_json(text, word);
        return is_name(word);
    case TYPE_MONTH:
        text_addf(text, "\"%s\"", civil_format_month(*(const Month *)at, buffer));
        return *(const Month *)at > 0;
    case TYPE_DIGEST:
        text_addf(text, "\"%s\"", digest_hex(*(const uint8_t *const *)at, buffer));
        return true;
    }
    return false;
}

static bool is_filled(FieldType type, const void *at)
{
    switch (type) {
    case TYPE_NUMBER:
        return *(const int64_t *)at != 0;
    case TYPE_MONTH:
        return *(const Month *)at != 0;
    default:
        return *(const void *const *)at != NULL;
    }
}

static bool fields_json(AuditEvent event, const AuditFields *fields, Text *text, Error *err)
{
    text_add(text, "{");
    bool first = true;
    for (size_t i = 0; i < COUNT_OF(fields_known); i++) {
        const void *at = (const char *)fields + fields_known[i].offset;
        if (!is_filled(fields_known[i].type, at))
            continue;
        if (!has_word(events_known[event].fields, fields_known[i].name))
            return error_set(err, ERROR_BUG, "audit.field",
                             "cannot audit: event \"%s\" has no field \"%s\"",
                             events_known[event].name, fields_known[i].name);
        text_addf(text, "%s\"%s\":", first ? "" : ",", fields_known[i].name);
        if (add_value(text, fields_known[i].type, at)) {
            first = false;
            continue;
        }
        if (fields_known[i].type == TYPE_NAME)
            return error_set(
                err, ERROR_DATA, "audit.name",
                "cannot audit who asked: a name has at most 64 characters and 9 digits");
        return error_set(err, ERROR_BUG, "audit.field",
                         "cannot audit: field \"%s\" of event \"%s\" is not of its type",
                         fields_known[i].name, events_known[event].name);
    }
    text_add(text, "}");
    return true;
}

/* "2026-11-23T02:20:00.123456Z" */
static char *format_at(int64_t at, Arena *arena)
{
    char second[CLOCK_TEXT_SIZE];
    clock_format(at, second); /* "…:00.123Z" */
    int64_t micro = ((at % CLOCK_SECOND) + CLOCK_SECOND) % CLOCK_SECOND;
    return arena_format(arena, "%.19s.%06lldZ", second, (long long)micro);
}

bool audit_append(Store *store, AuditEvent event, const AuditFields *fields, Error *err)
{
    if (!sql_wants_transaction(store, err))
        return false;
    Arena *arena = store->transaction_arena;
    Text text = text_new(arena, (size_t)8 << 10);
    if (!fields_json(event, fields, &text, err))
        return false;
    AuditPending *pending = arena_alloc(arena, sizeof *pending);
    pending->at = clock_wall();
    pending->submission = fields->submission;
    pending->record = (AuditRecord){.writer = store->writer,
                                    .seq = store->head.seq + 1,
                                    .at = format_at(pending->at, arena),
                                    .event = events_known[event].name,
                                    .fields = text_get(&text)};
    memcpy(pending->record.previous, store->head.hash, DIGEST_SIZE);
    audit_hash(&pending->record, arena, pending->record.hash);
    store->head.seq++;
    memcpy(store->head.hash, pending->record.hash, DIGEST_SIZE);
    if (store->pending_last)
        store->pending_last->next = pending;
    else
        store->pending = pending;
    store->pending_last = pending;
    return true;
}

bool audit_flush(Store *store, Error *err)
{
    if (!store->pending)
        return true;
    Arena *arena = store->transaction_arena;
    SqlList seq = sql_list(arena, SQL_NUMBER), at = sql_list(arena, SQL_NUMBER),
            event = sql_list(arena, SQL_TEXT), fields = sql_list(arena, SQL_TEXT),
            submission = sql_list(arena, SQL_NUMBER), previous = sql_list(arena, SQL_BYTES),
            hash = sql_list(arena, SQL_BYTES);
    for (const AuditPending *pending = store->pending; pending; pending = pending->next) {
        sql_list_number(&seq, pending->record.seq);
        sql_list_number(&at, pending->at);
        sql_list_text(&event, pending->record.event);
        sql_list_text(&fields, pending->record.fields);
        sql_list_number_or_null(&submission, pending->submission);
        sql_list_bytes(&previous, pending->record.previous, DIGEST_SIZE);
        sql_list_bytes(&hash, pending->record.hash, DIGEST_SIZE);
    }
    Sql sql = sql_new(arena);
    sql_text(&sql, store->writer);
    sql_add(&sql, &seq);
    sql_add(&sql, &at);
    sql_add(&sql, &event);
    sql_add(&sql, &fields);
    sql_add(&sql, &submission);
    sql_add(&sql, &previous);
    sql_add(&sql, &hash);
    if (!sql_do(
            store, "write the audit",
            "insert into audit_event (writer, seq, at, event, fields, submission, previous, hash) "
            "select $1, seq, at(us), event, fields::json, submission, previous, hash "
            "from unnest($2::bigint[], $3::bigint[], $4::text[], $5::text[], $6::bigint[], "
            "$7::bytea[], "
            "$8::bytea[]) as e(seq, us, event, fields, submission, previous, hash) order by seq",
            &sql, NULL, err))
        return false;
    store->pending = store->pending_last = NULL;
    return true;
}

void audit_forget(Store *store)
{
    store->pending = store->pending_last = NULL;
    arena_reset(store->transaction_arena);
}

static bool load_key(Store *store, Error *err)
{
    if (store->has_subject_key)
        return true;
    _cleanup_result_ PGresult *result = NULL;
    if (!sql_run(store, "read the key of the audit's subjects",
                 "select value from mhsflow.secret where name = 'subject'", NULL, &result, err))
        return false;
    if (PQntuples(result) != 1)
        return error_set(err, ERROR_CONFIG, "audit.key",
                         "cannot name subjects: the database has no key");
    sql_get_digest(result, 0, 0, store->subject_key);
    store->has_subject_key = true;
    return true;
}

bool audit_subject(Store *store, const char *feed, const char *type, const char *id,
                   uint8_t ret[DIGEST_SIZE], Error *err)
{
    if (!load_key(store, err))
        return false;
    char name[512];
    int size = snprintf(name, sizeof name, "%s\n%s\n%s", feed, type, id);
    if (size < 0 || (size_t)size >= sizeof name)
        return error_set(err, ERROR_DATA, "audit.subject",
                         "cannot name a subject: its id is too long");
    unsigned length = DIGEST_SIZE;
    if (!HMAC(EVP_sha256(), store->subject_key, DIGEST_SIZE, (const unsigned char *)name,
              (size_t)size, ret, &length))
        abort(); /* OpenSSL without SHA-256 */
    return true;
}
