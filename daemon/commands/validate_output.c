/* SPDX-License-Identifier: Apache-2.0 */
/* Findings of `validate`, written. */
#include "daemon/commands/validate_output.h"

#include "daemon/base/json.h"
#include "daemon/base/text.h"
#include "daemon/commands/listing.h"

#include <string.h>

#define ROWS_NAMED 5
#define DETAILS_NAMED 20

/* All findings of one rule with one cause. */
typedef struct Group {
    const Rule *rule, *cause;
    uint64_t count, rows[ROWS_NAMED];
    const char *values[ROWS_NAMED], *details[DETAILS_NAMED];
    size_t row_count, detail_count;
    struct Group *next; /* of the same rule */
} Group;

struct Output {
    CommandContext *context;
    const Dataset *dataset;
    OutputForm form;
    Group **groups; /* by the rule's place in the data set */
    Arena *line;
};

Output *output_new(CommandContext *context, const Dataset *dataset, OutputForm form)
{
    Output *output = arena_alloc(context->arena, sizeof *output);
    *output = (Output){.context = context,
                       .dataset = dataset,
                       .form = form,
                       .groups = arena_array(context->arena, dataset->rule_count, sizeof(Group *)),
                       .line = arena_new((size_t)4 << 20)};
    if (form == OUTPUT_CSV)
        fputs("severity,rule,table,row,element,message,remedy,caused_by,value\r\n", context->out);
    return output;
}

void output_free(Output *output)
{
    if (output)
        arena_free(output->line);
}

static void write_json(Output *output, const OutputFinding *finding)
{
    const CheckFinding *found = &finding->found;
    Text text = text_new(output->line, (size_t)1 << 20);
    text_addf(&text, "{\"rule\":\"%s\",\"severity\":\"%s\",\"table\":", found->rule->id,
              severity_name(found->rule->severity));
    if (found->table)
        text_addf(&text, "\"%s\"", found->table->name);
    else
        text_add(&text, "null");
    text_add(&text, ",\"row\":");
    if (found->row)
        text_addf(&text, "%llu", (unsigned long long)found->row);
    else
        text_add(&text, "null");
    text_add(&text, ",\"element\":");
    if (found->element)
        text_addf(&text, "\"%s\"", found->element->name);
    else
        text_add(&text, "null");
    text_add(&text, ",\"message\":");
    text_add_json(&text, finding->detail ? finding->detail : found->rule->message);
    text_add(&text, ",\"caused_by\":");
    if (found->cause_rule)
        text_addf(&text, "{\"rule\":\"%s\",\"table\":\"%s\",\"row\":%llu}", found->cause_rule->id,
                  found->cause_table ? found->cause_table->name : "",
                  (unsigned long long)found->cause_row);
    else
        text_add(&text, "null");
    if (finding->value) {
        text_add(&text, ",\"value\":");
        text_add_json(&text, finding->value);
    }
    text_add(&text, "}\n");
    fputs(text_get(&text), output->context->out);
}

static void write_csv(Output *output, const OutputFinding *finding)
{
    const CheckFinding *found = &finding->found;
    Text text = text_new(output->line, (size_t)1 << 20);
    text_addf(&text, "%s,%s,%s,", severity_name(found->rule->severity), found->rule->id,
              found->table ? found->table->name : "");
    if (found->row)
        text_addf(&text, "%llu", (unsigned long long)found->row);
    text_addf(&text, ",%s,", found->element ? found->element->name : "");
    text_add_csv(&text, finding->detail ? finding->detail : found->rule->message);
    text_add(&text, ",");
    text_add_csv(&text, found->rule->remedy);
    text_add(&text, ",");
    if (found->cause_rule)
        text_addf(&text, "%s in %s row %llu", found->cause_rule->id,
                  found->cause_table ? found->cause_table->name : "",
                  (unsigned long long)found->cause_row);
    text_add(&text, ",");
    text_add_csv(&text, finding->value ? finding->value : "");
    text_add(&text, "\r\n");
    fputs(text_get(&text), output->context->out);
}

static void group_add(Output *output, const OutputFinding *finding)
{
    const CheckFinding *found = &finding->found;
    Arena *arena = output->context->arena;
    Group **at = &output->groups[found->rule - output->dataset->rules];
    while (*at && (*at)->cause != found->cause_rule)
        at = &(*at)->next;
    if (!*at) {
        *at = arena_alloc(arena, sizeof **at);
        (*at)->rule = found->rule;
        (*at)->cause = found->cause_rule;
    }
    Group *group = *at;
    group->count++;
    if (found->row && group->row_count < ROWS_NAMED) {
        group->values[group->row_count] = arena_text(arena, finding->value);
        group->rows[group->row_count++] = found->row;
    }
    if (finding->detail && group->detail_count < DETAILS_NAMED)
        group->details[group->detail_count++] = arena_text(arena, finding->detail);
}

void output_finding(Output *output, const OutputFinding *finding)
{
    switch (output->form) {
    case OUTPUT_PEOPLE:
        group_add(output, finding);
        return;
    case OUTPUT_JSON:
        write_json(output, finding);
        break;
    case OUTPUT_CSV:
        write_csv(output, finding);
        break;
    }
    arena_reset(output->line);
}

