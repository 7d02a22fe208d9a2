/* SPDX-License-Identifier: Apache-2.0 */
/* Prints what a mapping made of records. */
#include "daemon/commands/try_output.h"

#include "daemon/base/json.h"
#include "daemon/base/text.h"
#include "daemon/commands/listing.h"
#include "daemon/mapping/show.h"

#include <string.h>

#define LINE_LIMIT ((size_t)1 << 20)

struct TryOutput {
    CommandContext *context;
    size_t rows, findings, left_out, withheld;
};

static bool is_json(const TryOutput *output)
{
    return output->context->json;
}

TryOutput *try_output_new(CommandContext *context, const Mapping *mapping, Month month)
{
    TryOutput *output = arena_alloc(context->arena, sizeof *output);
    char text[CIVIL_TEXT_SIZE];
    output->context = context;
    if (!context->json)
        fprintf(context->out, "Mapping %s, version %s, month %s\n", mapping_name(mapping),
                mapping_version(mapping), civil_format_month(month, text));
    return output;
}

static void print_object(TryOutput *output, json_t *object)
{
    json_dumpf(object, output->context->out, JSON_COMPACT);
    fputc('\n', output->context->out);
    json_decref(object);
}

static void set_text(json_t *object, const char *key, const char *value)
{
    json_object_set_new(object, key, value ? json_string(value) : json_null());
}

void try_person_head(TryOutput *output, const char *id, const FindingKind *withheld)
{
    output->withheld += withheld != NULL;
    if (is_json(output)) {
        json_t *object = json_object();
        set_text(object, "kind", "person");
        set_text(object, "person", id);
        set_text(object, "gate", withheld ? withheld->code : "open");
        print_object(output, object);
        return;
    }
    fprintf(output->context->out, "\n%s\n",
            coloured(output->context, COLOUR_STRONG,
                     arena_format(output->context->arena, "Person %s", id)));
    if (withheld)
        fprintf(output->context->out, "%s\n",
                coloured(output->context, COLOUR_WARN,
                         arena_format(output->context->arena, "Would be withheld (%s): %s",
                                      withheld->code, withheld->message)));
}

void try_reference_head(TryOutput *output)
{
    if (!is_json(output))
        fprintf(output->context->out, "\n%s\n",
                coloured(output->context, COLOUR_STRONG, "Rows without a person"));
}

static json_t *element_object(const MappedRow *row, size_t index, Arena *arena)
{
    const Origin *origin = &row->origins[index];
    json_t *object = json_object();
    set_text(object, "value", row->row.values[index]);
    set_text(object, "record_type", origin->record ? origin->record->type : NULL);
    set_text(object, "record_id", origin->record ? origin->record->id : NULL);
    set_text(object, "field", origin->record ? origin->field : NULL);
    set_text(object, "mapping_line", origin_line(origin, arena));
    set_text(object, "code_line", origin_code(origin, arena));
    return object;
}

void try_row(TryOutput *output, const MappedRow *row, Arena *arena)
{
    output->rows++;
    if (!is_json(output)) {
        Text text = text_new(arena, LINE_LIMIT);
        show_row(row, true, arena, &text);
        fputs(text_get(&text), output->context->out);
        return;
    }
    json_t *object = json_object(), *elements = json_object();
    set_text(object, "kind", "row");
    set_text(object, "provider", row->provider->code);
    set_text(object, "table", row->row.table->name);
    set_text(object, "key", row->key);
    for (size_t i = 0; i < row->row.table->count; i++)
        if (row->row.values[i])
            json_object_set_new(elements, row->row.table->elements[i].name,
                                element_object(row, i, arena));
    json_object_set_new(object, "elements", elements);
    print_object(output, object);
}

static void count_finding(TryOutput *output, Severity severity)
{
    output->findings++;
    output->left_out += severity_rejects(severity);
}

