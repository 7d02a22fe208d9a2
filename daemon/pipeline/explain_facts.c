/* SPDX-License-Identifier: Apache-2.0 */
/* Reads what there is about a record, row or submission, and asks for the answer month by month. */
#include "daemon/pipeline/explain_world.h"

#include "daemon/base/text.h"
#include "daemon/mapping/mapping.h"

#include <string.h>

#define PARENTS_MAX 3 /* intervention, contact, referral */

/* What is asked about. */
typedef struct Subject {
    const char *feed, *type, *id;
    RecordStanding standing;
    bool purged, person_itself;
    WorkPerson work;
    const char *parents[PARENTS_MAX][2]; /* type, id: a parent that falls takes it along */
    size_t parent_count;
    RowTrace *rows; /* made of it, former ones too */
    size_t row_count;
    const Finding **findings; /* that leave something of it out, as they stand */
    size_t finding_count, finding_capacity;
} Subject;

typedef struct Answers {
    Explanation *items;
    size_t count, capacity;
} Answers;

/* ---- rows ---- */

static bool row_in_month(const RowTrace *row, const char *provider, Month month)
{
    return text_equal(row->provider, provider) && row->first_month <= month &&
           row->last_month >= month;
}

static bool row_held_at(const RowTrace *row, int64_t generation)
{
    return row->gen_from <= generation && (!row->gen_to || row->gen_to > generation);
}

typedef struct Contained {
    bool all;  /* every row of it that holds now, as it holds now; of a person, what was left out
                  does not count */
    bool some; /* a row of it, be it a former one */
    const RowTrace *left_out;
} Contained;

static bool contained_in(const World *world, const Subject *subject, const SubmissionInfo *info,
                         Contained *ret, Error *err)
{
    size_t now = 0, missing = 0, out = 0;
    *ret = (Contained){0};
    for (size_t i = 0; info && i < subject->row_count; i++) {
        const RowTrace *row = &subject->rows[i];
        bool left_out = false, has = row_held_at(row, info->generation);
        if (!row_in_month(row, info->provider, info->period))
            continue;
        if (has && !submission_leaves_out(world->tools->store, info->id, row->id, &left_out, err))
            return false;
        ret->some |= has && !left_out;
        if (row->gen_to)
            continue;
        now++;
        missing += !has;
        out += left_out;
        if (left_out)
            ret->left_out = row;
    }
    ret->all = now && !missing && (subject->person_itself ? out < now : !out);
    return true;
}

/* ---- findings ---- */

static Finding *copy_finding(const Finding *from, Arena *arena)
{
    Finding *copy = arena_alloc(arena, sizeof *copy);
    *copy = *from;
    const char **texts[] = {
        &copy->rule,      &copy->severity, &copy->provider,   &copy->feed,      &copy->record_type,
        &copy->record_id, &copy->field,    &copy->person,     &copy->org,       &copy->table,
        &copy->element,   &copy->row_key,  &copy->cause_rule, &copy->cause_key, &copy->cause_table,
        &copy->message,   &copy->remedy};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        *texts[i] = arena_text(arena, *texts[i]);
    return copy;
}

static bool names(const Finding *finding, const char *type, const char *id)
{
    return id && text_equal(finding->record_type, type) && text_equal(finding->record_id, id);
}

static bool names_a_row(const Finding *finding, const Subject *subject)
{
    for (size_t i = 0; finding->row_key && i < subject->row_count; i++)
        if (text_equal(finding->row_key, subject->rows[i].row_key) &&
            text_equal(finding->table, subject->rows[i].table))
            return true;
    return false;
}

/* A finding about the person, about the record or its rows, or about what the record hangs on. */
static bool is_about(const Finding *finding, const Subject *subject)
{
    if (finding->source == FINDING_GATE || text_equal(finding->record_type, "person") ||
        names(finding, subject->type, subject->id) || names_a_row(finding, subject))
        return true;
    for (size_t i = 0; i < subject->parent_count; i++)
        if (names(finding, subject->parents[i][0], subject->parents[i][1]))
            return true;
    return false;
}

typedef struct Collect {
    const World *world;
    Subject *subject;
} Collect;

