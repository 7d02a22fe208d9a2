/* SPDX-License-Identifier: Apache-2.0 */
/* From rows to a submission. */
#include "daemon/pipeline/build.h"

#include "daemon/base/clock.h"
#include "daemon/base/fault.h"
#include "daemon/base/text.h"
#include "daemon/dataset/document.h"
#include "daemon/pipeline/build_pass.h"
#include "daemon/store/restoration.h"

#include <stdio.h>
#include <string.h>

/* Each pass leaves out what the one before made fall; national cascades are three tables deep, and
 * leaving out can break no more than one rule about what must be there.  More is a bug, not a
 * month. */
#define MOST_PASSES 8
#define PASS_CAP ((size_t)256 << 20)
#define MOST_NAMED 2000 /* findings that name the very record; of more, the person is named */

static const char *london_now(Arena *arena)
{
    int64_t wall = clock_wall();
    int64_t local = wall / CLOCK_SECOND + civil_london_offset_minutes(wall) * 60;
    char date[CIVIL_TEXT_SIZE];
    int seconds = (int)(local % 86400);
    return arena_format(arena, "%sT%02d:%02d:%02d", civil_format_day(civil_london_day(wall), date),
                        seconds / 3600, seconds / 60 % 60, seconds % 60);
}

/* A change that came before the generation was raised is not going to be marked again. */
static bool references_are_current(const BuildTools *tools, Error *err)
{
    bool current = true;
    if (tools->current && !tools->current(tools->current_context, &current, err))
        return false;
    return current || error_set(err, ERROR_LATER, "build.references",
                                "could not build a month: teams, workers or organisations changed "
                                "meanwhile");
}

/* Whose rows hold although their gate is closed; mostly nobody. */
static bool read_closed(BuildPass *pass, const BuildPolicy *policy, Error *err)
{
    bool consent = strcmp(policy->legal_basis, "legal_obligation") != 0 &&
                   strcmp(policy->legal_basis, "public_task") != 0;
    const char **closed;
    if (!rows_closed_people(pass->tools->store, pass->provider->code, pass->month, pass->generation,
                            (int)pass->tools->dataset->person->index, consent, pass->arena, &closed,
                            &pass->closed_count, err))
        return false;
    pass->closed = closed;
    return true;
}

/* Write the file until nothing falls any more. */
static bool write_document(BuildPass *pass, SpoolFile *file, const char *name, Error *err)
{
    const BuildPass fresh = *pass;
    for (int i = 0; i < MOST_PASSES; i++) {
        *pass = fresh;
        if (!spool_file_open(file, pass->tools->spool, name, pass->arena, err) ||
            !build_pass(pass, file, err))
            return false;
        if (!exclusions_settle(pass->exclusions))
            return true;
        spool_file_close(file);
    }
    return error_set(err, ERROR_BUG, "build.passes",
                     "leaving rows out does not come to an end after %d passes", MOST_PASSES);
}

/* Of `people`, the floor's share: what so many of them have on average. */
static bool shrank(int64_t before, int64_t now, int64_t people, const BuildPolicy *policy)
{
    int64_t lost = before - now;
    return before > 0 && lost * 100 > before * policy->shrink_percent &&
           (lost * 2 > before || lost * people > policy->shrink_floor * before);
}

/* Why a person must look before this goes out; NULL: nobody needs to. */
static const char *held_reason(const BuildPass *pass, const BuildPolicy *policy,
                               const SubmissionInfo *accepted)
{
    const SubmissionCounts *was = &accepted->counts, *is = &pass->counts;
    if (pass->exclusions->refused)
        return "file_findings";
    if (accepted->id && (shrank(was->people, is->people, was->people, policy) ||
                         shrank(was->referrals, is->referrals, was->people, policy) ||
                         shrank(was->contacts, is->contacts, was->people, policy)))
        return "shrunk";
    if (strcmp(policy->release, "manual") == 0 ||
        (strcmp(policy->release, "approve") == 0 && !accepted->id))
        return "approval";
    return NULL;
}

/* From a row to the record and field that made the element which is at fault. */
static bool name_record(const RowTrace *trace, Finding *finding, Arena *arena, Error *err)
{
    LineageEntry *entries;
    size_t count;
    if (!mapping_lineage_read(trace->lineage, arena, &entries, &count, err))
        return false;
    for (size_t i = 0; i < count; i++) {
        bool at_fault = text_equal(entries[i].element, finding->element);
        if (!entries[i].record_type || (finding->element && !at_fault))
            continue;
        finding->record_type = entries[i].record_type;
        finding->record_id = entries[i].record_id;
        finding->field = at_fault ? entries[i].field : NULL;
        return true;
    }
    return true;
}