void try_finding(TryOutput *output, const MapFinding *finding, Arena *arena)
{
    count_finding(output, finding->kind->severity);
    if (!is_json(output)) {
        Text text = text_new(arena, LINE_LIMIT);
        show_finding(finding, &text);
        fputs(coloured(output->context,
                       severity_rejects(finding->kind->severity) ? COLOUR_BAD : COLOUR_WARN,
                       text_get(&text)),
              output->context->out);
        return;
    }
    json_t *object = json_object();
    set_text(object, "kind", "finding");
    set_text(object, "source", map_finding_source_name(finding->kind->source));
    set_text(object, "rule", finding->kind->code);
    set_text(object, "severity", severity_name(finding->kind->severity));
    set_text(object, "provider", finding->provider ? finding->provider->code : NULL);
    set_text(object, "record_type", finding->record ? finding->record->type : NULL);
    set_text(object, "record_id", finding->record ? finding->record->id : NULL);
    set_text(object, "field", finding->field);
    set_text(object, "table", finding->table ? finding->table->code : NULL);
    set_text(object, "element", finding->element ? finding->element->name : NULL);
    set_text(object, "message", finding->kind->message);
    set_text(object, "remedy", finding->kind->remedy);
    print_object(output, object);
}

static void check_text(TryOutput *output, const CheckFinding *found, const MappedRow *row,
                       Arena *arena)
{
    const Origin *origin = row && found->element ? &row->origins[found->element->index] : NULL;
    const Record *record = origin && origin->record ? origin->record : row ? row->record : NULL;
    Text text = text_new(arena, LINE_LIMIT);
    text_addf(&text, "%s (%s) %s%s%s", found->rule->id, severity_name(found->rule->severity),
              found->table ? found->table->code : "", found->element ? "." : "",
              found->element ? found->element->name : "");
    if (row)
        text_addf(&text, " of %s", row->key);
    if (record)
        text_addf(&text, " < %s/%s%s%s", record->type, record->id,
                  origin && origin->field ? " " : "", origin && origin->field ? origin->field : "");
    text_addf(&text, ": %s", found->rule->message);
    if (found->cause_rule)
        text_addf(&text, " (falls with %s)", found->cause_rule->id);
    text_add(&text, "\n");
    fputs(coloured(output->context,
                   severity_rejects(found->rule->severity) ? COLOUR_BAD : COLOUR_WARN,
                   text_get(&text)),
          output->context->out);
}

void try_check(TryOutput *output, const CheckFinding *found, const MappedRow *row,
               const ProviderSettings *provider, Arena *arena)
{
    count_finding(output, found->rule->severity);
    if (!is_json(output)) {
        check_text(output, found, row, arena);
        return;
    }
    const Origin *origin = row && found->element ? &row->origins[found->element->index] : NULL;
    const Record *record = origin && origin->record ? origin->record : row ? row->record : NULL;
    json_t *object = json_object();
    set_text(object, "kind", "finding");
    set_text(object, "source", "check");
    set_text(object, "rule", found->rule->id);
    set_text(object, "severity", severity_name(found->rule->severity));
    set_text(object, "provider", provider->code);
    set_text(object, "record_type", record ? record->type : NULL);
    set_text(object, "record_id", record ? record->id : NULL);
    set_text(object, "field", origin ? origin->field : NULL);
    set_text(object, "table", found->table ? found->table->code : NULL);
    set_text(object, "element", found->element ? found->element->name : NULL);
    set_text(object, "key", row ? row->key : NULL);
    set_text(object, "caused_by", found->cause_rule ? found->cause_rule->id : NULL);
    set_text(object, "message", found->rule->message);
    set_text(object, "remedy", found->rule->remedy);
    print_object(output, object);
}

bool try_output_end(TryOutput *output, size_t people, size_t orphans)
{
    if (!is_json(output)) {
        fprintf(output->context->out,
                "\npersons %zu, rows %zu, findings %zu, of which leave something out %zu", people,
                output->rows, output->findings, output->left_out);
        if (output->withheld)
            fprintf(output->context->out, "; persons that would be withheld %zu", output->withheld);
        if (orphans)
            fprintf(output->context->out, "; records of nobody in the file %zu", orphans);
        fputs("\n", output->context->out);
    }
    return output->left_out > 0;
}
