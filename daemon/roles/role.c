/* SPDX-License-Identifier: Apache-2.0 */
/* What every role shares: settings, signals, waiting, systemd's notifications. */
#include "daemon/roles/role.h"

#include "adapters/adapter.h"
#include "daemon/base/cleanup.h"
#include "daemon/base/clock.h"
#include "daemon/base/log.h"

#include <errno.h>
#include <limits.h>
#include <malloc.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <systemd/sd-daemon.h>

#define SETTINGS_CAP ((size_t)16 << 20)
#define IDLE_MS 500  /* a wait that long is idleness */
#define LONG_MS 5000 /* before one that long memory always goes back, else not more often than: */
#define TRIM_EVERY (10 * CLOCK_SECOND)
#define JUMP (60 * CLOCK_SECOND) /* drift is never that fast */

struct RoleContext {
    const Role *role;
    const char *settings_path;
    Arena *settings, *settings_before; /* the snapshot before stays: a loop may still look at it */
    const Config *config;
    int signals;
    int64_t watchdog, fed; /* microseconds: interval (0: none), and when it was last fed */
    int64_t trimmed;       /* when memory was last given back */
    int64_t apart;         /* wall clock less the steady one, when last looked; 0: not yet */
    bool stopping, ready, reloaded;
};

static const Role *const roles[] = {&role_database, &role_sign,   &role_poll, &role_map,
                                    &role_build,    &role_submit, &role_seal, &role_console};

const Role *const *role_all(size_t *ret_count)
{
    *ret_count = COUNT_OF(roles);
    return roles;
}

const Config *role_config(RoleContext *context)
{
    return context->config;
}

const char *role_settings_path(const RoleContext *context)
{
    return context->settings_path;
}

bool role_stopping(const RoleContext *context)
{
    return context->stopping;
}

static void feed_watchdog(RoleContext *context)
{
    int64_t now = clock_steady();
    if (!context->watchdog || now - context->fed < context->watchdog / 4)
        return;
    context->fed = now;
    sd_notify(0, "WATCHDOG=1");
}

/* The supervisor hands each child a pipe: one byte says that the role is up. */
static void tell_supervisor(void)
{
    const char *text = getenv("MHSFLOW_READY_FD");
    if (!text)
        return;
    int fd = (int)strtol(text, NULL, 10);
    if (write(fd, "1", 1) == 1)
        close(fd);
    unsetenv("MHSFLOW_READY_FD");
}

void role_ready(RoleContext *context)
{
    if (context->ready)
        return;
    context->ready = true;
    log_event(LOG_ROLE_STARTED, NULL);
    sd_notify(0, "READY=1");
    tell_supervisor();
}

void role_progress(RoleContext *context)
{
    feed_watchdog(context);
}

/* Read all, check all, then swap: a bad file keeps the old snapshot and says why. */
static void reload(RoleContext *context)
{
    Error err = {0};
    Arena *arena = arena_new(SETTINGS_CAP);
    const Config *config;
    if (!config_load(context->settings_path, adapter_options, arena, &config, &err)) {
        log_event(LOG_SETTINGS_REFUSED, &err);
        arena_free(arena);
        return;
    }
    const char *restart = config_needs_restart(context->config, config, arena);
    arena_free(context->settings_before);
    context->settings_before = context->settings;
    context->settings = arena;
    context->config = config;
    context->reloaded = true;
    log_event(
        LOG_SETTINGS_RELOADED, NULL,
        {"REASON", restart ? arena_format(arena, "changes only at a restart: %s", restart) : NULL});
}

static void take_signals(RoleContext *context)
{
    struct signalfd_siginfo info;
    while (read(context->signals, &info, sizeof info) == (ssize_t)sizeof info) {
        if (info.ssi_signo == SIGHUP)
            reload(context);
        else
            context->stopping = true;
    }
}

/* Waits and leases do not follow the machine's clock; certificates and cut-offs do, so a person
 * should know that it was set. */