static bool collect_finding(void *context, const Finding *finding, Error *err)
{
    Collect *collect = context;
    Subject *subject = collect->subject;
    Arena *arena = collect->world->tools->arena;
    if (!is_about(finding, subject))
        return true;
    subject->findings = arena_grow(arena, subject->findings, subject->finding_count,
                                   &subject->finding_capacity, sizeof *subject->findings);
    subject->findings[subject->finding_count++] = copy_finding(finding, arena);
    return arena_check(arena, err);
}

static bool read_findings(const World *world, Subject *subject, Error *err)
{
    FindingFilter filter = {
        .feed = subject->feed, .person = subject->standing.person, .only_left_out = true};
    Collect collect = {world, subject};
    return !subject->standing.person ||
           finding_list(world->tools->store, &filter, collect_finding, &collect, err);
}

/* A finding about the record itself says most; then a root cause before what fell with it. */
static int weight_of(const Finding *finding, const Subject *subject)
{
    return 1 + (names(finding, subject->type, subject->id) ? 2 : 0) + (finding->cause_rule ? 0 : 1);
}

/* The one that says most of those that hold in the month. */
static const Finding *finding_of(const Subject *subject, const char *provider, Month month,
                                 int64_t submission)
{
    const Finding *best = NULL;
    int most = 0;
    for (size_t i = 0; i < subject->finding_count; i++) {
        const Finding *finding = subject->findings[i];
        if (finding->submission != submission ||
            (finding->provider && !text_equal(finding->provider, provider)) ||
            (month && finding->first_month && finding->first_month > month) ||
            (month && finding->last_month && finding->last_month < month))
            continue;
        if (weight_of(finding, subject) <= most)
            continue;
        best = finding;
        most = weight_of(finding, subject);
    }
    return best;
}

/* ---- one month ---- */

static void subject_facts(const Subject *subject, const char *provider, Month month,
                          const Finding *finding, ExplainFacts *facts)
{
    const RecordStanding *standing = &subject->standing;
    facts->held = standing->held;
    facts->purged = subject->purged;
    facts->deleted = standing->deleted;
    facts->restricted = standing->restricted;
    facts->parentless = standing->parentless;
    facts->of_no_person = !standing->person;
    facts->set_aside = subject->work.set_aside;
    facts->to_be_mapped = subject->work.waiting;
    facts->withheld = finding && finding->source == FINDING_GATE;
    facts->fell = finding != NULL;
    for (size_t i = 0; i < subject->row_count; i++) {
        const RowTrace *row = &subject->rows[i];
        if (row->gen_to)
            continue;
        if (month && row_in_month(row, provider, month))
            facts->rows = true;
        else
            facts->rows_elsewhere = true;
    }
}

static bool explain_one_month(const World *world, const Subject *subject, const char *provider,
                              Month month, Explanation *ret, Error *err)
{
    const SubmissionInfo *newest = world_newest(world, provider, month),
                         *accepted = world_accepted(world, provider, month);
    const Finding *fell = finding_of(subject, provider, month, 0);
    ExplainFacts facts = {0};
    Contained in_newest, in_accepted;
    *ret = (Explanation){.provider = provider, .first_month = month, .last_month = month};
    subject_facts(subject, provider, month, fell, &facts);
    world_month(world, provider, month, &facts);
    if (!contained_in(world, subject, newest, &in_newest, err) ||
        !contained_in(world, subject, accepted, &in_accepted, err) ||
        (newest && !world_submission(world, newest, &facts, err)))
        return false;
    facts.in_accepted = in_accepted.all;
    facts.in_newest = in_newest.all && newest->state != SUBMISSION_SUPERSEDED;
    facts.out_of_file = in_newest.left_out != NULL;
    world_describe(world, &facts, newest, ret);
    ret->accepted = in_accepted.some ? accepted->id : 0;
    if (text_equal(ret->reason->code, "left_out_of_file"))
        ret->finding = finding_of(subject, provider, month, newest->id);
    if (text_equal(ret->reason->code, "withheld") || text_equal(ret->reason->code, "left_out"))
        ret->finding = fell;
    if (ret->finding) {
        ret->so = ret->finding->message ? ret->finding->message : ret->so;
        ret->remedy = ret->finding->remedy ? ret->finding->remedy : ret->remedy;
    }
    return true;
}

