/* SPDX-License-Identifier: Apache-2.0 */
/* The role that runs the embedded PostgreSQL: made once, private, over a unix socket only.
 *
 * PostgreSQL refuses root, so this role does too, before it tries: mhsflowd runs as
 * an ordinary user.  A database folder appears whole or not at all: initdb works
 * beside it, and it gets its name last.  PostgreSQL is a child that dies with this
 * process (fast shutdown), is started again when it dies alone, and its own log is
 * kept to what it cannot do, because its messages can hold values. */
#include "daemon/roles/role.h"

#include "daemon/base/cleanup.h"
#include "daemon/base/clock.h"
#include "daemon/base/file.h"
#include "daemon/base/log.h"
#include "daemon/base/text.h"
#include "daemon/roles/database_access.h"
#include "daemon/store/migrate.h"
#include "daemon/store/pg_program.h"
#include "daemon/store/rights.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>

#define LONGEST_SOCKET 90 /* sun_path is 108 bytes, and PostgreSQL's own name needs some of it */
#define ASK_EVERY_MS 50
#define RESTART_MS 500
#define STOP_MS 25000

typedef struct Postgres {
    RoleContext *context;
    Arena *arena;
    const char *data, *socket, *conninfo, *programs;
    pid_t pid;
    int pidfd;
} Postgres;

/* ---- where the programs are ---- */

/* The programs of the version that made the folder; of the newest installed for a new folder. */
static bool find_programs(Postgres *postgres, Error *err)
{
    char *made_by = NULL;
    size_t size;
    Error none = {0};
    const char *file = arena_format(postgres->arena, "%s/PG_VERSION", postgres->data);
    if (file_read(file, 64, postgres->arena, &made_by, &size, &none)) {
        made_by[strcspn(made_by, "\n")] = '\0';
        postgres->programs = arena_format(postgres->arena, "%s/%s/bin", PG_PROGRAMS, made_by);
        if (access(postgres->programs, X_OK) == 0)
            return true;
        return error_set(err, ERROR_CONFIG, "database.version",
                         "the database folder was made by PostgreSQL %s, which is not installed",
                         made_by);
    }
    return pg_program_newest(postgres->arena, &postgres->programs) ||
           error_set(err, ERROR_CONFIG, "database.missing",
                     "PostgreSQL is not installed: no %s/*/bin/initdb; install postgresql, or set "
                     "`database` to a connection string",
                     PG_PROGRAMS);
}

/* ---- running programs ---- */

static void become(const char *const *arguments, const char *input)
{
    int null = open("/dev/null", O_RDWR | O_CLOEXEC);
    role_child_signals();
    prctl(PR_SET_PDEATHSIG, SIGINT); /* to PostgreSQL: fast shutdown */
    dup2(input ? open(input, O_RDONLY | O_CLOEXEC) : null, STDIN_FILENO);
    dup2(null, STDOUT_FILENO);
    setenv("LC_ALL", "C.UTF-8", 1);
    execv(arguments[0], (char *const *)(uintptr_t)arguments);
    _exit(127);
}

static bool run_to_end(const char *const *arguments, const char *input, const char *what,
                       Error *err)
{
    int status = 0;
    pid_t pid = fork();
    if (pid == 0)
        become(arguments, input);
    while (pid > 0 && waitpid(pid, &status, 0) < 0 && errno == EINTR)
        continue;
    if (pid > 0 && WIFEXITED(status) && WEXITSTATUS(status) == 0)
        return true;
    return error_set(err, ERROR_LATER, "database.make",
                     "could not %s; the lines before this say why", what);
}

/* ---- making the folder ---- */

static bool make_database(Postgres *postgres, const char *beside, Error *err)
{
    const char *initdb[] = {arena_format(postgres->arena, "%s/initdb", postgres->programs),
                            "--pgdata",
                            beside,
                            "--encoding=UTF8",
                            "--locale=C.UTF-8",
                            "--username=mhsflow",
                            "--auth-local=peer", /* database_access.c says who */
                            "--auth-host=reject",
                            "--data-checksums",
                            "--no-instructions",
                            NULL};
    const char *single[] = {arena_format(postgres->arena, "%s/postgres", postgres->programs),
                            "--single",
                            "-j",
                            "-D",
                            beside,
                            "postgres",
                            NULL};
    const char *statement = arena_format(postgres->arena, "%s.sql", beside);
    static const char create[] = "create database mhsflow;\n\n";
    bool done = run_to_end(initdb, NULL, "make the database folder", err) &&
                file_write(statement, create, sizeof create - 1, 0600, err) &&
                run_to_end(single, statement, "make the database", err);
    unlink(statement);
    return done;
}

static bool remove_tree(const char *path, Error *err)
{
    const char *arguments[] = {"/bin/rm", "-rf", "--", path, NULL};
    return run_to_end(arguments, NULL, "remove a half-made database folder", err);
}

static bool make_folder(Postgres *postgres, Error *err)
{
    const char *beside = arena_format(postgres->arena, "%s.part", postgres->data);
    if (access(postgres->data, F_OK) == 0)
        return true;
    if (!remove_tree(beside, err) || !make_database(postgres, beside, err))
        return false;
    if (rename(beside, postgres->data) < 0)
        return error_errno(err, errno, "database.rename", "could not name the database folder");
    return true;
}

