/* SPDX-License-Identifier: Apache-2.0 */
/* Rules on one row: each function is true when the row holds. */
#include "daemon/base/text.h"
#include "daemon/dataset/check.h"

#include <string.h>

bool row_day(RowView *row, size_t column, Day *ret)
{
    if (!row->days_known[column]) {
        const char *text = row->values[column];
        row->days_known[column] = text && value_day(text, &row->days[column]) ? 1 : 2;
    }
    *ret = row->days[column];
    return row->days_known[column] == 1;
}

static bool in_texts(const CheckRule *rule, const char *text)
{
    for (size_t i = 1; i < rule->text_count; i++)
        if (strcmp(rule->texts[i], text) == 0)
            return true;
    return false;
}

bool judge_present(const CheckRule *rule, RowView *row)
{
    return row->values[rule->at] != NULL;
}

bool judge_length(const CheckRule *rule, RowView *row)
{
    const char *text = row->values[rule->at];
    if (!text)
        return true;
    int64_t length = (int64_t)value_length(text);
    return length >= rule->numbers[0] && length <= rule->numbers[1];
}

bool judge_digits(const CheckRule *rule, RowView *row)
{
    const char *text = row->values[rule->at];
    return !text || value_is_digits(text, (size_t)rule->numbers[0], (size_t)rule->numbers[1]);
}

bool judge_decimal(const CheckRule *rule, RowView *row)
{
    const char *text = row->values[rule->at];
    return !text || value_is_decimal(text, rule->numbers);
}

bool judge_format(const CheckRule *rule, RowView *row)
{
    const char *text = row->values[rule->at];
    Day day;
    if (!text)
        return true;
    if (rule->shape == value_is_date) /* read once for all rules on it */
        return row_day(row, rule->at, &day) && !text[10];
    return rule->shape(text);
}

bool judge_snomed(const CheckRule *rule, RowView *row)
{
    const char *text = row->values[rule->at];
    return !text || rule->shape(text);
}

bool judge_in_codes(const CheckRule *rule, RowView *row)
{
    const char *text = row->values[rule->at];
    return !text || code_find(rule->codes, text, row->checker->context.period);
}

bool judge_in_codes_with(const CheckRule *rule, RowView *row)
{
    const char *text = row->values[rule->at];
    return !row->values[rule->other] ||
           (text && code_find(rule->codes, text, row->checker->context.period));
}

bool judge_equals(const CheckRule *rule, RowView *row)
{
    const char *text = row->values[rule->at];
    const Checker *checker = row->checker;
    char day[CIVIL_TEXT_SIZE];
    if (!text)
        return true;
    switch (rule->bound) {
    case BOUND_PERIOD_START:
        return strcmp(text, civil_format_day(checker->first, day)) == 0;
    case BOUND_PERIOD_END:
        return strcmp(text, civil_format_day(checker->last, day)) == 0;
    case BOUND_PROVIDER:
        return strcmp(text, checker->context.provider) == 0;
    case BOUND_SUBMITTER:
        return strcmp(text, checker->context.submitter ? checker->context.submitter
                                                       : checker->context.provider) == 0;
    default:
        return strcmp(text, rule->texts[0]) == 0;
    }
}

/* The day that the rule compares with; false when there is none. */
static bool bound_day(const CheckRule *rule, RowView *row, Day *ret)
{
    if (rule->bound == BOUND_ELEMENT)
        return row_day(row, rule->other, ret);
    *ret = (rule->bound == BOUND_PERIOD_START ? row->checker->first : row->checker->last) +
           (Day)rule->numbers[0];
    return true;
}

bool judge_not_before(const CheckRule *rule, RowView *row)
{
    Day day, bound;
    return !row_day(row, rule->at, &day) || !bound_day(rule, row, &bound) || day >= bound;
}

