/* SPDX-License-Identifier: Apache-2.0 */
/* Finds and runs PostgreSQL's own programs. */
#include "daemon/store/pg_program.h"

#include <errno.h>
#include <glob.h>
#include <spawn.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

bool pg_program_newest(Arena *arena, const char **ret)
{
    glob_t found = {0};
    long newest = 0;
    if (glob(PG_PROGRAMS "/*/bin/pg_restore", 0, NULL, &found) == 0)
        for (size_t i = 0; i < found.gl_pathc; i++) {
            long version = strtol(found.gl_pathv[i] + sizeof PG_PROGRAMS, NULL, 10);
            newest = version > newest ? version : newest;
        }
    globfree(&found);
    *ret = arena_format(arena, "%s/%ld/bin", PG_PROGRAMS, newest);
    return newest;
}

bool pg_program_run(const char *const *arguments, const char *what, Error *err)
{
    int status = 0;
    pid_t pid;
    int problem =
        posix_spawn(&pid, arguments[0], NULL, NULL, (char *const *)(uintptr_t)arguments, environ);
    if (problem)
        return error_errno(err, problem, "database.program", "could not %s", what);
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
        continue;
    return (WIFEXITED(status) && WEXITSTATUS(status) == 0) ||
           error_set(err, ERROR_LATER, "database.program",
                     "could not %s; the lines before this say why", what);
}
