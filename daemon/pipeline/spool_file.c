/* SPDX-License-Identifier: Apache-2.0 */
/* A document on its way to the spool. */
#include "daemon/pipeline/spool_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

bool spool_file_open(SpoolFile *file, const char *folder, const char *name, Arena *arena,
                     Error *err)
{
    file->path = arena_format(arena, "%s/%s", folder, name);
    file->beside = arena_format(arena, "%s.%d.part", file->path, (int)getpid());
    file->digest = digest_new();
    file->size = 0;
    file->filled = 0;
    file->fd = open(file->beside, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    /* The group reads it where build and submit are users of their own (systemd/mhsflow.tmpfiles);
     * elsewhere the folder is closed.  The umask keeps everything else from the group. */
    return (file->fd >= 0 && fchmod(file->fd, 0640) == 0) ||
           error_errno(err, errno, "spool.create", "could not create a file in the spool");
}

static bool flush(SpoolFile *file, Error *err)
{
    for (size_t done = 0; done < file->filled;) {
        ssize_t wrote = write(file->fd, file->buffer + done, file->filled - done);
        if (wrote < 0 && errno == EINTR)
            continue;
        if (wrote < 0)
            return error_errno(err, errno, "spool.write", "could not write to the spool");
        done += (size_t)wrote;
    }
    file->filled = 0;
    return true;
}

bool spool_file_sink(void *context, const char *bytes, size_t size, Error *err)
{
    SpoolFile *file = context;
    digest_add(file->digest, bytes, size);
    file->size += (int64_t)size;
    while (size) {
        size_t fits = sizeof file->buffer - file->filled;
        fits = size < fits ? size : fits;
        memcpy(file->buffer + file->filled, bytes, fits);
        file->filled += fits;
        bytes += fits;
        size -= fits;
        if (file->filled == sizeof file->buffer && !flush(file, err))
            return false;
    }
    return true;
}

bool spool_file_finish(SpoolFile *file, uint8_t ret_digest[DIGEST_SIZE], Error *err)
{
    if (!flush(file, err))
        return false;
    if (fsync(file->fd) < 0)
        return error_errno(err, errno, "spool.sync", "could not sync a file in the spool");
    digest_finish(file->digest, ret_digest);
    return true;
}

bool spool_file_rename(SpoolFile *file, Error *err)
{
    if (rename(file->beside, file->path) < 0)
        return error_errno(err, errno, "spool.rename", "could not name a file in the spool");
    file->beside = NULL;
    return true;
}

void spool_file_close(SpoolFile *file)
{
    if (file->fd >= 0)
        close(file->fd);
    file->fd = -1;
    if (file->beside)
        unlink(file->beside);
    digest_free(file->digest);
    file->digest = NULL;
}
