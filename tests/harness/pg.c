/* SPDX-License-Identifier: Apache-2.0 */
/* Starts, kills and stops a private PostgreSQL. */
#include "tests/harness/pg.h"

#include "daemon/base/cleanup.h"
#include "daemon/base/clock.h"
#include "daemon/base/digest.h"
#include "daemon/store/migrate.h"
#include "daemon/store/rights.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <libpq-fe.h>
#include <poll.h>
#include <pwd.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>
#include <sys/file.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>

#define PATH_SIZE 256
#define READY_WAIT_MS 30000

struct PgCluster {
    char folder[PATH_SIZE], bin[PATH_SIZE];
    pid_t server, starter; /* starter: who may stop it, not a forked test */
    int databases;
};

static void die(const char *format, ...) __attribute__((format(printf, 1, 2), noreturn));
static void die(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    fputs("harness: ", stderr);
    vfprintf(stderr, format, args);
    fputc('\n', stderr);
    va_end(args);
    exit(1);
}

/* The user for the server: ourselves, or as root `postgres`. */
static const struct passwd *server_user(void)
{
    if (geteuid() != 0)
        return NULL;
    const struct passwd *user = getpwnam("postgres");
    if (!user)
        user = getpwnam("nobody");
    if (!user)
        die("no user to run PostgreSQL as");
    return user;
}

static pid_t spawn(const char *const *argv, const char *notify, bool with_us)
{
    const struct passwd *user = server_user();
    pid_t parent = getpid(), pid = fork();
    if (pid != 0)
        return pid;
    if (user && (setgroups(0, NULL) || setgid(user->pw_gid) || setuid(user->pw_uid)))
        _exit(126);
    if (with_us) {
        prctl(PR_SET_PDEATHSIG, SIGQUIT);
        if (getppid() != parent)
            _exit(126);
    }
    if (notify)
        setenv("NOTIFY_SOCKET", notify, 1);
    else
        unsetenv("NOTIFY_SOCKET");
    setenv("LC_ALL", "C.UTF-8", 1);
    if (chdir("/"))
        _exit(126);
    int null = open("/dev/null", O_RDWR);
    dup2(null, 0);
    dup2(null, 1);
    if (!getenv("PG_HARNESS_LOG"))
        dup2(null, 2);
    execv(argv[0], (char *const *)(uintptr_t)argv);
    _exit(127);
}

static void run(const char *const *argv)
{
    int status;
    pid_t pid = spawn(argv, NULL, false);
    if (pid < 0 || waitpid(pid, &status, 0) != pid || status != 0)
        die("%s failed", argv[0]);
}

/* The newest PostgreSQL on this machine. */
static void find_bin(char *ret)
{
    _cleanup_closedir_ DIR *folder = opendir("/usr/lib/postgresql");
    long best = 0;
    const struct dirent *entry;
    while (folder && (entry = readdir(folder))) {
        long version = strtol(entry->d_name, NULL, 10);
        if (version > best)
            best = version;
    }
    if (!best)
        die("no PostgreSQL under /usr/lib/postgresql");
    snprintf(ret, PATH_SIZE, "/usr/lib/postgresql/%ld/bin", best);
}

static void make_folder(const char *path)
{
    const struct passwd *user = server_user();
    if (mkdir(path, 0700) && errno != EEXIST)
        die("cannot make %s", path);
    if (user && chown(path, user->pw_uid, user->pw_gid))
        die("cannot give %s away", path);
}

static void conninfo_of(const PgCluster *cluster, const char *database, char *ret)
{
    snprintf(ret, PATH_SIZE, "host=%.100s user=postgres dbname=%.100s", cluster->folder, database);
}

/* PostgreSQL tells systemd, and so us, when it takes connections. */
static int notify_socket(const char *path)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    snprintf(address.sun_path, sizeof address.sun_path, "%.100s", path);
    unlink(path);
    if (fd < 0 || bind(fd, (const struct sockaddr *)&address, sizeof address) || chmod(path, 0777))
        die("cannot listen on %s", path);
    return fd;
}

