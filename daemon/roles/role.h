/* SPDX-License-Identifier: Apache-2.0 */
/* A role: one loop, one process.
 *
 * mhsflowd without --role starts and watches all of them; --role NAME is one.
 * role_wait() is the only place where a role waits: for a time, a file
 * descriptor, a stop signal or a reload.  systemd's watchdog is fed there, because
 * a loop that comes round to its wait is alive, and by role_progress() within long
 * work, which must call it only when something was really done.
 *
 * Signals are blocked and read from a descriptor: a role that starts a child of
 * another program must call role_child_signals() in the child first. */
#pragma once

#include "daemon/config/config.h"

#include <stdint.h>

typedef struct RoleContext RoleContext;

typedef struct Role {
    const char *name;    /* "poll" */
    const char *summary; /* one line */
    bool needs_database, needs_network, needs_keys;
    bool (*run)(RoleContext *context,
                Error *err); /* until role_stopping(); false ends the process */
} Role;

extern const Role role_database, role_poll, role_map, role_build, role_submit, role_sign, role_seal,
    role_console;
const Role *const *role_all(size_t *ret_count); /* in the order they start */

const Config *role_config(RoleContext *context);
const char *role_settings_path(const RoleContext *context);
bool role_stopping(const RoleContext *context);

typedef enum RoleWake { ROLE_TIMEOUT, ROLE_READABLE, ROLE_STOP, ROLE_RELOAD } RoleWake;
/* Wait at most `milliseconds` (-1: no end), or until `fd` (-1: none) can be read. */
RoleWake role_wait(RoleContext *context, int64_t milliseconds, int fd);
void role_ready(RoleContext *context);    /* sd_notify READY=1, once */
void role_progress(RoleContext *context); /* real work was done within a long step */
void role_child_signals(void); /* between fork and exec: signals as a program expects them */

/* Start one role in this process (main.c), or all of them as children (supervisor.c).  The exit
 * code. */
int role_main(const Role *role, const char *settings_path);
int supervisor_main(const char *program, const char *settings_path);