/* ---- running the server ---- */

static bool start(Postgres *postgres, Error *err)
{
    const char *arguments[] = {arena_format(postgres->arena, "%s/postgres", postgres->programs),
                               "-D",
                               postgres->data,
                               "-k",
                               postgres->socket,
                               "-c",
                               "listen_addresses=",
                               "-c",
                               "unix_socket_permissions=0770",
                               "-c",
                               "jit=off",
                               "-c",
                               "shared_buffers=64MB",
                               "-c",
                               "max_wal_size=2GB",
                               "-c",
                               "max_connections=60",
                               "-c",
                               "wal_compression=on",
                               "-c",
                               "log_min_messages=fatal",
                               "-c",
                               "log_min_error_statement=panic",
                               "-c",
                               "log_error_verbosity=terse",
                               "-c",
                               "log_checkpoints=off",
                               "-c",
                               "log_parameter_max_length_on_error=0",
                               NULL};
    pid_t pid = fork();
    if (pid == 0)
        become(arguments, NULL);
    if (pid < 0)
        return error_errno(err, errno, "database.fork", "could not start PostgreSQL");
    postgres->pid = pid;
    postgres->pidfd = pidfd_open(pid, 0);
    return true;
}

/* True when the server is gone; it is then reaped. */
static bool is_gone(Postgres *postgres)
{
    int status;
    if (postgres->pid && waitpid(postgres->pid, &status, WNOHANG) == postgres->pid) {
        close(postgres->pidfd);
        postgres->pid = 0;
        postgres->pidfd = -1;
    }
    return !postgres->pid;
}

static void stop(Postgres *postgres)
{
    if (is_gone(postgres))
        return;
    kill(postgres->pid, SIGINT);
    poll(&(struct pollfd){postgres->pidfd, POLLIN, 0}, 1, STOP_MS);
    if (!is_gone(postgres)) {
        kill(postgres->pid, SIGQUIT); /* recovery at the next start */
        waitpid(postgres->pid, NULL, 0);
    }
}

/* Until it answers and has our schema; a server that dies meanwhile is the caller's to start again.
 */
static bool wait_until_usable(Postgres *postgres, Error *err)
{
    MigrateState state;
    size_t changes;
    while (!role_stopping(postgres->context) && !is_gone(postgres)) {
        if (migrate_run(postgres->conninfo, &state, err) &&
            rights_apply(postgres->conninfo, &changes, err))
            return true;
        if (err->kind != ERROR_LATER)
            return false;
        role_wait(postgres->context, ASK_EVERY_MS, -1);
    }
    return error_set(err, ERROR_LATER, "database.start", "PostgreSQL ended while it was starting");
}

/* One life of the server, from start to death or to our own end. */
static bool live(Postgres *postgres, bool *said_away, Error *err)
{
    if (!database_access_write(role_config(postgres->context), postgres->data, err) ||
        !start(postgres, err))
        return false;
    if (!wait_until_usable(postgres, err))
        return err->kind == ERROR_LATER;
    if (*said_away)
        log_event(LOG_DATABASE_BACK, NULL);
    *said_away = false;
    role_ready(postgres->context);
    while (!role_stopping(postgres->context) && !is_gone(postgres))
        role_wait(postgres->context, -1, postgres->pidfd);
    return true;
}

static bool prepare(Postgres *postgres, Error *err)
{
    const Config *config = role_config(postgres->context);
    /* One folder down: under systemd only "postgres" is this role's own, and the new folder is made
     * beside the one it becomes. */
    postgres->data = config_state_path(config, postgres->arena, "postgres/data");
    postgres->socket = config_database_socket(config, postgres->arena);
    postgres->conninfo = config_database(config, postgres->arena);
    if (geteuid() == 0)
        return error_set(
            err, ERROR_CONFIG, "database.root",
            "cannot run the embedded PostgreSQL as root: start mhsflowd as an ordinary user");
    if (strlen(postgres->socket) > LONGEST_SOCKET)
        return error_set(
            err, ERROR_CONFIG, "database.socket",
            "the state folder's path is too long for a socket: at most %d bytes with run/database",
            LONGEST_SOCKET);
    return file_make_folder(postgres->socket, 0750, err) &&
           file_make_folder(config_state_path(config, postgres->arena, "postgres"), 0700, err) &&
           find_programs(postgres, err) && make_folder(postgres, err);
}

static bool run(RoleContext *context, Error *err)
{
    _cleanup_arena_ Arena *arena = arena_new((size_t)4 << 20);
    Postgres postgres = {.context = context, .arena = arena, .pidfd = -1};
    bool said_away = false;
    if (!prepare(&postgres, err))
        return false;
    while (!role_stopping(context)) {
        bool lives = live(&postgres, &said_away, err);
        if (!lives) {
            stop(&postgres);
            return false;
        }
        if (role_stopping(context))
            break;
        if (!said_away)
            log_event(LOG_DATABASE_LOST, NULL);
        said_away = true;
        role_wait(context, RESTART_MS, -1);
    }
    stop(&postgres);
    return true;
}

const Role role_database = {.name = "database",
                            .summary =
                                "runs the embedded PostgreSQL (only with `database: embedded`)",
                            .run = run};
