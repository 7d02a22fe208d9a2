/* SPDX-License-Identifier: Apache-2.0 */
/* The caseload as a full CSV drop: one file for each type, a manifest, a hash beside. */
#include <string.h>
#include <sys/stat.h>

#include "tests/sandbox/calendar.h"
#include "tests/sandbox/export.h"

/* The columns of a file; COLUMN=PATH where the record has it elsewhere. */
static const struct {
    const char *file;
    RecordType type;
    const char *columns;
} files[] = {
    {"organisations", TYPE_ORGANISATION,
     "id name ods_code role parent_id=parent lots submits_mhsds submitting_org_id=submitting_org "
     "active_from active_to"},
    {"teams", TYPE_TEAM, "id org_id=org name mh_team_type age_group area_id=area"},
    {"workers", TYPE_WORKER, "id org_id=org job_role staff_group lived_experience active"},
    {"people", TYPE_PERSON,
     "id global_id nhs_number nhs_number_status birth_date postcode_outward postcode gp_practice "
     "pcn "
     "lot gender_identity gender_same_as_birth ethnicity religion sexual_orientation "
     "marital_status "
     "main_language interpreter_needed accommodation accommodation_date=accommodation.recorded_on "
     "employment employment_date=employment.recorded_on armed_forces carer died_on"},
    {"consents", TYPE_CONSENT,
     "id person_id=person purpose status basis valid_from valid_to method notice_version"},
    {"referrals", TYPE_REFERRAL,
     "id person_id=person org_id=org team_id=team lot pcn received_date received_time source "
     "reason_primary reasons_other priority commissioner status accepted_date rejected_date "
     "rejected_reason support_start_date support_end_date end_reason end_direction "
     "subcontracted_to"},
    {"contacts", TYPE_CONTACT,
     "id referral_id=referral date time utc_offset duration_min medium attendance cancel_date "
     "cancel_reason worker_id=worker team_id=team location_type interpreter_present administrative "
     "indirect group_session_id=group_session themes"},
    {"interventions", TYPE_INTERVENTION,
     "id contact_id=contact referral_id=referral code snomed duration_min"},
    {"goals", TYPE_GOAL, "id referral_id=referral number theme set_date status closed_date"},
    {"care_plans", TYPE_CARE_PLAN,
     "id person_id=person referral_id=referral type created_date updated_date "
     "agreed_by=agreed_by.who agreed_date=agreed_by.date review_date actions_total actions_done"},
    {"diagnoses", TYPE_DIAGNOSIS,
     "id person_id=person referral_id=referral source scheme code diagnosed_on primary"},
    {"circumstances", TYPE_CIRCUMSTANCE,
     "id person_id=person referral_id=referral factor snomed noted_on resolved_on exacerbating"},
    {"onwards", TYPE_ONWARD,
     "id referral_id=referral date to_kind to_org direction reason outcome"},
    {"unmet_needs", TYPE_UNMET_NEED, "id referral_id=referral pcn date need cause resolved"},
    {"group_sessions", TYPE_GROUP_SESSION, "id org_id=org date duration_min type participants"},
};

typedef struct Sheet {
    Buffer text;
    const char *columns;
    unsigned rows;
} Sheet;

/* The next word of the columns, split at its =; NULL at the end. */
static const char *next_column(const char *at, char name[64], char path[64])
{
    char word[64];
    size_t size = strcspn(at, " ");
    if (size == 0)
        return NULL;
    (void)snprintf(word, sizeof word, "%.*s", (int)size, at);
    char *equals = strchr(word, '=');
    (void)snprintf(path, 64, "%s", equals != NULL ? equals + 1 : word);
    if (equals != NULL)
        *equals = '\0';
    (void)snprintf(name, 64, "%s", word);
    return at + size + strspn(at + size, " ");
}

static void write_header(Sheet *sheet)
{
    char name[64], path[64];
    const char *comma = "";
    for (const char *at = sheet->columns; (at = next_column(at, name, path)) != NULL; comma = ",")
        buffer_format(&sheet->text, "%s%s", comma, name);
    buffer_text(&sheet->text, "\r\n");
}

static void write_row(void *user, const json_t *record)
{
    Sheet *sheet = user;
    char name[64], path[64];
    const char *comma = "";
    for (const char *at = sheet->columns; (at = next_column(at, name, path)) != NULL; comma = ",") {
        BUFFER_AUTO value = {0};
        export_value(record, path, &value);
        buffer_text(&sheet->text, comma);
        export_field(&sheet->text, value.data);
    }
    buffer_text(&sheet->text, "\r\n");
    sheet->rows++;
}