/* Has the month anything to do with it: rows of now, rows that were accepted, or a finding? */
static bool concerns(const World *world, const Subject *subject, const char *provider, Month month)
{
    const SubmissionInfo *accepted = world_accepted(world, provider, month);
    for (size_t i = 0; i < subject->row_count; i++)
        if (row_in_month(&subject->rows[i], provider, month) &&
            (!subject->rows[i].gen_to ||
             (accepted && row_held_at(&subject->rows[i], accepted->generation))))
            return true;
    return finding_of(subject, provider, month, 0) != NULL;
}

/* An answer that is the same as that of the month before becomes one with it. */
static void add_answer(Answers *answers, const Explanation *answer, Arena *arena)
{
    Explanation *last = answers->count ? &answers->items[answers->count - 1] : NULL;
    if (last && !answer->submission && !answer->accepted && !last->submission && !last->accepted &&
        last->reason == answer->reason && last->finding == answer->finding && !answer->next_at &&
        last->last_month + 1 == answer->first_month &&
        text_equal(last->provider, answer->provider)) {
        last->last_month = answer->last_month;
        return;
    }
    answers->items = arena_grow(arena, answers->items, answers->count, &answers->capacity,
                                sizeof *answers->items);
    answers->items[answers->count++] = *answer;
}

/* Each provider once: of its rows, and of what leaves it out. */
static size_t providers_of(const Subject *subject, Arena *arena, const char ***ret)
{
    size_t count = 0, most = subject->row_count + subject->finding_count;
    const char **all = arena_array(arena, most + 1, sizeof *all);
    for (size_t i = 0; i < most; i++) {
        const char *provider = i < subject->row_count
                                   ? subject->rows[i].provider
                                   : subject->findings[i - subject->row_count]->provider;
        bool known = !provider;
        for (size_t j = 0; j < count && !known; j++)
            known = text_equal(all[j], provider);
        if (!known)
            all[count++] = provider;
    }
    *ret = all;
    return count;
}

static bool explain_subject(const World *world, const Subject *subject, Month month,
                            Answers *answers, Error *err)
{
    Arena *arena = world->tools->arena;
    Month open[CALENDAR_MONTHS_MAX];
    const char **providers;
    Explanation answer;
    size_t provider_count = providers_of(subject, arena, &providers), before = answers->count,
           open_count = calendar_open_months(world->tools->calendar, world->today, open);
    for (size_t i = 0; i < provider_count; i++)
        for (size_t j = 0; j < (month ? 1 : open_count); j++) {
            Month asked = month ? month : open[j];
            if (!month && !concerns(world, subject, providers[i], asked))
                continue;
            if (!explain_one_month(world, subject, providers[i], asked, &answer, err))
                return false;
            add_answer(answers, &answer, arena);
        }
    if (answers->count > before)
        return true;
    if (!explain_one_month(world, subject, NULL, month, &answer, err))
        return false;
    add_answer(answers, &answer, arena);
    return true;
}

/* ---- what is asked about ---- */

static bool read_parents(const World *world, Subject *subject, Error *err)
{
    RecordStanding at = subject->standing;
    while (subject->parent_count < PARENTS_MAX && at.parent_id) {
        const char **parent = subject->parents[subject->parent_count++];
        parent[0] = at.parent_type;
        parent[1] = at.parent_id;
        if (!source_standing(world->tools->store, subject->feed, parent[0], parent[1],
                             world->tools->arena, &at, err))
            return false;
    }
    return true;
}

/* Of the person's rows those that were made of the record; of a person all. */
static bool keep_rows_of(Subject *subject, Arena *arena, Error *err)
{
    size_t kept = 0;
    for (size_t i = 0; i < subject->row_count; i++) {
        LineageEntry *entries;
        size_t count;
        bool made = subject->person_itself;
        if (!made && subject->rows[i].lineage) {
            if (!mapping_lineage_read(subject->rows[i].lineage, arena, &entries, &count, err))
                return false;
            for (size_t j = 0; j < count && !made; j++)
                made = text_equal(entries[j].record_type, subject->type) &&
                       text_equal(entries[j].record_id, subject->id);
        }
        if (made)
            subject->rows[kept++] = subject->rows[i];
        if (!arena_check(arena, err))
            return false;
    }
    subject->row_count = kept;
    return true;
}