/* What fell by its own fault leads to the record that a person must correct. */
static bool name_records(const BuildPass *pass, Error *err)
{
    for (size_t i = 0, named = 0; i < pass->left_out_count && named < MOST_NAMED; i++) {
        LeftOut *left_out = &pass->left_out[i];
        Finding *finding = &left_out->finding;
        RowTrace *traces;
        size_t count;
        if (!left_out->row || finding->cause_rule)
            continue;
        named++;
        if (!arena_check(pass->arena, err) ||
            !rows_by_key(pass->tools->store, finding->provider, finding->table, finding->row_key,
                         true, pass->arena, &traces, &count, err))
            return false;
        for (size_t j = 0; j < count; j++)
            if (traces[j].id == left_out->row && traces[j].lineage &&
                !name_record(&traces[j], finding, pass->arena, err))
                return false;
    }
    return true;
}

/* Findings of the file as a whole, and of the rows without a person. */
static Finding *file_findings(const BuildPass *pass, size_t *ret_count)
{
    size_t count = 0;
    Finding *all =
        arena_array(pass->arena, pass->exclusions->file_count + pass->findings.count, sizeof *all);
    for (size_t i = 0; i < pass->exclusions->file_count; i++) {
        const CheckFinding *found = &pass->exclusions->file[i];
        all[count++] = (Finding){.rule = found->rule->id,
                                 .severity = severity_name(found->rule->severity),
                                 .table = found->table ? found->table->code : NULL,
                                 .element = found->element ? found->element->name : NULL,
                                 .message = found->rule->message,
                                 .remedy = found->rule->remedy};
    }
    for (size_t i = 0; i < pass->findings.count; i++) {
        const MapFinding *found = &pass->findings.items[i];
        const Record *record = found->record;
        all[count++] = (Finding){.rule = found->kind->code,
                                 .severity = severity_name(found->kind->severity),
                                 .feed = record ? record->feed : NULL,
                                 .record_type = record ? record->type : NULL,
                                 .record_id = record ? record->id : NULL,
                                 .org = record ? record->org : NULL,
                                 .field = found->field,
                                 .table = found->table ? found->table->code : NULL,
                                 .element = found->element ? found->element->name : NULL,
                                 .message = found->kind->message,
                                 .remedy = found->kind->remedy};
    }
    for (size_t i = 0; i < count; i++) {
        all[i].source = FINDING_BUILD;
        all[i].provider = pass->provider->code;
        all[i].first_month = all[i].last_month = pass->month;
    }
    *ret_count = count;
    return all;
}

/* Two builders at the same month: who decided on what is no longer the newest decides again. */
static bool lock_unchanged(const BuildPass *pass, int64_t newest_seen, Error *err)
{
    const BuildTools *tools = pass->tools;
    int64_t newest, built;
    if (!submission_lock_month(tools->store, tools->dataset->name, pass->provider->code,
                               pass->month, &newest, &built, err))
        return false;
    return (newest == newest_seen && built <= pass->generation) ||
           error_set(err, ERROR_LATER, "build.overtaken",
                     "could not keep what was built: somebody else built the month meanwhile");
}

static bool queue(const BuildPass *pass, const BuildPolicy *policy, int64_t newest_seen,
                  SpoolFile *file, const char *name, const char *held, BuildResult *ret, Error *err)
{
    const BuildTools *tools = pass->tools;
    size_t finding_count;
    Finding *findings = file_findings(pass, &finding_count);
    SubmissionNew new = {.data_set = tools->dataset->name,
                         .provider = pass->provider->code,
                         .period = pass->month,
                         .generation = pass->generation,
                         .held_reason = held,
                         .route = policy->route,
                         .legal_basis = policy->legal_basis,
                         .deadline = calendar_deadline(tools->calendar, pass->month, clock_wall()),
                         .document_created = pass->created_at,
                         .document_digest = pass->document_digest,
                         .content_digest = pass->content_digest,
                         .document_size = file->size,
                         .counts = pass->counts,
                         .pack_version = tools->dataset->version,
                         .format_version = DOCUMENT_FORMAT,
                         .mapping_version = mapping_version(tools->mapping),
                         .program_version = MHSFLOW_VERSION,
                         .spool_name = name,
                         .rows = pass->rows,
                         .row_count = pass->row_count,
                         .left_out = pass->left_out,
                         .left_out_count = pass->left_out_count,
                         .findings = findings,
                         .finding_count = finding_count};
    _cleanup_transaction_ Transaction transaction = {0};
    if (!name_records(pass, err) || !store_begin(tools->store, &transaction, err) ||
        !lock_unchanged(pass, newest_seen, err) ||
        !submission_insert(tools->store, &new, &ret->submission, &ret->revision, err) ||
        !month_built(tools->store, new.provider, new.period, new.generation, err) ||
        !spool_file_rename(file, err))
        return false;
    FAULT(BUILD_BEFORE_COMMIT);
    if (!store_commit(&transaction, err))
        return false;
    FAULT(BUILD_AFTER_COMMIT);
    ret->outcome = held ? BUILD_HELD : BUILD_QUEUED;
    ret->reason = held;
    ret->counts = pass->counts;
    ret->left_out = pass->left_out_count;
    return true;
}

