/* SPDX-License-Identifier: Apache-2.0 */
/* The control: how a test, or a person with curl, tells the sandbox what to do. Plain HTTP on
 * loopback, no token. */
#ifndef SANDBOX_CONTROL_H
#define SANDBOX_CONTROL_H

#include "tests/sandbox/feed.h"
#include "tests/sandbox/receiver.h"

typedef struct Control {
    Feed *feed;
    Receiver *receiver;
} Control;

/* The handler of the HTTP server; `user` is the Control. */
void control_handle(void *user, const HttpRequest *request, HttpAnswer *answer);

#endif