static bool read_person(const World *world, Subject *subject, Error *err)
{
    const ExplainTools *tools = world->tools;
    return work_person(tools->store, subject->feed, subject->standing.person, &subject->work,
                       err) &&
           read_findings(world, subject, err);
}

static bool read_record(const World *world, Subject *subject, Error *err)
{
    const ExplainTools *tools = world->tools;
    if (!source_standing(tools->store, subject->feed, subject->type, subject->id, tools->arena,
                         &subject->standing, err) ||
        !read_parents(world, subject, err))
        return false;
    if (!subject->standing.person)
        return true;
    return rows_of_person(tools->store, subject->feed, subject->standing.person, true, tools->arena,
                          &subject->rows, &subject->row_count, err) &&
           keep_rows_of(subject, tools->arena, err) && read_person(world, subject, err);
}

bool explain_record(const ExplainTools *tools, const char *type, const char *id, Month month,
                    Explanation **ret, size_t *ret_count, Error *err)
{
    World world;
    Answers answers = {0};
    const char **feeds;
    size_t count;
    Subject none = {.type = type, .id = id};
    if (!world_read(tools, &world, err) ||
        !source_feeds_of(tools->store, type, id, tools->arena, &feeds, &count, err) ||
        (!count && !source_purged(tools->store, type, id, tools->arena, &none.purged, err)))
        return false;
    if (!count && !explain_subject(&world, &none, month, &answers, err))
        return false;
    for (size_t i = 0; i < count; i++) {
        Subject subject = {
            .feed = feeds[i], .type = type, .id = id, .person_itself = strcmp(type, "person") == 0};
        if (!read_record(&world, &subject, err) ||
            !explain_subject(&world, &subject, month, &answers, err))
            return false;
    }
    *ret = answers.items;
    *ret_count = answers.count;
    return true;
}

bool explain_row(const ExplainTools *tools, const char *provider, const char *table,
                 const char *row_key, Month month, Explanation **ret, size_t *ret_count, Error *err)
{
    World world;
    Answers answers = {0};
    Subject subject = {.standing = {.held = true}};
    if (!world_read(tools, &world, err) ||
        !rows_by_key(tools->store, provider, table, row_key, true, tools->arena, &subject.rows,
                     &subject.row_count, err))
        return false;
    if (!subject.row_count)
        return error_set(err, ERROR_DATA, "explain.unknown",
                         "cannot find a person's row of this table with this key");
    subject.feed = subject.rows[0].feed;
    subject.standing.person = subject.rows[0].person;
    if (!read_person(&world, &subject, err) ||
        !explain_subject(&world, &subject, month, &answers, err))
        return false;
    *ret = answers.items;
    *ret_count = answers.count;
    return true;
}

bool explain_submission(const ExplainTools *tools, int64_t id, Explanation *ret, Error *err)
{
    World world;
    SubmissionInfo info;
    if (!world_read(tools, &world, err) ||
        !submission_get(tools->store, id, tools->arena, &info, err))
        return false;
    ExplainFacts facts = {.held = true, .rows = true, .in_newest = true};
    facts.in_accepted = info.state == SUBMISSION_ACCEPTED;
    world_month(&world, info.provider, info.period, &facts);
    if (!world_submission(&world, &info, &facts, err))
        return false;
    *ret = (Explanation){
        .provider = info.provider, .first_month = info.period, .last_month = info.period};
    world_describe(&world, &facts, &info, ret);
    ret->accepted = facts.in_accepted ? id : 0;
    return true;
}

bool explain_month(const ExplainTools *tools, const char *provider, Month month, Explanation *ret,
                   Error *err)
{
    World world;
    ExplainFacts facts = {.held = true, .rows = true};
    if (!world_read(tools, &world, err))
        return false;
    const SubmissionInfo *newest = world_newest(&world, provider, month);
    world_month(&world, provider, month, &facts);
    if (newest && !world_submission(&world, newest, &facts, err))
        return false;
    /* What a feed has not told yet may belong to any month. */
    facts.to_build |= !facts.feeds_complete;
    facts.in_newest = newest && newest->state != SUBMISSION_SUPERSEDED && !facts.to_build;
    facts.in_accepted = facts.in_newest && newest->state == SUBMISSION_ACCEPTED;
    *ret = (Explanation){.provider = provider, .first_month = month, .last_month = month};
    world_describe(&world, &facts, newest, ret);
    return true;
}
