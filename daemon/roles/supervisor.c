/* SPDX-License-Identifier: Apache-2.0 */
/* All roles as children of one process: started, watched, started again, stopped in order.
 *
 * For a laptop, the quickstart and small sites.  Each role is this program again
 * with --role NAME, so that a role never knows how it was started.  The database
 * (embedded only) starts first and stops last.  A child that dies is started
 * again after a wait that doubles from 1 s to 30 s and shrinks once it lives. */
#include "daemon/roles/role.h"

#include "adapters/adapter.h"
#include "daemon/base/cleanup.h"
#include "daemon/base/clock.h"
#include "daemon/base/log.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <systemd/sd-daemon.h>

#define MOST_CHILDREN 16
#define FIRST_WAIT (1 * CLOCK_SECOND)
#define LONGEST_WAIT (30 * CLOCK_SECOND)
#define LIVES (60 * CLOCK_SECOND)
#define STOP_DEADLINE (30 * CLOCK_SECOND)

typedef struct Child {
    const Role *role;
    pid_t pid;
    int ready; /* read end of the child's pipe; -1 once it said so */
    bool was_ready;
    int64_t started, wait, due;
} Child;

typedef struct Supervisor {
    const char *program, *settings_path;
    Child children[MOST_CHILDREN];
    size_t count;
    int signals;
    bool stopping, announced;
} Supervisor;

static void run_child(const Supervisor *supervisor, const Role *role, int ready)
{
    char fd[16];
    role_child_signals();
    prctl(PR_SET_PDEATHSIG, SIGTERM);
    snprintf(fd, sizeof fd, "%d", ready);
    setenv("MHSFLOW_READY_FD", fd, 1);
    unsetenv("NOTIFY_SOCKET"); /* systemd listens to the supervisor alone */
    unsetenv("WATCHDOG_USEC");
    execl("/proc/self/exe", supervisor->program, "--config", supervisor->settings_path, "--role",
          role->name, (char *)NULL);
    _exit(127);
}

static void start_child(Supervisor *supervisor, Child *child)
{
    int ends[2];
    child->started = clock_steady();
    child->due = child->started + child->wait;
    if (pipe2(ends, O_CLOEXEC) < 0)
        return; /* due again after its wait */
    fcntl(ends[1], F_SETFD, 0);
    pid_t pid = fork();
    if (pid == 0)
        run_child(supervisor, child->role, ends[1]);
    close(ends[1]);
    if (pid < 0) {
        close(ends[0]);
        return;
    }
    child->pid = pid;
    child->ready = ends[0];
}

static void child_died(Child *child)
{
    int64_t lived = clock_steady() - child->started;
    child->pid = 0;
    if (child->ready >= 0)
        close(child->ready);
    child->ready = -1;
    child->wait = lived > LIVES ? FIRST_WAIT : child->wait * 2;
    if (child->wait > LONGEST_WAIT)
        child->wait = LONGEST_WAIT;
    child->due = clock_steady() + child->wait;
}

static void reap(Supervisor *supervisor)
{
    int status;
    pid_t pid;
    while ((pid = waitpid(-1, &status, WNOHANG)) > 0)
        for (size_t i = 0; i < supervisor->count; i++) {
            Child *child = &supervisor->children[i];
            char code[32];
            if (child->pid != pid)
                continue;
            snprintf(code, sizeof code, WIFSIGNALED(status) ? "signal %d" : "exit %d",
                     WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status));
            child_died(child);
            if (!supervisor->stopping)
                log_event(LOG_ROLE_FAILED, NULL, {"CHILD", child->role->name}, {"STATUS", code});
        }
}

static void signal_children(const Supervisor *supervisor, int number, bool database)
{
    for (size_t i = 0; i < supervisor->count; i++)
        if (supervisor->children[i].pid &&
            (supervisor->children[i].role == &role_database) == database)
            kill(supervisor->children[i].pid, number);
}

static void take_signals(Supervisor *supervisor)
{
    struct signalfd_siginfo info;
    while (read(supervisor->signals, &info, sizeof info) == (ssize_t)sizeof info) {
        if (info.ssi_signo == SIGCHLD)
            reap(supervisor);
        else if (info.ssi_signo == SIGHUP)
            signal_children(supervisor, SIGHUP, false);
        else
            supervisor->stopping = true;
    }
}

static void look_for_ready(Child *child)
{
    char byte;
    ssize_t got = read(child->ready, &byte, 1);
    if (got < 0 && errno == EINTR)
        return;
    child->was_ready |= got == 1;
    close(child->ready);
    child->ready = -1;
}