/* Scores of a goal: rows of their own. */
static void write_scores(void *user, const json_t *record)
{
    Sheet *sheet = user;
    size_t index;
    json_t *score;
    json_array_foreach(json_object_get(record, "scores"), index, score)
    {
        buffer_format(&sheet->text, "S%u,%s,%s,", ++sheet->rows, export_text(record, "id"),
                      export_text(score, "date"));
        export_value(score, "score", &sheet->text);
        buffer_format(&sheet->text, ",%s\r\n", export_text(score, "point"));
    }
}

static void write_assessment_row(Sheet *sheet, const json_t *record, const json_t *item)
{
    static const char *const columns[] = {
        "id", "referral", "contact", "tool", "completed_at.date", "completed_at.time", "rater"};
    for (size_t i = 0; i < sizeof columns / sizeof columns[0]; i++) {
        export_value(record, columns[i], &sheet->text);
        buffer_char(&sheet->text, ',');
    }
    export_value(item, "item", &sheet->text);
    buffer_char(&sheet->text, ',');
    export_value(item, "score", &sheet->text);
    buffer_char(&sheet->text, ',');
    export_value(record, "total", &sheet->text);
    buffer_text(&sheet->text, "\r\n");
    sheet->rows++;
}

/* Long form: a row for each item, or one with the total. */
static void write_assessment(void *user, const json_t *record)
{
    size_t index;
    json_t *item;
    const json_t *items = json_object_get(record, "items");
    json_array_foreach((json_t *)(uintptr_t)items, index, item)
        write_assessment_row(user, record, item);
    if (json_array_size(items) == 0)
        write_assessment_row(user, record, NULL);
}

static bool finish(Sheet *sheet, const char *folder, const char *file, const char *generated_at,
                   Buffer *manifest)
{
    char name[40], hash[65];
    (void)snprintf(name, sizeof name, "%s.csv", file);
    export_hash(&sheet->text, hash);
    buffer_format(manifest, "sandbox,1,full,%s,,,%s,%u,%s\r\n", generated_at, name, sheet->rows,
                  hash);
    bool done = export_file(folder, name, &sheet->text);
    buffer_free(&sheet->text);
    return done;
}

static bool write_plain(const ChangeLog *log, const char *folder, const char *generated_at,
                        Buffer *manifest)
{
    bool done = true;
    for (size_t i = 0; i < sizeof files / sizeof files[0] && done; i++) {
        Sheet sheet = {.columns = files[i].columns};
        write_header(&sheet);
        export_each(log, files[i].type, write_row, &sheet);
        done = finish(&sheet, folder, files[i].file, generated_at, manifest);
    }
    return done;
}

static bool write_long(const ChangeLog *log, const char *folder, const char *generated_at,
                       Buffer *manifest)
{
    Sheet scores = {0}, assessments = {0};
    buffer_text(&scores.text, "id,goal_id,date,score,point\r\n");
    export_each(log, TYPE_GOAL, write_scores, &scores);
    buffer_text(&assessments.text,
                "id,referral_id,contact_id,tool,date,time,rater,item,score,total\r\n");
    export_each(log, TYPE_ASSESSMENT, write_assessment, &assessments);
    return finish(&scores, folder, "goal_scores", generated_at, manifest) &&
           finish(&assessments, folder, "assessments", generated_at, manifest);
}

int export_csv_drop(const ChangeLog *log, const char *out)
{
    CivilDate day = calendar_civil(log->plan.today);
    char generated_at[40], name[80], hash[65];
    BUFFER_AUTO folder = {0}, manifest = {0}, beside = {0};
    (void)snprintf(generated_at, sizeof generated_at, "%04d-%02d-%02dT23:00:00Z", day.year,
                   day.month, day.day);
    (void)snprintf(name, sizeof name, "mef1_sandbox_full_%04d%02d%02dT230000Z_1", day.year,
                   day.month, day.day);
    buffer_format(&folder, "%s/%s", out, name);
    (void)mkdir(out, 0755);
    (void)mkdir(folder.data, 0755);
    buffer_text(&manifest,
                "feed,schema,mode,generated_at,period_from,period_to,file,rows,sha256\r\n");
    bool done = write_plain(log, folder.data, generated_at, &manifest) &&
                write_long(log, folder.data, generated_at, &manifest) &&
                export_file(folder.data, "manifest.csv", &manifest);
    export_hash(&manifest, hash);
    buffer_format(&beside, "%s  manifest.csv\n", hash);
    buffer_text(&folder, ".sha256");
    if (!done || !buffer_write_file(folder.data, 0644, beside.data, beside.length)) {
        (void)fprintf(stderr, "mhsflow-sandbox: could not write below \"%s\"\n", out);
        return 3;
    }
    return 0;
}