static void wait_ready(int fd, pid_t server)
{
    for (;;) {
        struct pollfd wait = {.fd = fd, .events = POLLIN};
        char text[512];
        if (poll(&wait, 1, READY_WAIT_MS) <= 0)
            die("PostgreSQL (process %d) did not get ready", (int)server);
        ssize_t size = recv(fd, text, sizeof text - 1, 0);
        text[size > 0 ? size : 0] = '\0';
        if (strstr(text, "READY=1"))
            return;
    }
}

static void start_server(PgCluster *cluster)
{
    char data[PATH_SIZE + 8], sockets[PATH_SIZE + 40], notify[PATH_SIZE + 8],
        program[PATH_SIZE + 16];
    snprintf(data, sizeof data, "%s/data", cluster->folder);
    snprintf(sockets, sizeof sockets, "unix_socket_directories=%s", cluster->folder);
    snprintf(notify, sizeof notify, "%s/notify", cluster->folder);
    snprintf(program, sizeof program, "%s/postgres", cluster->bin);
    const char *argv[] = {program,
                          "-D",
                          data,
                          "-c",
                          "listen_addresses=",
                          "-c",
                          sockets,
                          "-c",
                          "fsync=off",
                          "-c",
                          "full_page_writes=off",
                          "-c",
                          "max_connections=40",
                          "-c",
                          "shared_buffers=64MB",
                          "-c",
                          "jit=off",
                          "-c",
                          "dynamic_shared_memory_type=mmap", /* goes with the folder */
                          "-c",
                          "max_wal_size=1GB",
                          "-c",
                          "log_min_messages=log",
                          NULL};
    _cleanup_close_ int fd = notify_socket(notify);
    cluster->server = spawn(argv, notify, true);
    wait_ready(fd, cluster->server);
}

static PGconn *connect_to(const char *conninfo)
{
    PGconn *connection = PQconnectdb(conninfo);
    if (PQstatus(connection) != CONNECTION_OK)
        die("cannot connect: %s", PQerrorMessage(connection));
    return connection;
}

const char *pg_ask(const char *conninfo, const char *statement)
{
    static char answer[4096];
    PGconn *connection = connect_to(conninfo);
    PGresult *result = PQexec(connection, statement);
    ExecStatusType status = PQresultStatus(result);
    if (status != PGRES_TUPLES_OK && status != PGRES_COMMAND_OK)
        die("%s: %s", statement, PQerrorMessage(connection));
    snprintf(answer, sizeof answer, "%s", PQntuples(result) ? PQgetvalue(result, 0, 0) : "");
    PQclear(result);
    PQfinish(connection);
    return answer;
}

const char *pg_ask_state(const char *conninfo, const char *statement)
{
    static char answer[8];
    PGconn *connection = connect_to(conninfo);
    PGresult *result = PQexec(connection, statement);
    const char *state = PQresultErrorField(result, PG_DIAG_SQLSTATE);
    snprintf(answer, sizeof answer, "%s", state ? state : "");
    PQclear(result);
    PQfinish(connection);
    return answer;
}

/* In memory where there is room: a database is some 400 small files. */
static const char *scratch(void)
{
    struct statvfs space;
    return access("/dev/shm", W_OK) == 0 && statvfs("/dev/shm", &space) == 0 &&
                   space.f_bavail * space.f_frsize > ((uint64_t)512 << 20)
               ? "/dev/shm"
               : "/tmp";
}

/* What the cache depends on: the migrations' bytes, the rights and PostgreSQL's version. */
static void cache_path(const char *bin, char *ret)
{
    uint8_t sum[DIGEST_SIZE];
    char hex[DIGEST_HEX_SIZE];
    Digest *digest = digest_new();
    digest_add(digest, bin, strlen(bin));
    for (const Migration *migration = migrations; migration->version; migration++)
        digest_add(digest, migration->sql, strlen(migration->sql));
    _cleanup_arena_ Arena *arena = arena_new((size_t)1 << 20);
    Text rights = text_new(arena, (size_t)1 << 18);
    rights_document(&rights);
    digest_add(digest, text_get(&rights), strlen(text_get(&rights)));
    digest_finish(digest, sum);
    digest_free(digest);
    snprintf(ret, PATH_SIZE, "%s/mhsflow-test-pg-%u-%.12s", scratch(), (unsigned)geteuid(),
             digest_hex(sum, hex));
}

