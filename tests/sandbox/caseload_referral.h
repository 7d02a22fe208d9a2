/* SPDX-License-Identifier: Apache-2.0 */
/* Inside the generator: a referral and its contacts while they are being written. */
#ifndef SANDBOX_CASELOAD_REFERRAL_H
#define SANDBOX_CASELOAD_REFERRAL_H

#include "tests/sandbox/caseload_case.h"

enum { STEADY_GAP = 7, ITEMS_PER_REFERRAL = 1000 };

/* Fields of a referral's and of a contact's draw. */
enum {
    F_TIME,
    F_SOURCE,
    F_REASON,
    F_OTHER,
    F_TEAM,
    F_COMMISSIONER,
    F_REJECTED,
    F_NEVER_SEEN,
    F_COUNT,
    F_FIRST,
    F_GAP,
    F_ENDED,
    F_END_REASON,
    F_END_GAP,
    F_WORKER,
    F_MEDIUM,
    F_ATTENDANCE,
    F_DURATION,
    F_DURATION_GAP,
    F_DELAY,
    F_EDIT,
    F_LATE_EDIT,
    F_DELETE,
    F_INTERVENTION,
    F_CODE,
    F_THEME,
    F_LOCATION,
    F_PRIORITY,
};

typedef struct Referral {
    uint32_t which;
    uint32_t slot;
    char id[RECORD_ID_SIZE];
    int32_t received;
    int32_t accepted;
    int32_t support_start; /* 0 = none yet */
    int32_t ended;         /* 0 = open */
    bool rejected;
    const char *team; /* NULL = blank */
    const char *end_reason;
} Referral;

typedef struct Contact {
    uint32_t slot;
    char id[RECORD_ID_SIZE];
    uint32_t item;
    int32_t day;
    int minutes;
    const char *utc_offset;
    const char *attendance;
    const char *medium;
    int duration;
    bool duration_known;
    int64_t recorded;
    uint32_t intervention; /* its slot; UINT32_MAX = none */
} Contact;
/* "C0000004A012": the letter of the type, the person, which referral, and a number unless it is
 * negative. */
void referral_make_id(char id[RECORD_ID_SIZE], char letter, uint32_t person, char which,
                      int number);
/* Day 0 is written as null. */
void referral_put_day(Buffer *out, const char *key, int32_t day);

void contact_draw(Case *c, const Referral *r, int number, int32_t day, Contact *ret_contact);
void contact_write(Case *c, const Referral *r, const Contact *k, int64_t ms);
/* All contacts of a referral with what is done in them; fills `contacts` (CASE_CONTACTS) and says
 * how many. */
uint32_t contacts_write(Case *c, Referral *r, Contact *contacts);

#endif
