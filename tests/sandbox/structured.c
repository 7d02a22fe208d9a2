/* SPDX-License-Identifier: Apache-2.0 */
/* Parses and writes structured field values; strict, as the standard asks of a receiver. */
#include "tests/sandbox/structured.h"

#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>

static const char *skip_spaces(const char *at)
{
    while (*at == ' ')
        at++;
    return at;
}

static bool is_lower(char c)
{
    return c >= 'a' && c <= 'z';
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static const char *parse_key(const char *at, char name[STRUCTURED_NAME])
{
    size_t length = 0;
    if (!is_lower(*at) && *at != '*')
        return NULL;
    while (is_lower(*at) || is_digit(*at) || *at == '_' || *at == '-' || *at == '.' || *at == '*') {
        if (length + 1 == STRUCTURED_NAME)
            return NULL;
        name[length++] = *at++;
    }
    name[length] = '\0';
    return at;
}

static const char *parse_quoted(const char *at, Bare *bare)
{
    bare->kind = BARE_STRING;
    for (at++; *at != '"'; at++) {
        if (*at == '\\' && (at[1] == '"' || at[1] == '\\'))
            at++;
        else if (*at == '\\' || (unsigned char)*at < 0x20 || (unsigned char)*at > 0x7e)
            return NULL;
        buffer_char(&bare->text, *at);
    }
    return at + 1;
}

static bool decode_base64(const char *text, size_t length, Buffer *out)
{
    if (length % 4 != 0)
        return false;
    size_t padding = 0;
    while (padding < 2 && padding < length && text[length - 1 - padding] == '=')
        padding++;
    size_t start = out->length;
    buffer_reserve(out, length / 4 * 3 + 1);
    if (length > 0) {
        int got = EVP_DecodeBlock((unsigned char *)out->data + start, (const unsigned char *)text,
                                  (int)length);
        if (got < 0)
            return false;
        out->length = start + (size_t)got - padding;
    }
    out->data[out->length] = '\0';
    return true;
}

static const char *parse_byte_sequence(const char *at, Bare *bare)
{
    const char *end = strchr(at + 1, ':');
    bare->kind = BARE_BYTES;
    if (end == NULL || end - at > 1000000)
        return NULL;
    return decode_base64(at + 1, (size_t)(end - at - 1), &bare->text) ? end + 1 : NULL;
}

static const char *parse_integer(const char *at, Bare *bare)
{
    bool negative = *at == '-';
    int digits = 0;
    bare->kind = BARE_INTEGER;
    for (at += negative; is_digit(*at); at++) {
        if (++digits > 15)
            return NULL;
        bare->integer = bare->integer * 10 + (*at - '0');
    }
    if (negative)
        bare->integer = -bare->integer;
    return digits > 0 ? at : NULL;
}

static const char *parse_bare(const char *at, Bare *bare)
{
    if (*at == '"')
        return parse_quoted(at, bare);
    if (*at == ':')
        return parse_byte_sequence(at, bare);
    if (is_digit(*at) || *at == '-')
        return parse_integer(at, bare);
    bare->kind = BARE_TOKEN;
    size_t length = strcspn(at, " ;,()\"");
    buffer_add(&bare->text, at, length);
    return length > 0 ? at + length : NULL;
}

static const char *parse_parameters(const char *at, Parameters *parameters)
{
    while (*at == ';') {
        if (parameters->count == STRUCTURED_PARAMETERS)
            return NULL;
        Parameter *parameter = &parameters->items[parameters->count++];
        parameter->value.kind = BARE_TRUE;
        at = parse_key(skip_spaces(at + 1), parameter->name);
        if (at != NULL && *at == '=')
            at = parse_bare(at + 1, &parameter->value);
        if (at == NULL)
            return NULL;
    }
    return at;
}

static const char *parse_item(const char *at, Item *item)
{
    at = parse_bare(at, &item->value);
    return at == NULL ? NULL : parse_parameters(at, &item->parameters);
}

static const char *parse_inner_list(const char *at, InnerList *list)
{
    if (*at != '(')
        return NULL;
    at = skip_spaces(at + 1);
    while (*at != ')') {
        if (list->count == STRUCTURED_ITEMS)
            return NULL;
        at = parse_item(at, &list->items[list->count++]);
        if (at == NULL || (*at != ' ' && *at != ')'))
            return NULL;
        at = skip_spaces(at);
    }
    return parse_parameters(at + 1, &list->parameters);
}

static void free_parameters(Parameters *parameters)
{
    for (size_t i = 0; i < parameters->count; i++)
        buffer_free(&parameters->items[i].value.text);
    *parameters = (Parameters){0};
}

void structured_free_list(InnerList *list)
{
    for (size_t i = 0; i < list->count; i++) {
        buffer_free(&list->items[i].value.text);
        free_parameters(&list->items[i].parameters);
    }
    free_parameters(&list->parameters);
    list->count = 0;
}

/* A comma and a further member, or the end. */
static const char *next_member(const char *at)
{
    at = skip_spaces(at);
    if (*at == '\0')
        return at;
    if (*at != ',')
        return NULL;
    at = skip_spaces(at + 1);
    return *at == '\0' ? NULL : at;
}

bool structured_inner_list(const char *field, const char *name, InnerList *ret_list)
{
    const char *at = skip_spaces(field);
    bool found = false;
    while (at != NULL && *at != '\0') {
        char key[STRUCTURED_NAME];
        InnerList *list = memory_or_die(calloc(1, sizeof *list));
        at = parse_key(at, key);
        at = at != NULL && *at == '=' ? parse_inner_list(at + 1, list) : NULL;
        bool wanted = at != NULL && strcmp(key, name) == 0 && !found;
        if (wanted)
            *ret_list = *list;
        else
            structured_free_list(list);
        free(list);
        found = found || wanted;
        at = at != NULL ? next_member(at) : NULL;
    }
    if (found && at == NULL)
        structured_free_list(ret_list);
    return found && at != NULL;
}

bool structured_each_member(const char *field, void (*take)(void *user, const char *name),
                            void *user)
{
    const char *at = skip_spaces(field);
    while (at != NULL && *at != '\0') {
        char key[STRUCTURED_NAME];
        InnerList *list = memory_or_die(calloc(1, sizeof *list));
        at = parse_key(at, key);
        at = at != NULL && *at == '=' ? parse_inner_list(at + 1, list) : NULL;
        if (at != NULL)
            take(user, key);
        structured_free_list(list);
        free(list);
        at = at != NULL ? next_member(at) : NULL;
    }
    return at != NULL;
}

bool structured_bytes_member(const char *field, const char *name, Buffer *ret_bytes)
{
    const char *at = skip_spaces(field);
    bool found = false;
    while (at != NULL && *at != '\0') {
        char key[STRUCTURED_NAME];
        Item item = {0};
        at = parse_key(at, key);
        at = at != NULL && *at == '=' ? parse_item(at + 1, &item) : NULL;
        if (at != NULL && strcmp(key, name) == 0 && item.value.kind == BARE_BYTES && !found) {
            buffer_add(ret_bytes, item.value.text.data, item.value.text.length);
            found = true;
        }
        buffer_free(&item.value.text);
        free_parameters(&item.parameters);
        at = at != NULL ? next_member(at) : NULL;
    }
    return found && at != NULL;
}

static bool only_item(const char *field, BareKind kind, Buffer *ret)
{
    Item item = {0};
    const char *at = parse_item(skip_spaces(field), &item);
    bool good = at != NULL && *skip_spaces(at) == '\0' && item.value.kind == kind;
    if (good)
        buffer_add(ret, item.value.text.data != NULL ? item.value.text.data : "",
                   item.value.text.length);
    buffer_free(&item.value.text);
    free_parameters(&item.parameters);
    return good;
}

bool structured_string(const char *field, Buffer *ret_text)
{
    return only_item(field, BARE_STRING, ret_text);
}

bool structured_bytes(const char *field, Buffer *ret_bytes)
{
    return only_item(field, BARE_BYTES, ret_bytes);
}

static void write_string(const Buffer *text, Buffer *out)
{
    buffer_char(out, '"');
    for (size_t i = 0; i < text->length; i++) {
        if (text->data[i] == '"' || text->data[i] == '\\')
            buffer_char(out, '\\');
        buffer_char(out, text->data[i]);
    }
    buffer_char(out, '"');
}

static void write_bare(const Bare *bare, Buffer *out)
{
    switch (bare->kind) {
    case BARE_STRING:
        write_string(&bare->text, out);
        break;
    case BARE_INTEGER:
        buffer_number(out, bare->integer);
        break;
    case BARE_TOKEN:
        buffer_add(out, bare->text.data, bare->text.length);
        break;
    case BARE_BYTES:
        buffer_char(out, ':');
        buffer_reserve(out, bare->text.length / 3 * 4 + 5);
        out->length +=
            (size_t)EVP_EncodeBlock((unsigned char *)out->data + out->length,
                                    (const unsigned char *)bare->text.data, (int)bare->text.length);
        buffer_char(out, ':');
        break;
    case BARE_TRUE:
        break;
    }
}

static void write_parameters(const Parameters *parameters, Buffer *out)
{
    for (size_t i = 0; i < parameters->count; i++) {
        buffer_char(out, ';');
        buffer_text(out, parameters->items[i].name);
        if (parameters->items[i].value.kind != BARE_TRUE)
            buffer_char(out, '=');
        write_bare(&parameters->items[i].value, out);
    }
}

void structured_write_item(const Item *item, Buffer *out)
{
    write_bare(&item->value, out);
    write_parameters(&item->parameters, out);
}

void structured_write_list(const InnerList *list, Buffer *out)
{
    buffer_char(out, '(');
    for (size_t i = 0; i < list->count; i++) {
        if (i > 0)
            buffer_char(out, ' ');
        structured_write_item(&list->items[i], out);
    }
    buffer_char(out, ')');
    write_parameters(&list->parameters, out);
}

const Bare *structured_parameter(const Parameters *parameters, const char *name)
{
    for (size_t i = 0; i < parameters->count; i++)
        if (strcmp(parameters->items[i].name, name) == 0)
            return &parameters->items[i].value;
    return NULL;
}