/* "row 4", "rows 4, 17 and 3 more"; nothing for a finding on the whole table. */
static void print_rows(const Output *output, const Group *group)
{
    FILE *out = output->context->out;
    Text safe = text_new(output->context->arena, 4096);
    if (!group->row_count)
        return;
    fprintf(out, ", %s ", group->count > 1 ? "rows" : "row");
    for (size_t i = 0; i < group->row_count; i++) {
        fprintf(out, "%s%llu", i ? ", " : "", (unsigned long long)group->rows[i]);
        if (!group->values[i])
            continue;
        text_clear(&safe);
        for (const signed char *c = (const signed char *)group->values[i]; *c && safe.size < 80;
             c++)
            text_addf(&safe, "%c", *c < 0x20 || *c == 0x7f ? '?' : *c);
        fprintf(out, " \"%s\"", text_get(&safe));
    }
    if (group->count > group->row_count)
        fprintf(out, " and %llu more", (unsigned long long)(group->count - group->row_count));
}

/* What fell because this rule rejected something. */
static void print_consequences(const Output *output, const Rule *cause)
{
    FILE *out = output->context->out;
    for (size_t i = 0; i < output->dataset->rule_count; i++)
        for (const Group *group = output->groups[i]; group; group = group->next)
            if (group->cause == cause)
                fprintf(
                    out, "      takes with it: %llu of %s (%s)\n", (unsigned long long)group->count,
                    group->rule->table ? group->rule->table->name : "the file", group->rule->id);
}

static void print_group(const Output *output, const Group *group)
{
    FILE *out = output->context->out;
    const Rule *rule = group->rule;
    fprintf(out, "  %s  ", coloured(output->context, COLOUR_STRONG, rule->id));
    fprintf(out, "%s%s%s", rule->table ? rule->table->name : "the file", rule->element ? "." : "",
            rule->element ? rule->element->name : "");
    print_rows(output, group);
    fputc('\n', out);
    if (!group->detail_count)
        fprintf(out, "      %s\n", rule->message);
    for (size_t i = 0; i < group->detail_count; i++)
        fprintf(out, "      %s\n", group->details[i]);
    if (group->detail_count && group->count > group->detail_count)
        fprintf(out, "      and %llu more\n",
                (unsigned long long)(group->count - group->detail_count));
    if (*rule->remedy)
        fprintf(out, "      do: %s\n", rule->remedy);
    if (severity_rejects(rule->severity))
        print_consequences(output, rule);
}

static void print_groups(const Output *output)
{
    static const char *const titles[] = {
        [SEVERITY_FILE_REJECTED] = "The whole file would be refused",
        [SEVERITY_GROUP_REJECTED] = "Rows that would be rejected together",
        [SEVERITY_RECORD_REJECTED] = "Rows that would be rejected",
        [SEVERITY_ONE_WARNING] = "Warnings on key items (severity 1)",
        [SEVERITY_WARNING] = "Warnings",
    };
    for (Severity severity = SEVERITY_FILE_REJECTED; severity <= SEVERITY_WARNING; severity++) {
        bool begun = false;
        for (size_t i = 0; i < output->dataset->rule_count; i++)
            for (const Group *group = output->groups[i]; group; group = group->next) {
                if (group->rule->severity != severity || group->cause)
                    continue;
                if (!begun)
                    fprintf(output->context->out, "%s\n",
                            coloured(output->context,
                                     severity_rejects(severity) ? COLOUR_BAD : COLOUR_WARN,
                                     titles[severity]));
                begun = true;
                print_group(output, group);
            }
        if (begun)
            fputc('\n', output->context->out);
    }
}

/* Rules not judged, by reason. */
static void print_not_checked(const Output *output, const CheckContext *check, FILE *out)
{
    const Dataset *dataset = output->dataset;
    struct {
        const char *reason;
        size_t count;
        const char *example;
    } reasons[64];
    size_t count = 0;
    for (size_t i = 0; i < dataset->rule_count; i++) {
        const char *reason = checker_not_checked(dataset, &dataset->rules[i], check);
        size_t at = 0;
        while (reason && at < count && !text_equal(reasons[at].reason, reason))
            at++;
        if (!reason || at == 64)
            continue;
        if (at == count) {
            reasons[count].reason = reason;
            reasons[count].example = dataset->rules[i].id;
            reasons[count++].count = 0;
        }
        reasons[at].count++;
    }
    for (size_t i = 0; i < count; i++)
        fprintf(out, "not checked: %zu rule%s (%s%s): %s\n", reasons[i].count,
                reasons[i].count == 1 ? "" : "s", reasons[i].example,
                reasons[i].count == 1 ? "" : " …", reasons[i].reason);
}

void output_end(Output *output, const CheckSummary *summary, const CheckContext *check)
{
    FILE *out = output->form == OUTPUT_PEOPLE ? output->context->out : stderr;
    if (output->form == OUTPUT_PEOPLE) {
        print_groups(output);
        fprintf(out, "%zu rows read, %zu would be rejected, %zu findings, %zu of them warnings%s\n",
                summary->rows, summary->rejected_rows, summary->findings, summary->warnings,
                summary->file_rejected ? "; the whole file would be refused" : "");
        if (check->partial)
            fputs("a part of a file: what other tables decide was not judged\n", out);
        print_not_checked(output, check, out);
    } else if (check->partial) {
        fputs("mhsflow: a part of a file: what other tables decide was not judged\n", out);
    }
}