bool judge_not_after(const CheckRule *rule, RowView *row)
{
    Day day, bound;
    int64_t moment;
    const char *text = row->values[rule->at];
    if (rule->bound == BOUND_SUBMITTED)
        return !text || !value_moment(text, &moment) || moment <= row->checker->submitted;
    return !row_day(row, rule->at, &day) || !bound_day(rule, row, &bound) || day <= bound;
}

bool judge_age(const CheckRule *rule, RowView *row)
{
    Day birth, on;
    if (!row_day(row, rule->at, &birth))
        return true;
    if (rule->bound == BOUND_PERIOD_START)
        on = row->checker->first;
    else if (!row_day(row, rule->other, &on))
        return true;
    if (birth > on)
        return false;
    int age = civil_age(birth, on);
    return age >= rule->numbers[0] && age <= rule->numbers[1];
}

bool judge_present_with(const CheckRule *rule, RowView *row)
{
    const char *other = row->values[rule->other];
    if (!other || row->values[rule->at])
        return true;
    return rule->text_count > 1 && !in_texts(rule, other);
}

bool judge_present_without(const CheckRule *rule, RowView *row)
{
    return row->values[rule->other] || row->values[rule->at];
}

bool judge_absent_with(const CheckRule *rule, RowView *row)
{
    const char *other = row->values[rule->other];
    return !row->values[rule->at] || !other || !in_texts(rule, other);
}

bool judge_value_not_with(const CheckRule *rule, RowView *row)
{
    const char *text = row->values[rule->at];
    return !text || !row->values[rule->other] || !in_texts(rule, text);
}

bool judge_value_without(const CheckRule *rule, RowView *row)
{
    const char *text = row->values[rule->at];
    return !text || row->values[rule->other] || in_texts(rule, text);
}

bool judge_scheme(const CheckRule *rule, RowView *row)
{
    const char *text = row->values[rule->at], *other = row->values[rule->other];
    if (!text || !other)
        return true;
    size_t size = strlen(other);
    for (size_t i = 1; i < rule->text_count; i++) {
        const char *word = rule->texts[i];
        if (strncmp(word, other, size) != 0 || word[size] != '=')
            continue;
        return strcmp(word + size, "=icd10") == 0 ? value_is_icd10(text) : value_is_snomed(text);
    }
    return true; /* an unknown scheme has a rule of its own */
}

bool judge_scale(const CheckRule *rule, RowView *row)
{
    const char *text = row->values[rule->at];
    const Scale *scale = text ? dataset_scale(row->checker->dataset, text) : NULL;
    return !text || (scale && scale->accepted);
}

bool judge_score(const CheckRule *rule, RowView *row)
{
    const char *text = row->values[rule->at], *tool = row->values[rule->other];
    if (!text || !tool)
        return true;
    const Scale *scale = dataset_scale(row->checker->dataset, tool);
    return !scale || !scale->accepted || value_fits_scale(text, scale);
}

bool judge_nhs_number(const CheckRule *rule, RowView *row)
{
    const char *text = row->values[rule->at];
    return !text || value_is_nhs_number(text);
}

bool judge_organisation_open(const CheckRule *rule, RowView *row)
{
    const char *text = row->values[rule->at];
    const Checker *checker = row->checker;
    if (!text || in_texts(rule, text))
        return true;
    Day first = rule->today ? checker->submitted_day : checker->first;
    Day last = rule->today ? checker->submitted_day : checker->last;
    for (unsigned kind = 0; kind < REFERENCE_KINDS; kind++)
        if ((rule->kinds & (1U << kind)) &&
            reference_is_open(checker->context.reference, (ReferenceKind)kind, text, first, last))
            return true;
    return false;
}

bool judge_postcode_known(const CheckRule *rule, RowView *row)
{
    const char *text = row->values[rule->at];
    const Checker *checker = row->checker;
    if (!text)
        return true;
    if (!value_is_postcode(text))
        return false;
    return rule->skipped || reference_is_open(checker->context.reference, REFERENCE_POSTCODE, text,
                                              checker->first, checker->last);
}
