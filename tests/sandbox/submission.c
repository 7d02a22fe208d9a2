/* SPDX-License-Identifier: Apache-2.0 */
/* Reads what a request says of its document, and holds the digest against the body. */
#include "tests/sandbox/submission.h"

#include <openssl/sha.h>
#include <stdlib.h>
#include <string.h>

#include "tests/sandbox/calendar.h"
#include "tests/sandbox/structured.h"

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

bool submission_is_key(const char *text)
{
    return is_hex(text, JOURNAL_KEY - 1);
}

const char *submission_read(const HttpRequest *request, Submission *s)
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

bool submission_digest(const HttpRequest *request, char hex[JOURNAL_KEY])
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
