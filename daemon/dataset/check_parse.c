/* SPDX-License-Identifier: Apache-2.0 */
/* Rules of the pack made ready to run: arguments read, places in tables found. */
#include "daemon/base/cleanup.h"
#include "daemon/base/text.h"
#include "daemon/dataset/check.h"

#include <string.h>

static bool refuse(const Checker *checker, const CheckRule *rule, Error *err, const char *why)
{
    return error_set(err, ERROR_CONFIG, "check.rule", "%s/rules.csv:%d: rule %s: %s \"%s\": %s",
                     checker->dataset->folder, rule->rule->line, rule->rule->id, rule->rule->check,
                     rule->rule->arguments, why);
}

static KeyPool *pool_named(Checker *checker, const char *name)
{
    for (size_t i = 0; i < checker->pool_count; i++)
        if (text_equal(checker->pool_names[i], name))
            return checker->pools[i];
    size_t index = checker->pool_count++;
    checker->pools = check_resized(checker->pools, checker->pool_count, sizeof *checker->pools);
    checker->pool_names = arena_grow(checker->arena, checker->pool_names, index,
                                     &checker->pool_capacity, sizeof *checker->pool_names);
    checker->pool_names[index] = name;
    return checker->pools[index] = key_pool_new();
}

static size_t slot_add(Checker *checker, const Element *element, KeyPool *pool)
{
    CheckTable *table = check_table(checker, element->table);
    for (size_t i = 0; i < table->slot_count; i++)
        if (table->slots[i].element == element && table->slots[i].pool == pool)
            return i;
    table->slots = arena_grow(checker->arena, table->slots, table->slot_count,
                              &table->slot_capacity, sizeof *table->slots);
    table->slots[table->slot_count] = (CheckSlot){element, pool};
    return table->slot_count++;
}

size_t check_slot_key(Checker *checker, const Element *element, const char *pool)
{
    return slot_add(checker, element, pool_named(checker, pool));
}

size_t check_slot_day(Checker *checker, const Element *element)
{
    return slot_add(checker, element, NULL);
}

/* "TABLE.ELEMENT" */
static const Element *element_of(const Checker *checker, const char *name)
{
    const char *point = strchr(name, '.');
    if (!point)
        return NULL;
    const Table *table =
        dataset_table(checker->dataset, arena_copy(checker->arena, name, (size_t)(point - name)));
    return table ? table_element(table, point + 1) : NULL;
}

static bool other_column(Checker *checker, CheckRule *rule, Error *err)
{
    const Element *other =
        rule->text_count ? table_element(rule->rule->table, rule->texts[0]) : NULL;
    if (!other)
        return refuse(checker, rule, err, "the first argument is an element of its table");
    rule->other = other->index;
    return true;
}

bool parse_none(Checker *checker, CheckRule *rule, Error *err)
{
    return rule->text_count == 0 || refuse(checker, rule, err, "takes no arguments");
}

static bool numbers(Checker *checker, CheckRule *rule, size_t count, Error *err)
{
    for (size_t i = 0; i < count; i++)
        if (i >= rule->text_count || !text_to_int64(rule->texts[i], &rule->numbers[i]) ||
            rule->numbers[i] < 0)
            return refuse(checker, rule, err, "expected whole numbers");
    for (size_t i = 0; i + 1 < count; i += 2)
        if (rule->numbers[i] > rule->numbers[i + 1])
            return refuse(checker, rule, err, "the smaller number comes first");
    return true;
}

bool parse_numbers(Checker *checker, CheckRule *rule, Error *err)
{
    return numbers(checker, rule, 2, err);
}

bool parse_decimal(Checker *checker, CheckRule *rule, Error *err)
{
    return numbers(checker, rule, 4, err);
}

bool parse_format(Checker *checker, CheckRule *rule, Error *err)
{
    static const struct {
        const char *name;
        bool (*shape)(const char *text);
    } shapes[] = {
        {"date", value_is_date},         {"time", value_is_time},
        {"datetime", value_is_datetime}, {"timestamp", value_is_timestamp},
        {"postcode", value_is_postcode}, {"version", value_is_version},
    };
    for (size_t i = 0; i < COUNT_OF(shapes) && rule->text_count == 1; i++)
        if (text_equal(rule->texts[0], shapes[i].name)) {
            rule->shape = shapes[i].shape;
            return true;
        }
    return refuse(checker, rule, err, "unknown form");
}

bool parse_snomed(Checker *checker, CheckRule *rule, Error *err)
{
    rule->shape = value_is_snomed;
    if (rule->text_count == 1 && text_equal(rule->texts[0], "expression"))
        rule->shape = value_is_snomed_expression;
    else if (rule->text_count != 1 || !text_equal(rule->texts[0], "concept"))
        return refuse(checker, rule, err, "expected concept or expression");
    return true;
}

