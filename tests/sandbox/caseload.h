/* SPDX-License-Identifier: Apache-2.0 */
/* The made-up caseload: who exists in it, and every change that was ever made to a record.
 *
 * Nothing here is drawn from a real person: NHS numbers come from the 999 range, postcodes have
 * inward letters that no postcode has (C I K M O V), there are no names. A caseload is a pure
 * function of its plan; caseload_person() gives the whole history of one person without looking at
 * any other, so a caseload of any size can be streamed. */
#ifndef SANDBOX_CASELOAD_H
#define SANDBOX_CASELOAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct Buffer;

#define RECORD_TYPES(X)                                                                            \
    X(ORGANISATION, "organisation")                                                                \
    X(AREA, "area")                                                                                \
    X(TEAM, "team")                                                                                \
    X(WORKER, "worker")                                                                            \
    X(PERSON, "person")                                                                            \
    X(CONSENT, "consent")                                                                          \
    X(REFERRAL, "referral")                                                                        \
    X(CONTACT, "contact")                                                                          \
    X(INTERVENTION, "intervention")                                                                \
    X(GOAL, "goal")                                                                                \
    X(ASSESSMENT, "assessment")                                                                    \
    X(CARE_PLAN, "care_plan")                                                                      \
    X(DIAGNOSIS, "diagnosis")                                                                      \
    X(CIRCUMSTANCE, "circumstance")                                                                \
    X(ONWARD, "onward")                                                                            \
    X(UNMET_NEED, "unmet_need")                                                                    \
    X(GROUP_SESSION, "group_session")                                                              \
    X(CASE_STUDY, "case_study") /* of the contract; this caseload has none */

typedef enum RecordType {
#define X(name, text) TYPE_##name,
    RECORD_TYPES(X)
#undef X
        TYPE_COUNT
} RecordType;

extern const char *const record_type_names[TYPE_COUNT];
/* TYPE_COUNT when there is no such type. */
RecordType record_type_find(const char *name);

#define CASELOAD_PROFILES(X)                                                                       \
    X(CLEAN, "clean")     /* everything known, every consent given: nothing to find */             \
    X(TYPICAL, "typical") /* the gaps and slips of a voluntary-sector caseload */                  \
    X(DIRTY, "dirty")     /* three times the gaps, and values no rule lets through */              \
    X(HOSTILE, "hostile") /* dirty, with text meant to break whoever prints it or puts it into     \
                             XML, CSV or SQL */

typedef enum CaseloadProfile {
#define X(name, text) PROFILE_##name,
    CASELOAD_PROFILES(X)
#undef X
        PROFILE_COUNT
} CaseloadProfile;

extern const char *const caseload_profile_names[PROFILE_COUNT];

enum { CASELOAD_PEOPLE_LEAST = 20, CASELOAD_PEOPLE_MOST = 2200000, CASELOAD_MONTHS_MOST = 24 };

typedef struct CaseloadPlan {
    uint64_t seed;
    uint32_t people;
    int32_t today;   /* civil day in England; activity lies in the `months` months before its month,
                        and in its month until yesterday */
    uint32_t months; /* 0: three */
    CaseloadProfile profile;
} CaseloadPlan;

typedef enum ChangeOp { CHANGE_UPSERT, CHANGE_DELETE, CHANGE_MERGE } ChangeOp;

enum { RECORD_ID_SIZE = 16 };

/* One change. The text is the JSON of a feed line from `"op"` on, closing brace included; only the
 * sequence number is missing. */
typedef struct CaseloadChange {
    int64_t recorded_at; /* milliseconds since 1970; changes recorded on `today` itself are the ones
                            the sandbox reveals late */
    RecordType type;
    ChangeOp op;
    uint32_t version;
    char id[RECORD_ID_SIZE];
    char merged[RECORD_ID_SIZE]; /* of a merge: the person who is no more; else "" */
    const char *text;            /* valid during the call only */
    size_t length;
} CaseloadChange;

typedef void CaseloadSink(void *user, const CaseloadChange *change);

/* Why a record is meant to raise a finding: told by `truth`, so that a test can look for exactly
 * these. */
typedef void CaseloadFaultSink(void *user, const char *fault, RecordType type, const char *id);

/* Organisations, areas, teams, workers, group sessions. */
void caseload_reference(const CaseloadPlan *plan, CaseloadSink *sink, void *user);
/* Everything about one person (0 … people-1), in the order in which it was recorded. `faults` may
 * be NULL. */
void caseload_person(const CaseloadPlan *plan, uint32_t index, CaseloadSink *sink,
                     CaseloadFaultSink *faults, void *user);

uint32_t caseload_months(const CaseloadPlan *plan); /* before the month of today */
/* The first day of the first month of activity. */
int32_t caseload_first_day(const CaseloadPlan *plan);
/* Where the late changes begin: midnight (UTC) of `today`. */
int64_t caseload_cut(const CaseloadPlan *plan);

/* Appends one code list as JSON text ({"name":…,"version":…,"codes":[…]}); false when there is none
 * of that name. */
bool caseload_code_list(const char *name, struct Buffer *out);
/* The names, NULL at the end. */
extern const char *const caseload_code_list_names[];

#endif
