/* SPDX-License-Identifier: Apache-2.0 */
/* Fills one row, line by line: field, transform, code list, length; and remembers where each value
 * came from. */
#include "daemon/base/cleanup.h"
#include "daemon/base/text.h"
#include "daemon/mapping/row.h"

#include <string.h>

void transform_finding(TransformCall *call, MapFindingId id)
{
    map_finding_add(call->row->map->findings, call->arena,
                    &(MapFinding){.kind = &finding_kinds[id],
                                  .provider = call->row->provider,
                                  .record = call->source ? call->source : call->row->record,
                                  .field = call->path,
                                  .table = call->line->block->table,
                                  .element = call->line->element});
}

static const MapLine *line_for(RowContext *row, const Item *item)
{
    Month month = row->map->month;
    for (size_t i = 0; i < item->count; i++) {
        const MapLine *line = &item->lines[i];
        if ((line->from_month && month < line->from_month) ||
            (line->to_month && month > line->to_month))
            continue;
        if (row_conditions_hold(row, &line->when))
            return line;
    }
    return NULL;
}

/* As a person finds it in the record: "disabilities[2].code". */
static const char *field_name(const RowContext *row, const Path *path)
{
    if (path->scope == SCOPE_LINK)
        return path->path;
    if (path->scope == SCOPE_RECORD)
        return path->text;
    return arena_format(row->map->arena, "%s[%zu]%s%s", row->block->list, row->number,
                        path->path[0] ? "." : "", path->path);
}

/* The first path with a text; without one, the first that at least says why it has none. */
static void find_field(RowContext *row, const MapLine *line, TransformCall *call)
{
    static const Field absent = {.kind = FIELD_ABSENT};
    call->field = &absent;
    for (size_t i = 0; i < line->from_count; i++) {
        const Record *record;
        const Field *field = row_field(row, &line->from[i], &record);
        bool has_text = field->kind == FIELD_TEXT && field->text[0];
        if (!has_text && i > 0 &&
            (field->kind == FIELD_ABSENT || call->field->kind != FIELD_ABSENT))
            continue;
        call->field = field;
        call->text = has_text ? field->text : NULL;
        call->source = record;
        call->path = field_name(row, &line->from[i]);
        if (has_text)
            return;
    }
}

static void find_with(RowContext *row, const MapLine *line, TransformCall *call)
{
    call->with = arena_array(call->arena, line->with_count, sizeof *call->with);
    for (size_t i = 0; i < line->with_count; i++)
        call->with[i] = row_text(row, &line->with[i]);
}

/* The word in a code list's column "local" for a field without a value. */
static const char *no_value_word(const Field *field)
{
    switch (field->kind) {
    case FIELD_DECLINED:
        return "~declined";
    case FIELD_NOT_KNOWN:
        return "~not_known";
    case FIELD_NOT_ASKED:
        return "~not_asked";
    case FIELD_ABSENT:
        return "~absent";
    default:
        return "~null";
    }
}

static const CodeRow *find_code(const TransformCall *call, const char *value)
{
    const CodeTable *table = call->line->codes;
    Month month = call->row->map->month;
    const CodeRow *found = code_table_find(table, value, month);
    if (!found && table->national && call->line->element->codes &&
        code_find(call->line->element->codes, value, month))
        return table->national;
    if (!found && value == call->text && call->field->label)
        found = code_table_find(table, call->field->label, month);
    return found;
}

static const char *translate(TransformCall *call, const char *value, Origin *origin)
{
    const CodeRow *code = NULL;
    if (!value) {
        code =
            code_table_find(call->line->codes, no_value_word(call->field), call->row->map->month);
        if (!code)
            return NULL;
    } else {
        code = find_code(call, value);
    }
    if (!code) {
        transform_finding(call, FINDING_UNMAPPED_CODE);
        if (call->line->otherwise == OTHERWISE_AS_IS)
            return value;
        return call->line->otherwise_value;
    }
    origin->code = code;
    if (code->finding)
        transform_finding(call, (MapFindingId)(code->finding - finding_kinds));
    if (code == call->line->codes->national)
        return value;
    return code->national[0] ? code->national : NULL;
}