bool parse_codes(Checker *checker, CheckRule *rule, Error *err)
{
    const Element *element = rule->rule->element;
    if (rule->text_count)
        element = element_of(checker, rule->texts[0]);
    if (!element || !element->codes)
        return refuse(checker, rule, err, "the element has no code list in the pack");
    rule->codes = element->codes;
    return true;
}

bool parse_codes_with(Checker *checker, CheckRule *rule, Error *err)
{
    rule->codes = rule->rule->element->codes;
    if (!rule->codes)
        return refuse(checker, rule, err, "the element has no code list in the pack");
    return other_column(checker, rule, err);
}

/* Where the row that this one is linked to is found, and what of it is looked at. */
static bool linked_place(Checker *checker, CheckRule *rule, const Element *element, Error *err)
{
    const Table *own = rule->rule->table;
    rule->bound = BOUND_LINKED;
    rule->linked = element->table;
    if (rule->linked == checker->dataset->header)
        return true;
    if (rule->linked != own->parent)
        return refuse(checker, rule, err, "the other table is neither the parent nor the header");
    const char *link = own->parent_link->name;
    rule->link_slot = check_slot_key(checker, own->parent_link, link);
    rule->linked_link_slot = check_slot_key(checker, table_element(rule->linked, link), link);
    return true;
}

bool parse_equals(Checker *checker, CheckRule *rule, Error *err)
{
    static const struct {
        const char *name;
        BoundKind bound;
    } names[] = {
        {"period_start", BOUND_PERIOD_START},
        {"period_end", BOUND_PERIOD_END},
        {"provider", BOUND_PROVIDER},
        {"submitter", BOUND_SUBMITTER},
    };
    const char *word = rule->text_count == 1 ? rule->texts[0] : "";
    size_t size = strlen(word);
    if (size >= 2 && word[0] == '\'' && word[size - 1] == '\'') {
        rule->bound = BOUND_TEXT;
        rule->texts[0] = arena_copy(checker->arena, word + 1, size - 2);
        return true;
    }
    for (size_t i = 0; i < COUNT_OF(names); i++)
        if (text_equal(word, names[i].name)) {
            rule->bound = names[i].bound;
            return true;
        }
    const Element *element = element_of(checker, word);
    if (!element || element->table != checker->dataset->header)
        return refuse(checker, rule, err, "unknown value to equal");
    rule->own_slot = check_slot_key(checker, rule->rule->element, element->name);
    rule->linked_slot = check_slot_key(checker, element, element->name);
    return linked_place(checker, rule, element, err);
}

bool parse_bound(Checker *checker, CheckRule *rule, Error *err)
{
    const char *word = rule->text_count == 1 ? rule->texts[0] : "";
    const char *plus = strchr(word, '+');
    if (plus && !text_to_int64(plus + 1, &rule->numbers[0]))
        return refuse(checker, rule, err, "expected a number of days after the plus sign");
    if (text_equal(word, "period_start")) {
        rule->bound = BOUND_PERIOD_START;
        return true;
    }
    if (text_equal(word, "period_end") || text_starts(word, "period_end+")) {
        rule->bound = BOUND_PERIOD_END;
        return true;
    }
    if (text_equal(word, "submitted_at")) {
        rule->bound = BOUND_SUBMITTED;
        return true;
    }
    const Element *element = table_element(rule->rule->table, word);
    if (element) {
        rule->bound = BOUND_ELEMENT;
        rule->other = element->index;
        return true;
    }
    element = element_of(checker, word);
    if (!element)
        return refuse(checker, rule, err, "unknown bound");
    rule->own_slot = check_slot_day(checker, rule->rule->element);
    rule->linked_slot = check_slot_day(checker, element);
    return linked_place(checker, rule, element, err);
}

bool parse_age(Checker *checker, CheckRule *rule, Error *err)
{
    if (!numbers(checker, rule, 2, err))
        return false;
    const char *word = rule->text_count == 3 ? rule->texts[2] : "";
    const Element *element = table_element(rule->rule->table, word);
    if (!element && !text_equal(word, "period_start"))
        return refuse(checker, rule, err, "expected period_start or an element of its table");
    rule->bound = element ? BOUND_ELEMENT : BOUND_PERIOD_START;
    rule->other = element ? element->index : 0;
    return true;
}

bool parse_other(Checker *checker, CheckRule *rule, Error *err)
{
    return other_column(checker, rule, err);
}

bool parse_scheme(Checker *checker, CheckRule *rule, Error *err)
{
    for (size_t i = 1; i < rule->text_count; i++) {
        const char *sign = strchr(rule->texts[i], '=');
        if (!sign || (!text_equal(sign, "=icd10") && !text_equal(sign, "=snomed")))
            return refuse(checker, rule, err, "expected CODE=icd10 or CODE=snomed");
    }
    return other_column(checker, rule, err);
}