static void look_at_clock(RoleContext *context)
{
    int64_t apart = clock_wall() - clock_steady(), jump = apart - context->apart;
    char text[32];
    if (context->apart && llabs(jump) <= JUMP)
        return;
    int64_t half = jump < 0 ? -CLOCK_SECOND / 2 : CLOCK_SECOND / 2; /* the two are read apart */
    snprintf(text, sizeof text, "%+lld s", (long long)((jump + half) / CLOCK_SECOND));
    if (context->apart)
        log_event(LOG_CLOCK_JUMPED, NULL, {"WAIT", text});
    context->apart = apart;
}

/* How long one poll() may last: until the caller's time is up or the watchdog wants feeding. */
static int slice(const RoleContext *context, int64_t deadline)
{
    int64_t now = clock_steady(), longest = INT_MAX;
    if (context->watchdog)
        longest = context->watchdog / 4000;
    if (deadline >= 0) {
        int64_t left = deadline > now ? (deadline - now + 999) / 1000 : 0;
        longest = left < longest ? left : longest;
    }
    return (int)(longest > 3600000 ? 3600000 : longest);
}

/* What a large batch took goes back to the machine before a long wait: idle means small. */
static void give_back_memory(RoleContext *context, int64_t milliseconds)
{
    int64_t now = clock_steady();
    bool is_long = milliseconds < 0 || milliseconds >= LONG_MS;
    if (!is_long && (milliseconds < IDLE_MS || now - context->trimmed < TRIM_EVERY))
        return;
    context->trimmed = now;
    malloc_trim(0);
}

RoleWake role_wait(RoleContext *context, int64_t milliseconds, int fd)
{
    int64_t deadline = milliseconds < 0 ? -1 : clock_steady() + milliseconds * 1000;
    give_back_memory(context, milliseconds);
    for (;;) {
        feed_watchdog(context);
        look_at_clock(context);
        struct pollfd wanted[] = {{context->signals, POLLIN, 0}, {fd, POLLIN, 0}};
        int found = poll(wanted, fd < 0 ? 1 : 2, slice(context, deadline));
        if (found > 0 && wanted[0].revents)
            take_signals(context);
        if (context->stopping)
            return ROLE_STOP;
        if (context->reloaded) {
            context->reloaded = false;
            return ROLE_RELOAD;
        }
        if (found > 0 && fd >= 0 && wanted[1].revents)
            return ROLE_READABLE;
        if (deadline >= 0 && clock_steady() >= deadline)
            return ROLE_TIMEOUT;
    }
}

void role_child_signals(void)
{
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    signal(SIGPIPE, SIG_DFL);
}

static bool open_signals(int *ret, Error *err)
{
    sigset_t taken;
    sigemptyset(&taken);
    sigaddset(&taken, SIGTERM);
    sigaddset(&taken, SIGINT);
    sigaddset(&taken, SIGHUP);
    sigprocmask(SIG_BLOCK, &taken, NULL);
    signal(SIGPIPE, SIG_IGN);
    *ret = signalfd(-1, &taken, SFD_CLOEXEC | SFD_NONBLOCK);
    return *ret >= 0 ||
           error_errno(err, errno, "role.signals", "could not open the signal descriptor");
}

/* Nothing of a person may end in a core file, a readable file or another process's hands. */
static void close_doors(void)
{
    umask(0077);
    prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
    setrlimit(RLIMIT_CORE, &(struct rlimit){0, 0});
}

static bool run(const Role *role, const char *settings_path, Error *err)
{
    RoleContext context = {.role = role, .settings_path = settings_path, .signals = -1};
    context.settings = arena_new(SETTINGS_CAP);
    uint64_t interval = 0;
    bool done =
        config_load(settings_path, adapter_options, context.settings, &context.config, err) &&
        open_signals(&context.signals, err);
    if (done) {
        if (sd_watchdog_enabled(0, &interval) > 0)
            context.watchdog = (int64_t)interval;
        done = role->run(&context, err);
        close(context.signals);
    }
    arena_free(context.settings_before);
    arena_free(context.settings);
    return done;
}

int role_main(const Role *role, const char *settings_path)
{
    Error err = {0};
    log_open(role->name);
    close_doors();
    if (!run(role, settings_path, &err)) {
        log_event(LOG_ROLE_FAILED, &err);
        return err.kind == ERROR_CONFIG ? 3 : 1;
    }
    sd_notify(0, "STOPPING=1");
    log_event(LOG_ROLE_STOPPED, NULL);
    return 0;
}