static void stop_server(PgCluster *cluster, int signal)
{
    int status;
    kill(cluster->server, signal);
    waitpid(cluster->server, &status, 0);
    cluster->server = 0;
}

static void fill_cache(const PgCluster *cluster, const char *cache)
{
    char data[PATH_SIZE + 8], program[PATH_SIZE + 16], conninfo[PATH_SIZE];
    PgCluster maker = *cluster;
    snprintf(maker.folder, sizeof maker.folder, "%s", cache);
    make_folder(cache);
    snprintf(data, sizeof data, "%s/data", cache);
    snprintf(program, sizeof program, "%s/initdb", cluster->bin);
    const char *argv[] = {program,    "-D",    data,   "-U",
                          "postgres", "-E",    "UTF8", "--locale=C.UTF-8",
                          "-A",       "trust", "-N",   "--wal-segsize=1",
                          NULL};
    run((const char *[]){"/bin/rm", "-rf", data, NULL});
    run(argv);
    start_server(&maker);
    conninfo_of(&maker, "postgres", conninfo);
    pg_ask(conninfo, "create database mhsflow_template");
    conninfo_of(&maker, "mhsflow_template", conninfo);
    MigrateState state;
    Error error = {0};
    char text[600];
    if (!migrate_run(conninfo, &state, &error))
        die("cannot migrate: %s", error_text(&error, text, sizeof text));
    size_t changes;
    if (!rights_apply(conninfo, &changes, &error))
        die("cannot set the rights: %s", error_text(&error, text, sizeof text));
    stop_server(&maker, SIGINT);
}