bool parse_organisation(Checker *checker, CheckRule *rule, Error *err)
{
    for (const char *name = rule->text_count ? rule->texts[0] : "?"; *name;) {
        size_t size = strcspn(name, "|");
        ReferenceKind kind;
        if (!reference_kind(name, size, &kind))
            return refuse(checker, rule, err, "unknown kind of reference data");
        rule->kinds |= 1U << kind;
        name += size + (name[size] == '|');
    }
    if (text_equal(rule->texts[rule->text_count - 1], "today")) {
        rule->today = true;
        rule->text_count--;
    }
    return true;
}

/* Days are kept as days, everything else as keys: both compare as numbers. */
bool parse_elements(Checker *checker, CheckRule *rule, Error *err)
{
    for (size_t i = 0; i < rule->text_count; i++) {
        const Element *element = table_element(rule->rule->table, rule->texts[i]);
        if (!element)
            return refuse(checker, rule, err, "not an element of its table");
        rule->slots[rule->slot_count++] = element->kind == VALUE_DATE
                                              ? check_slot_day(checker, element)
                                              : check_slot_key(checker, element, element->name);
    }
    size_t least = rule->word->finish == group_followed    ? 4
                   : rule->word->finish == group_one_blank ? 2
                                                           : 1;
    return rule->slot_count >= least || refuse(checker, rule, err, "elements are missing");
}

bool parse_linked(Checker *checker, CheckRule *rule, Error *err)
{
    const Element *element = rule->text_count == 1 ? element_of(checker, rule->texts[0]) : NULL;
    const Element *own = element ? table_element(rule->rule->table, element->name) : NULL;
    if (!own)
        return refuse(checker, rule, err, "expected TABLE.ELEMENT, an element that both have");
    rule->linked = element->table;
    rule->at = own->index;
    rule->own_slot = check_slot_key(checker, own, own->name);
    rule->linked_slot = check_slot_key(checker, element, own->name);
    return true;
}

static bool words_split(Checker *checker, CheckRule *rule, Error *err)
{
    const char *rest = rule->rule->arguments;
    while (*(rest += strspn(rest, " "))) {
        size_t size = strcspn(rest, " ");
        if (rule->text_count == CHECK_WORDS_MAX)
            return refuse(checker, rule, err, "too many arguments");
        rule->texts[rule->text_count++] = arena_copy(checker->arena, rest, size);
        rest += size;
    }
    return true;
}

static void record_add(Checker *checker, CheckRule *rule)
{
    CheckTable *table = check_table(checker, rule->rule->table);
    table->record = arena_grow(checker->arena, table->record, table->record_count,
                               &table->record_capacity, sizeof(CheckRule *));
    table->record[table->record_count++] = rule;
}

static bool rule_compile(Checker *checker, CheckRule *rule, Error *err)
{
    rule->word = check_word(rule->rule->check);
    if (!rule->word)
        return refuse(checker, rule, err, "the check is not one of the vocabulary");
    bool record = rule->word->stage == STAGE_RECORD;
    if (record && !rule->rule->element)
        return refuse(checker, rule, err, "the rule names no element");
    if (!rule->rule->table && rule->word->stage == STAGE_GROUP)
        return refuse(checker, rule, err, "the rule names no table");
    rule->at = rule->rule->element ? rule->rule->element->index : 0;
    rule->judge = rule->word->judge;
    rule->finish = rule->word->finish;
    if (!words_split(checker, rule, err) || !rule->word->parse(checker, rule, err))
        return false;
    rule->skipped = check_skipped(checker->dataset, rule->rule, rule->word, &checker->context);
    /* The shape of a postcode is judged even when nothing is known of postcodes. */
    if (record && rule->bound != BOUND_LINKED &&
        (!rule->skipped || rule->judge == judge_postcode_known))
        record_add(checker, rule);
    return true;
}

bool check_compile(Checker *checker, Error *err)
{
    const Dataset *dataset = checker->dataset;
    if (dataset->rule_count >= UINT16_MAX || dataset->table_count >= UINT8_MAX)
        return error_set(err, ERROR_CONFIG, "check.size", "the pack has too many rules or tables");
    checker->rules = arena_array(checker->arena, dataset->rule_count, sizeof *checker->rules);
    checker->tables = arena_array(checker->arena, dataset->table_count, sizeof *checker->tables);
    for (size_t i = 0; i < dataset->table_count; i++)
        checker->tables[i].table = &dataset->tables[i];
    for (size_t i = 0; i < dataset->rule_count; i++) {
        checker->rules[i].rule = &dataset->rules[i];
        if (!rule_compile(checker, &checker->rules[i], err))
            return false;
    }
    return true;
}