static size_t count_characters(const char *text)
{
    size_t count = 0;
    for (; *text; text++)
        count += ((unsigned char)*text & 0xC0) != 0x80;
    return count;
}

/* What XML can carry; anything else would have the whole person set aside. */
static bool is_carried(const char *value)
{
    return text_is_utf8(value, strlen(value)) && !strstr(value, "\xEF\xBF\xBE") &&
           !strstr(value, "\xEF\xBF\xBF");
}

static Transformed fill_value(RowContext *row, const MapLine *line, const char **ret,
                              Origin *origin)
{
    TransformCall call = {.row = row, .line = line, .arena = row->map->arena};
    origin->line = line;
    if (line->value) {
        *ret = line->value;
        return GOT_VALUE;
    }
    find_field(row, line, &call);
    origin->record = call.source;
    origin->field = call.path;
    const char *value = call.text;
    if (line->transform && (value || line->transform->sees_nothing)) {
        find_with(row, line, &call);
        const char *made = NULL;
        Transformed got = line->transform->function(&call, &made);
        if (got == GOT_HOLD)
            return GOT_HOLD;
        value = got == GOT_VALUE ? made : NULL;
    }
    if (line->codes)
        value = translate(&call, value, origin);
    if (value && line->max && count_characters(value) > line->max) {
        if (!line->codes) /* an unmapped code that goes as it is has its finding already */
            transform_finding(&call, FINDING_VALUE_TOO_LONG);
        value = NULL;
    }
    if (value && !is_carried(value)) {
        transform_finding(&call, FINDING_VALUE_UNREADABLE);
        value = NULL;
    }
    *ret = value;
    return value ? GOT_VALUE : GOT_NOTHING;
}

Transformed row_fill(RowContext *row, MappedRow *ret)
{
    const Block *block = row->block;
    Arena *arena = row->map->arena;
    ret->row.table = block->table;
    ret->row.values = arena_array(arena, block->table->count, sizeof *ret->row.values);
    ret->origins = arena_array(arena, block->table->count, sizeof *ret->origins);
    ret->provider = row->provider;
    ret->record = row->record;
    for (size_t i = 0; i < block->count; i++) {
        const Item *item = &block->items[i];
        const MapLine *line = line_for(row, item);
        Origin origin = {0};
        if (!line)
            continue;
        const char *value = NULL;
        if (fill_value(row, line, &value, &origin) == GOT_HOLD)
            return GOT_HOLD;
        ret->row.values[item->element->index] = value;
        ret->origins[item->element->index] = origin;
    }
    return GOT_VALUE;
}

bool row_has_needs(const Block *block, const MappedRow *row)
{
    for (size_t i = 0; i < block->need_count; i++)
        if (!row_get(&row->row, block->needs[i]))
            return false;
    return true;
}

/* The national key where there is one; else the link to the parent and the record that made the
 * row. */
const char *row_key(const RowContext *context, const MappedRow *row)
{
    const Table *table = context->block->table;
    Text text = text_new(context->map->arena, 1024);
    for (size_t i = 0; i < table->key_count; i++) {
        const char *value = row_get(&row->row, table->keys[i]);
        text_addf(&text, "%s%s", i ? "|" : "", value ? value : "");
    }
    if (table->key_count)
        return text_get(&text);
    if (table->parent_link && row_get(&row->row, table->parent_link))
        text_add(&text, row_get(&row->row, table->parent_link));
    if (context->record)
        text_addf(&text, "|%s/%s", context->record->type, context->record->id);
    if (context->number)
        text_addf(&text, "/%zu", context->number);
    return text_get(&text);
}
