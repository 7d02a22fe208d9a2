/* SPDX-License-Identifier: Apache-2.0 */
/* What the exports share: live records, values as text, CSV fields, files. */
#include "tests/sandbox/export.h"

#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

void export_each(const ChangeLog *log, RecordType type, ExportVisit *visit, void *user)
{
    for (uint32_t i = 0; i < log->records[type].count; i++) {
        bool gone;
        uint32_t at = change_log_state(log, type, i, log->count, &gone);
        if (at == LOG_NONE)
            continue;
        const LogEntry *entry = &log->entries[at];
        json_t *line = json_loadb(log->text.data + entry->line_start, entry->line_length, 0, NULL);
        if (line == NULL)
            abort(); /* the generator wrote something that is not JSON */
        visit(user, json_object_get(line, "record"));
        json_decref(line);
    }
}

static void value_text(const json_t *value, Buffer *out)
{
    size_t index;
    json_t *item;
    if (json_is_string(value))
        buffer_text(out, json_string_value(value));
    else if (json_is_integer(value))
        buffer_number(out, json_integer_value(value));
    else if (json_is_real(value))
        buffer_format(out, "%g", json_real_value(value));
    else if (json_is_boolean(value))
        buffer_text(out, json_is_true(value) ? "true" : "false");
    else if (json_is_string(json_object_get(value, "nv")))
        buffer_format(out, "~%s", json_string_value(json_object_get(value, "nv")));
    else if (json_is_object(value))
        value_text(json_object_get(value, "code"), out);
    json_array_foreach((json_t *)(uintptr_t)value, index, item)
    {
        buffer_text(out, index > 0 ? "|" : "");
        value_text(item, out);
    }
}

void export_value(const json_t *record, const char *path, Buffer *out)
{
    char outer[40];
    const char *dot = strchr(path, '.');
    if (dot == NULL) {
        value_text(json_object_get(record, path), out);
        return;
    }
    (void)snprintf(outer, sizeof outer, "%.*s", (int)(dot - path), path);
    const json_t *inside = json_object_get(record, outer);
    if (json_is_array(inside))
        inside = json_array_get(inside, 0);
    value_text(json_object_get(inside, dot + 1), out);
}

const char *export_text(const json_t *record, const char *name)
{
    const char *text = json_string_value(json_object_get(record, name));
    return text != NULL ? text : "";
}

void export_field(Buffer *out, const char *text)
{
    if (text == NULL || strpbrk(text, ",\"\r\n") == NULL) {
        buffer_text(out, text != NULL ? text : "");
        return;
    }
    buffer_char(out, '"');
    for (; *text != '\0'; text++) {
        if (*text == '"')
            buffer_char(out, '"');
        buffer_char(out, *text);
    }
    buffer_char(out, '"');
}

bool export_file(const char *folder, const char *name, const Buffer *text)
{
    BUFFER_AUTO path = {0};
    buffer_format(&path, "%s/%s", folder, name);
    return buffer_write_file(path.data, 0644, text->data, text->length);
}

void export_hash(const Buffer *text, char ret_hex[65])
{
    unsigned char sum[32];
    unsigned size = sizeof sum;
    if (EVP_Digest(text->data, text->length, sum, &size, EVP_sha256(), NULL) != 1)
        abort();
    for (int i = 0; i < 32; i++)
        (void)snprintf(ret_hex + (ptrdiff_t)2 * i, 3, "%02x", sum[i]);
}
