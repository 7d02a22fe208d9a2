/* SPDX-License-Identifier: Apache-2.0 */
/* Writes JSON members one after the other. */
#include "tests/sandbox/json_writer.h"

#include "tests/sandbox/calendar.h"

void put_string(Buffer *out, const char *text)
{
    buffer_char(out, '"');
    for (const char *at = text; *at != '\0'; at++) {
        unsigned char c = (unsigned char)*at;
        if (c == '"' || c == '\\') {
            buffer_char(out, '\\');
            buffer_char(out, *at);
        } else if (c < 0x20) {
            buffer_format(out, "\\u%04x", c);
        } else {
            buffer_char(out, *at);
        }
    }
    buffer_char(out, '"');
}

static void start_member(Buffer *out, const char *key)
{
    if (out->length > 0) {
        char last = out->data[out->length - 1];
        if (last != '{' && last != '[' && last != ':' && last != '\n')
            buffer_char(out, ',');
    }
    if (key != NULL) {
        buffer_char(out, '"');
        buffer_text(out, key);
        buffer_add(out, "\":", 2);
    }
}

void put_open(Buffer *out, const char *key, char bracket)
{
    start_member(out, key);
    buffer_char(out, bracket);
}

void put_close(Buffer *out, char bracket)
{
    buffer_char(out, bracket);
}

void put_text(Buffer *out, const char *key, const char *text)
{
    start_member(out, key);
    if (text == NULL)
        buffer_text(out, "null");
    else
        put_string(out, text);
}

void put_number(Buffer *out, const char *key, int64_t value)
{
    start_member(out, key);
    buffer_number(out, value);
}

void put_bool(Buffer *out, const char *key, bool value)
{
    start_member(out, key);
    buffer_text(out, value ? "true" : "false");
}

void put_null(Buffer *out, const char *key)
{
    put_text(out, key, NULL);
}

void put_day(Buffer *out, const char *key, int32_t day)
{
    char text[11];
    calendar_write(text, day);
    put_text(out, key, text);
}

void put_instant(Buffer *out, const char *key, int64_t ms)
{
    char text[25];
    calendar_write_instant(text, ms);
    put_text(out, key, text);
}

void put_time(Buffer *out, const char *key, int minutes)
{
    char text[6] = {(char)('0' + minutes / 600),     (char)('0' + minutes / 60 % 10), ':',
                    (char)('0' + minutes % 60 / 10), (char)('0' + minutes % 10),      '\0'};
    put_text(out, key, text);
}

void put_no_value(Buffer *out, const char *key, const char *kind)
{
    put_open(out, key, '{');
    put_text(out, "nv", kind);
    put_close(out, '}');
}

void put_code(Buffer *out, const char *key, const char *system, const char *code, const char *label)
{
    put_open(out, key, '{');
    put_text(out, "code", code);
    put_text(out, "system", system);
    if (label != NULL)
        put_text(out, "label", label);
    put_close(out, '}');
}
