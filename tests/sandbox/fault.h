/* SPDX-License-Identifier: Apache-2.0 */
/* The misbehaviour that was asked for: which request gets which fault, how often. */
#ifndef SANDBOX_FAULT_H
#define SANDBOX_FAULT_H

#include "tests/sandbox/buffer.h"

#define FAULT_ACTIONS(X)                                                                           \
    X(NONE, "none")                                                                                \
    X(STATUS, "status")                     /* answer `status`, with `retry_after` */              \
    X(STALL, "stall")                       /* say nothing for `seconds`, then reset */            \
    X(RESET, "reset")                       /* RST; behind `after_bytes` of the body */            \
    X(CLOSE_AFTER_BODY, "close_after_body") /* read everything, do nothing, close */               \
    X(LOSE_ANSWER, "lose_answer")           /* do everything, then close instead of answering */   \
    X(TRUNCATE, "truncate")                 /* close behind `after_bytes` of the answer */         \
    X(STALL_ANSWER, "stall_answer")         /* stall behind `after_bytes` of the answer */         \
    X(GARBAGE, "garbage")                   /* an HTML page with status 200 */                     \
    X(LIE_ACCEPT, "lie_accept")             /* receiver: say accepted, keep nothing */             \
    X(PENDING, "pending")                   /* receiver: 202, the answer comes by /settle */       \
    X(SLOW, "slow")                         /* receiver: decide only after `seconds` */            \
    X(REFUSE, "refuse")                     /* receiver: 422 with one finding */                   \
    X(DROP_TRAILER, "drop_trailer")         /* feed: the page's last line is missing */            \
    X(WRONG_COUNT, "wrong_count")           /* feed: the trailer counts one too many */            \
    X(BAD_GZIP, "bad_gzip")                 /* feed: the compressed bytes are damaged */

typedef enum FaultAction {
#define X(name, text) FAULT_##name,
    FAULT_ACTIONS(X)
#undef X
        FAULT_COUNT
} FaultAction;

extern const char *const fault_action_names[FAULT_COUNT];

typedef struct Fault {
    FaultAction action;
    unsigned status;
    char retry_after[40]; /* "" = none */
    uint64_t after_bytes; /* UINT64_MAX = not given */
    uint32_t seconds;
} Fault;

/* Takes a rule, or an array of rules, as JSON text; all or none. *ret_why is a static text. */
bool fault_add(const char *json, size_t length, const char **ret_why);
void fault_clear(void);
/* How many rules there are. */
size_t fault_count(void);
/* Decides about one request (path without the base, as "/submissions"); counts the rule down. */
Fault fault_match(const char *target, const char *method, const char *path);
/* Waits, at most that long; ends early when all rules are cleared or the program stops. */
void fault_stall(uint32_t seconds);
void fault_stop(void);

#endif
