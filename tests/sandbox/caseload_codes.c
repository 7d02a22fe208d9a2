/* SPDX-License-Identifier: Apache-2.0 */
/* The code lists that the feed publishes: local labels and the national codes they stand for. */
#include <string.h>

#include "tests/sandbox/caseload.h"
#include "tests/sandbox/json_writer.h"

typedef struct CodeRow {
    const char *list, *local, *national;
} CodeRow;

const char *const caseload_code_list_names[] = {
    "attendance", "contact_medium", "end_reason", "ethnicity", "reason_primary", "source", NULL};

static const CodeRow rows[] = {
    {"attendance", "Attended", "5"},
    {"attendance", "Did not Attend", "3"},
    {"attendance", "Cancelled By Client", "2"},
    {"attendance", "Cancelled By Professional", "4"},
    {"contact_medium", "Face to Face", "01"},
    {"contact_medium", "Telephone", "02"},
    {"contact_medium", "Email", "05"},
    {"contact_medium", "Text Message (Asynchronous)", "09"},
    {"contact_medium", "Video consultation", "11"},
    {"contact_medium", "Other (not listed)", "98"},
    {"end_reason", "Planned ending met outcomes at Review Point", "02"},
    {"end_reason", "Treatment completed", "02"},
    {"end_reason", "Client disengages", "05"},
    {"end_reason", "Client did not attend", "05"},
    {"end_reason", "Client requested discharge", "07"},
    {"end_reason", "No further treatment required", "04"},
    {"end_reason", "Referred to other speciality/service", "08"},
    {"ethnicity", "Gypsy/Roma/Traveller", "C"},
    {"ethnicity", "Central and Eastern European", "C"},
    {"ethnicity", "Arab", "S"},
    {"ethnicity", "Latin America", "S"},
    {"reason_primary", "Anxiety", "05"},
    {"reason_primary", "Depression", "04"},
    {"reason_primary", "Post-traumatic stress disorder", "11"},
    {"reason_primary", "Relationship difficulties", "19"},
    {"reason_primary", "In crisis", "18"},
    {"reason_primary", "Self harm behaviours", "15"},
    {"reason_primary", "Adjustment to health issues", "23"},
    {"reason_primary", "Ongoing or Recurrent Psychosis", "02"},
    {"reason_primary", "Drug and alcohol difficulties", "09"},
    {"reason_primary", "Personality disorders", "14"},
    {"reason_primary", "Employment Support", "31"},
    {"source", "Primary Health Care: General Medical Practitioner Practice", "A1"},
    {"source", "Other Primary Health Care", "A3"},
    {"source", "Self-Referral: Self", "B1"},
    {"source", "Self-Referral: Carer/Relative", "B2"},
    {"source", "Local Authority and Other Public Services: Social Services", "C1"},
    {"source", "Local Authority and Other Public Services: Housing Service", "C3"},
    {"source", "Justice System: Police", "E1"},
};

bool caseload_code_list(const char *name, Buffer *out)
{
    size_t at = 0;
    while (caseload_code_list_names[at] != NULL && strcmp(caseload_code_list_names[at], name) != 0)
        at++;
    if (caseload_code_list_names[at] == NULL)
        return false;
    put_open(out, NULL, '{');
    put_text(out, "name", name);
    put_text(out, "version", "2026-04");
    put_open(out, "codes", '[');
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        if (strcmp(rows[i].list, name) != 0)
            continue;
        put_open(out, NULL, '{');
        put_text(out, "local", rows[i].local);
        put_text(out, "label", rows[i].local);
        put_text(out, "national", rows[i].national);
        put_close(out, '}');
    }
    put_close(out, ']');
    put_close(out, '}');
    return true;
}