/* The others may start once the database, if it is ours, has been up. */
static bool may_start(const Supervisor *supervisor, const Child *child)
{
    for (size_t i = 0; i < supervisor->count; i++)
        if (supervisor->children[i].role == &role_database)
            return child->role == &role_database || supervisor->children[i].was_ready;
    return true;
}

static void announce(Supervisor *supervisor)
{
    for (size_t i = 0; i < supervisor->count; i++)
        if (!supervisor->children[i].was_ready)
            return;
    if (!supervisor->announced) {
        log_event(LOG_ROLE_STARTED, NULL);
        sd_notify(0, "READY=1");
    }
    supervisor->announced = true;
}

/* One turn: start who is due, wait for news. */
static void turn(Supervisor *supervisor, int64_t longest_ms)
{
    struct pollfd wanted[MOST_CHILDREN + 1] = {{supervisor->signals, POLLIN, 0}};
    Child *of[MOST_CHILDREN + 1] = {0};
    nfds_t count = 1;
    int64_t now = clock_steady();
    for (size_t i = 0; i < supervisor->count; i++) {
        Child *child = &supervisor->children[i];
        if (!supervisor->stopping && !child->pid && child->due <= now &&
            may_start(supervisor, child))
            start_child(supervisor, child);
        if (child->pid && child->ready >= 0) {
            of[count] = child;
            wanted[count++] = (struct pollfd){child->ready, POLLIN, 0};
        }
    }
    if (poll(wanted, count, (int)longest_ms) <= 0)
        return;
    for (nfds_t i = 1; i < count; i++)
        if (wanted[i].revents)
            look_for_ready(of[i]);
    announce(supervisor);
    if (wanted[0].revents)
        take_signals(supervisor);
}

static bool anyone(const Supervisor *supervisor, bool database)
{
    for (size_t i = 0; i < supervisor->count; i++)
        if (supervisor->children[i].pid &&
            (supervisor->children[i].role == &role_database) == database)
            return true;
    return false;
}

/* The roles first, then the database they write to; whoever does not go is killed: the truth is in
 * PostgreSQL, and a killed role is a tested case. */
static void stop_all(Supervisor *supervisor)
{
    for (int database = 0; database < 2; database++) {
        int64_t deadline = clock_steady() + STOP_DEADLINE;
        signal_children(supervisor, SIGTERM, database);
        while (anyone(supervisor, database) && clock_steady() < deadline)
            turn(supervisor, 200);
        signal_children(supervisor, SIGKILL, database);
        while (anyone(supervisor, database))
            turn(supervisor, 200);
    }
}

static void choose_roles(Supervisor *supervisor, const Config *config)
{
    size_t count;
    const Role *const *roles = role_all(&count);
    bool embedded = strcmp(section_text(config->main, "database"), "embedded") == 0;
    bool seals = section_text(config->main, "seal_key") != NULL;
    for (size_t i = 0; i < count; i++)
        if ((roles[i] != &role_database || embedded) && (roles[i] != &role_seal || seals) &&
            (roles[i] != &role_console || config->console))
            supervisor->children[supervisor->count++] =
                (Child){.role = roles[i], .ready = -1, .wait = FIRST_WAIT};
}

static bool open_signals(int *ret, Error *err)
{
    sigset_t taken;
    sigemptyset(&taken);
    sigaddset(&taken, SIGTERM);
    sigaddset(&taken, SIGINT);
    sigaddset(&taken, SIGHUP);
    sigaddset(&taken, SIGCHLD);
    sigprocmask(SIG_BLOCK, &taken, NULL);
    *ret = signalfd(-1, &taken, SFD_CLOEXEC | SFD_NONBLOCK);
    return *ret >= 0 ||
           error_errno(err, errno, "supervisor.signals", "could not open the signal descriptor");
}

int supervisor_main(const char *program, const char *settings_path)
{
    Supervisor supervisor = {.program = program, .settings_path = settings_path};
    _cleanup_arena_ Arena *arena = arena_new((size_t)16 << 20);
    const Config *config;
    Error err = {0};
    log_open("main");
    if (!config_load(settings_path, adapter_options, arena, &config, &err) ||
        !open_signals(&supervisor.signals, &err)) {
        log_event(LOG_ROLE_FAILED, &err);
        return 3;
    }
    choose_roles(&supervisor, config);
    while (!supervisor.stopping)
        turn(&supervisor, 500);
    sd_notify(0, "STOPPING=1");
    stop_all(&supervisor);
    log_event(LOG_ROLE_STOPPED, NULL);
    return 0;
}