/* Nothing to queue: the month is as built as it can be. */
static bool settle_without(const BuildPass *pass, int64_t newest_seen, BuildOutcome outcome,
                           BuildResult *ret, Error *err)
{
    _cleanup_transaction_ Transaction transaction = {0};
    ret->outcome = outcome;
    return store_begin(pass->tools->store, &transaction, err) &&
           lock_unchanged(pass, newest_seen, err) &&
           month_built(pass->tools->store, pass->provider->code, pass->month, pass->generation,
                       err) &&
           store_commit(&transaction, err);
}

/* Is this what stands already: the newest revision; or, when the gate took that one back, what the
 * receiver has? */
static bool is_same(const BuildPass *pass, const SubmissionInfo *accepted,
                    const SubmissionInfo *newest)
{
    const SubmissionInfo *stands = newest->state == SUBMISSION_SUPERSEDED ? accepted : newest;
    return stands->id && memcmp(stands->content_digest, pass->content_digest, DIGEST_SIZE) == 0;
}

static bool decide(const BuildPass *pass, const BuildPolicy *policy, SpoolFile *file,
                   const char *name, BuildResult *ret, Error *err)
{
    const BuildTools *tools = pass->tools;
    SubmissionInfo accepted = {0}, newest = {0};
    if (!submission_last(tools->store, tools->dataset->name, pass->provider->code, pass->month,
                         pass->arena, &accepted, &newest, err))
        return false;
    if (!pass->counts.people && !pass->left_out_count && !newest.id)
        return settle_without(pass, newest.id, BUILD_EMPTY, ret, err);
    if (newest.id && is_same(pass, &accepted, &newest))
        return settle_without(pass, newest.id, BUILD_SAME, ret, err);
    const char *held = held_reason(pass, policy, &accepted);
    bool restored;
    if (!restoration_holds(tools->store, tools->dataset->name, pass->provider->code, pass->month,
                           &restored, err))
        return false;
    held = !held && restored ? "restored" : held;
    const char *xsd =
        arena_format(pass->arena, "%s/%s.xsd", tools->dataset->folder, tools->dataset->name);
    /* One that waits for a person is released as it is; only what is refused anyway may be wrong.
     */
    if (!pass->exclusions->refused && !schema_validate_file(xsd, file->beside, err))
        return error_wrap(err, "check the document that was built");
    return queue(pass, policy, newest.id, file, name, held, ret, err);
}

bool build_month(const BuildTools *tools, const BuildPolicy *policy,
                 const ProviderSettings *provider, Month month, Arena *arena, BuildResult *ret,
                 Error *err)
{
    _cleanup_arena_ Arena *work = arena_new(PASS_CAP);
    Exclusions exclusions = exclusions_new(tools->dataset->header, work);
    SpoolFile file = {.fd = -1};
    char period[CIVIL_TEXT_SIZE];
    BuildPass pass = {.tools = tools,
                      .provider = provider,
                      .month = month,
                      .exclusions = &exclusions,
                      .arena = work,
                      .created_at = london_now(work)};
    *ret = (BuildResult){0};
    if (!provider_raise(tools->store, provider->code, &pass.generation, err))
        return false;
    FAULT(BUILD_AFTER_GENERATION);
    if (!references_are_current(tools, err) || !read_closed(&pass, policy, err))
        return false;
    const char *name =
        arena_format(work, "%s-%s-%s-g%lld.xml", tools->dataset->name, provider->code,
                     civil_format_month(month, period), (long long)pass.generation);
    bool done = write_document(&pass, &file, name, err);
    FAULT(BUILD_AFTER_SPOOL);
    done = done && decide(&pass, policy, &file, name, ret, err);
    spool_file_close(&file);
    ret->reason = arena_text(arena, ret->reason);
    return done;
}