/* Made once, by whoever comes first; complete when the mark is there. */
static void ensure_cache(const PgCluster *cluster, const char *cache)
{
    char mark[PATH_SIZE + 8], lock[PATH_SIZE + 8];
    snprintf(mark, sizeof mark, "%s/ready", cache);
    snprintf(lock, sizeof lock, "%s.lock", cache);
    _cleanup_close_ int fd = open(lock, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (fd < 0 || flock(fd, LOCK_EX))
        die("cannot lock %s", lock);
    if (access(mark, F_OK) == 0)
        return;
    fill_cache(cluster, cache);
    _cleanup_close_ int done = open(mark, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    if (done < 0)
        die("cannot write %s", mark);
}

PgCluster *pg_start(void)
{
    PgCluster *cluster = calloc(1, sizeof *cluster);
    char cache[PATH_SIZE], from[PATH_SIZE + 8], to[PATH_SIZE + 8];
    if (!cluster)
        die("no memory");
    find_bin(cluster->bin);
    cache_path(cluster->bin, cache);
    ensure_cache(cluster, cache);
    snprintf(cluster->folder, sizeof cluster->folder, "%s/mhsflow-pg-XXXXXX", scratch());
    if (!mkdtemp(cluster->folder))
        die("cannot make a folder");
    make_folder(cluster->folder);
    snprintf(from, sizeof from, "%s/data", cache);
    snprintf(to, sizeof to, "%s/data", cluster->folder);
    run((const char *[]){"/bin/cp", "-a", from, to, NULL});
    cluster->starter = getpid();
    start_server(cluster);
    return cluster;
}

void pg_stop(PgCluster *cluster)
{
    if (!cluster || cluster->starter != getpid())
        return;
    if (cluster->server)
        stop_server(cluster, SIGQUIT);
    run((const char *[]){"/bin/rm", "-rf", cluster->folder, NULL});
    rmdir(cluster->folder);
    free(cluster);
}

static const char *make_database(PgCluster *cluster, const char *template)
{
    static char conninfo[64][PATH_SIZE];
    char admin[PATH_SIZE], statement[PATH_SIZE], name[64];
    /* Process ids come round again in a long run. */
    snprintf(name, sizeof name, "t%d_%d_%llx", (int)getpid(), cluster->databases++,
             (unsigned long long)clock_steady());
    /* By file: page by page, a used sequence would be copied with its log counter, and a crash
     * would then set it back. */
    snprintf(statement, sizeof statement, "create database %s template %s strategy file_copy", name,
             template);
    conninfo_of(cluster, "postgres", admin);
    pg_ask(admin, statement);
    char *ret = conninfo[cluster->databases % 64];
    conninfo_of(cluster, name, ret);
    return ret;
}

const char *pg_database(PgCluster *cluster)
{
    return make_database(cluster, "mhsflow_template");
}

const char *pg_empty(PgCluster *cluster)
{
    return make_database(cluster, "template0");
}

void pg_drop(PgCluster *cluster, const char *database)
{
    char admin[PATH_SIZE], statement[PATH_SIZE];
    snprintf(statement, sizeof statement, "drop database %s with (force)",
             pg_ask(database, "select current_database()"));
    conninfo_of(cluster, "postgres", admin);
    pg_ask(admin, statement);
}

/* The server and its backends: each backend has a session of its own, so only the parent links
 * them. */
static size_t processes(const PgCluster *cluster, pid_t *ret, size_t size)
{
    _cleanup_closedir_ DIR *folder = opendir("/proc");
    const struct dirent *entry;
    size_t count = 0;
    ret[count++] = cluster->server;
    while (folder && (entry = readdir(folder)) && count < size) {
        char path[300], text[512] = "";
        snprintf(path, sizeof path, "/proc/%s/stat", entry->d_name);
        _cleanup_fclose_ FILE *file = fopen(path, "re");
        const char *end;
        int parent;
        if (file && fgets(text, sizeof text, file) && (end = strrchr(text, ')')) &&
            sscanf(end, ") %*c %d", &parent) == 1 && parent == cluster->server)
            ret[count++] = (pid_t)strtol(entry->d_name, NULL, 10);
    }
    return count;
}

static void signal_all(const PgCluster *cluster, int signal)
{
    pid_t all[128];
    size_t count = processes(cluster, all, COUNT_OF(all));
    for (size_t i = 0; i < count; i++)
        kill(all[i], signal);
}

void pg_kill(PgCluster *cluster)
{
    pid_t all[128];
    int watch[128], status;
    /* Stopped first, so that none is born while we count. */
    kill(cluster->server, SIGSTOP);
    size_t count = processes(cluster, all, COUNT_OF(all));
    for (size_t i = 0; i < count; i++)
        watch[i] = (int)syscall(SYS_pidfd_open, all[i], 0);
    for (size_t i = 0; i < count; i++)
        kill(all[i], SIGKILL);
    if (cluster->starter == getpid())
        waitpid(cluster->server, &status, 0);
    for (size_t i = 0; i < count; i++) {
        struct pollfd wait = {.fd = watch[i], .events = POLLIN};
        if (watch[i] < 0)
            continue;
        poll(&wait, 1, READY_WAIT_MS);
        close(watch[i]);
    }
    /* Whoever started it may not have reaped it yet, and PostgreSQL takes a dead one for alive. */
    char lock[PATH_SIZE + 32];
    snprintf(lock, sizeof lock, "%s/data/postmaster.pid", cluster->folder);
    unlink(lock);
    snprintf(lock, sizeof lock, "%s/.s.PGSQL.5432.lock", cluster->folder);
    unlink(lock);
    cluster->server = 0;
}

void pg_restart(PgCluster *cluster)
{
    start_server(cluster);
}

void pg_freeze(PgCluster *cluster)
{
    signal_all(cluster, SIGSTOP);
}

void pg_thaw(PgCluster *cluster)
{
    signal_all(cluster, SIGCONT);
}
