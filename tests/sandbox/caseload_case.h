/* SPDX-License-Identifier: Apache-2.0 */
/* Inside the generator: one person's case while its history is being written. */
#ifndef SANDBOX_CASELOAD_CASE_H
#define SANDBOX_CASELOAD_CASE_H

#include "tests/sandbox/buffer.h"
#include "tests/sandbox/caseload.h"
#include "tests/sandbox/random.h"

enum { MS_PER_DAY = 86400000, MS_PER_MINUTE = 60000 };

/* What the case does after the cut: the late changes that a consumer sees only through the change
 * log. */
typedef enum LateKind {
    LATE_NONE,
    LATE_MERGE,      /* this person turns out to be the one with the index before */
    LATE_WITHDRAWAL, /* consent for mhsds is withdrawn */
    LATE_DELETION,   /* a contact was entered in error */
    LATE_EDIT,       /* a contact of an earlier month changes its attendance */
    LATE_NHS_NUMBER, /* tracing found the NHS number */
    LATE_CLOSURE,    /* the referral ends */
    LATE_CONTACT,    /* a contact of last month is entered now */
} LateKind;

typedef enum Organisation { ORG_LEAD_ONE, ORG_LEAD_TWO, ORG_PARTNER, ORG_COUNT } Organisation;
extern const char *const organisation_ids[ORG_COUNT];

/* What is drawn once for a person. A duplicate has the identity of another index. */
typedef struct PersonDraw {
    uint32_t index;
    uint32_t identity; /* whose NHS number, birth date and characteristics */
    Organisation org;
    const char *lot;
    const char *pcn;
    LateKind late;
    bool steady; /* consented, accepted, seen every week: keeps every month of every provider alive
                  */
    bool merges; /* a duplicate of the same organisation, merged in time or late */
    bool has_number;
    int32_t registered;
    uint32_t planted; /* which planted slip (PLANT_…), 0 = none */
} PersonDraw;

/* Slips planted by index, so that every caseload of some size has some of each. */
typedef enum Plant {
    PLANT_NONE = 0,
    PLANT_CHILD_FIRST = 5,        /* a contact recorded before its referral */
    PLANT_UNKNOWN_ATTENDANCE = 7, /* a local attendance code that no list has */
    PLANT_EARLY_CONTACT = 15,     /* a contact before the referral was received */
    PLANT_DISABILITY_TWICE = 23,  /* the same disability recorded twice */
    PLANT_ENTERED_TWICE = 31,     /* the same contact under two ids */
    PLANT_FUTURE_CONSENT = 39,    /* a refusal whose valid_from has not come */
    PLANT_END_BEFORE_START = 47,  /* a referral that ended before it was received */
    PLANT_UNKNOWN_TEAM = 50,      /* a team that no record describes */
    PLANT_MONTH_EDGE =
        58, /* 00:30 on the first of a month: another month in UTC while summer time lasts */
    PLANT_CLOCK_BACK = 60, /* in the hour that happens twice */
    PLANTS = 61,           /* a prime: it shares no rhythm with anything else that goes by index */
} Plant;

enum { CASE_SLOTS = 1024, CASE_CONTACTS = 240 };

/* One record of the case and what was said of it so far. */
typedef struct CaseSlot {
    RecordType type;
    char id[RECORD_ID_SIZE];
    uint32_t version;
    size_t text_start; /* of the latest record text, in Case.text */
    size_t text_length;
    bool deleted;
} CaseSlot;

typedef struct CaseStep {
    int64_t ms;
    uint32_t order;
    uint32_t slot;
    ChangeOp op;
    size_t text_start; /* upsert: the record; delete: the reason */
    size_t text_length;
} CaseStep;

typedef struct Case {
    const CaseloadPlan *plan;
    PersonDraw draw;
    int64_t cut;
    bool after_cut; /* late changes may be written */
    int64_t merge_ms;
    char person_id[RECORD_ID_SIZE];
    char survivor_id[RECORD_ID_SIZE];
    Buffer text;
    CaseSlot *slots;
    uint32_t slot_count;
    CaseStep *steps;
    uint32_t step_count;
    uint32_t step_capacity;
    CaseloadFaultSink *faults;
    void *user;
} Case;

uint64_t case_draw(const Case *c, RecordType type, uint32_t item, uint32_t field);
uint32_t case_below(const Case *c, RecordType type, uint32_t item, uint32_t field, uint32_t bound);
/* True in `per_mille` of 1000 draws; always false in the clean profile when it is a gap, three
 * times as often in dirty ones. */
bool case_gap(const Case *c, RecordType type, uint32_t item, uint32_t field, uint32_t per_mille);
bool case_planted(Case *c, Plant plant, const char *fault, RecordType type, const char *id);

/* In the dirty and hostile profiles now and then something else than `otherwise`; a date is NULL
 * when it stays clean. */
const char *case_dirty_text(const Case *c, RecordType type, uint32_t item, uint32_t field,
                            const char *otherwise);
const char *case_dirty_date(const Case *c, RecordType type, uint32_t item, uint32_t field);
int64_t case_dirty_number(const Case *c, RecordType type, uint32_t item, uint32_t field,
                          int64_t otherwise);

uint32_t case_slot(Case *c, RecordType type, const char *id);
/* Writes the record between begin and end; end drops it when `ms` is at or after the cut and the
 * case is not late yet. */
Buffer *case_begin(Case *c, uint32_t slot);
void case_end(Case *c, uint32_t slot, int64_t ms);
void case_delete(Case *c, uint32_t slot, int64_t ms, const char *reason);
/* An instant on a day: minutes after midnight UTC, and something that keeps instants apart. */
int64_t case_instant(const Case *c, int32_t day, int minutes);

void case_person_draw(const CaseloadPlan *plan, uint32_t index, PersonDraw *ret_draw);
void case_write_person(const CaseloadPlan *plan, const PersonDraw *draw, bool number_found,
                       Buffer *out);

/* The parts of a case, each in a file of its own. */
void case_person(Case *c);
void case_consents(Case *c);
void case_referral(Case *c, uint32_t which);
void case_outcomes(Case *c, uint32_t which, int32_t received, int32_t end, bool ended);
void case_context(Case *c, uint32_t which, int32_t received, int32_t end, bool ended);

#endif
