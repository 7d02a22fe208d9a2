/* SPDX-License-Identifier: Apache-2.0 */
/* The command line of mhsflow-sandbox. */
#ifndef SANDBOX_OPTIONS_H
#define SANDBOX_OPTIONS_H

#include "tests/sandbox/caseload.h"

typedef struct Options {
    const char *command;
    CaseloadPlan plan;
    bool today_given;
    uint32_t tail;     /* how many changes at the end are hidden at the start; UINT32_MAX = those
                          recorded on today */
    const char *order; /* generate: "time" or "person" */
    const char *state;
    const char *out;
    const char *format; /* generate: "ndjson", "csv-drop" or "mymup" */
    const char *sender_certificate;
    const char *xsd;
    const char *token_file;
    uint16_t feed_port, receiver_port, control_port;
    uint32_t speed; /* hidden changes revealed a second; 0 = by the control only */
    uint32_t rate;  /* feed requests a minute; 0 = no limit */
} Options;

/* Prints what is wrong, or the help, itself. 0 = go on, 1 = help was asked for, 2 = wrong. */
int options_parse(int argc, char **argv, Options *ret_options);

#endif
