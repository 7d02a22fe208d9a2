/* SPDX-License-Identifier: Apache-2.0 */
/* The closed vocabulary of the rules, and why a rule may stay unjudged. */
#include "daemon/base/cleanup.h"
#include "daemon/base/text.h"
#include "daemon/dataset/check.h"

#include <string.h>

#define STAGE_RECORD_ROW(function) .judge = function
#define STAGE_GROUP_ROW(function) .finish = function
#define STAGE_FILE_ROW(function) .finish = function
#define STAGE_NONE_ROW(function) .finish = function

static const CheckWord words[] = {
#define CHECK(word, where, reader, function, grammar, sentence)                                    \
    {.name = #word,                                                                                \
     .stage = STAGE_##where,                                                                       \
     .parse = reader,                                                                              \
     STAGE_##where##_ROW(function),                                                                \
     .arguments = grammar,                                                                         \
     .help = sentence},
#include "daemon/dataset/check.def"
};

const CheckWord *check_word(const char *name)
{
    for (size_t i = 0; i < COUNT_OF(words); i++)
        if (text_equal(words[i].name, name))
            return &words[i];
    return NULL;
}

size_t check_word_count(void)
{
    return COUNT_OF(words);
}

const CheckWord *check_word_at(size_t index)
{
    return &words[index];
}

static bool is(const CheckWord *word, const char *name)
{
    return strcmp(word->name, name) == 0;
}

/* "organisation|site V81997": each kind that the rule looks in must be known. */
static bool kinds_known(const Reference *reference, const char *arguments)
{
    for (const char *name = arguments; *name && *name != ' ';) {
        size_t size = strcspn(name, "| ");
        ReferenceKind kind;
        if (!reference_kind(name, size, &kind) || !reference_has(reference, kind))
            return false;
        name += size + (name[size] == '|');
    }
    return true;
}

static const char *skipped_reference(const Rule *rule, const CheckWord *word,
                                     const CheckContext *context)
{
    if (is(word, "organisation_open")) {
        if (!kinds_known(context->reference, rule->arguments))
            return "needs reference data that was not given: which codes exist and are open";
        if (strstr(rule->arguments, "today") && !context->submitted_at)
            return "the time of the upload was not given";
    }
    if (is(word, "postcode_known") && !reference_has(context->reference, REFERENCE_POSTCODE))
        return "needs reference data that was not given: the postcodes that exist; only the shape "
               "is judged";
    return NULL;
}

static bool linked_table_away(const Dataset *dataset, const Rule *rule, const CheckContext *context)
{
    if (!context->partial || !context->present)
        return false;
    char code[64];
    size_t size = strcspn(rule->arguments, ".");
    if (size >= sizeof code)
        return false;
    memcpy(code, rule->arguments, size);
    code[size] = '\0';
    const Table *table = dataset_table(dataset, code);
    return table && !context->present[table->index];
}

const char *check_skipped(const Dataset *dataset, const Rule *rule, const CheckWord *word,
                          const CheckContext *context)
{
    if (word->stage == STAGE_NONE)
        return rule->note;
    if (text_equal(rule->arguments, "submitted_at") && !context->submitted_at)
        return "the time of the upload was not given";
    if (is(word, "equals") && !context->provider &&
        (text_equal(rule->arguments, "provider") ||
         (text_equal(rule->arguments, "submitter") && !context->submitter)))
        return "the organisation that the file is for was not given";
    if (context->partial &&
        (is(word, "has_rows") || is(word, "header_valid") || is(word, "rows_left")))
        return "only part of the file is here";
    if (is(word, "linked") && linked_table_away(dataset, rule, context))
        return "the table that it looks in is not here";
    return skipped_reference(rule, word, context);
}

const char *checker_not_checked(const Dataset *dataset, const Rule *rule,
                                const CheckContext *context)
{
    const CheckWord *word = check_word(rule->check);
    return word ? check_skipped(dataset, rule, word, context) : "its check is not known";
}

void none_judge(Checker *checker, const CheckRule *rule)
{
    (void)checker;
    (void)rule;
}
