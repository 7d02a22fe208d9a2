/* SPDX-License-Identifier: Apache-2.0 */
/* The seal's copy, kept in a second folder. */
#include "daemon/pipeline/seal_mirror.h"

#include "daemon/base/cleanup.h"
#include "daemon/base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#define PIECE ((size_t)64 << 10)
#define TAIL ((off_t)4096) /* so much of what is there must be what continues */

static bool failed(Error *err, int number)
{
    return error_errno(err, number, "seal.mirror", "could not copy the seal further");
}

/* Opens "FOLDER/NAME"; -1 in *ret for a file to read that is not there. */
static bool open_file(const char *folder, const char *name, int flags, int *ret, off_t *ret_size,
                      Error *err)
{
    char path[4096];
    struct stat status;
    if ((size_t)snprintf(path, sizeof path, "%s/%s", folder, name) >= sizeof path)
        return error_set(err, ERROR_CONFIG, "file.name", "a file name is too long");
    _cleanup_close_ int fd = open(path, flags | O_CLOEXEC | O_NOFOLLOW, 0644);
    *ret = -1;
    *ret_size = 0;
    if (fd < 0)
        return (errno == ENOENT && !(flags & O_CREAT)) || failed(err, errno);
    if (fstat(fd, &status) < 0)
        return failed(err, errno);
    *ret_size = status.st_size;
    *ret = TAKE_FD(fd);
    return true;
}

static bool same_piece(int from, int to, off_t at, size_t size)
{
    char one[TAIL], other[TAIL];
    return pread(from, one, size, at) == (ssize_t)size &&
           pread(to, other, size, at) == (ssize_t)size && memcmp(one, other, size) == 0;
}

static bool append(int from, int to, off_t at, off_t end, Error *err)
{
    char piece[PIECE];
    while (at < end) {
        size_t wanted = end - at > (off_t)PIECE ? PIECE : (size_t)(end - at);
        ssize_t got = TEMP_FAILURE_RETRY(pread(from, piece, wanted, at));
        ssize_t put = got > 0 ? TEMP_FAILURE_RETRY(pwrite(to, piece, (size_t)got, at)) : got;
        if (put <= 0)
            return failed(err, put < 0 ? errno : EIO);
        at += put;
    }
    return fdatasync(to) == 0 || failed(err, errno);
}

static bool continue_file(const char *folder, const char *mirror, const char *name, Error *err)
{
    _cleanup_close_ int from = -1, to = -1;
    off_t size, there;
    if (!open_file(folder, name, O_RDONLY, &from, &size, err))
        return false;
    if (from < 0)
        return true;
    if (!open_file(mirror, name, O_RDWR | O_CREAT, &to, &there, err))
        return false;
    off_t tail = there < TAIL ? there : TAIL;
    if (there > size || !same_piece(from, to, there - tail, (size_t)tail))
        return error_set(err, ERROR_DATA, "seal.mirror",
                         "cannot copy the seal further: its %s does not continue what was copied",
                         name);
    return there == size || append(from, to, there, size, err);
}

bool seal_mirror(const char *folder, const char *mirror, Error *err)
{
    return file_make_folder(mirror, 0755, err) && continue_file(folder, mirror, "keys.pem", err) &&
           continue_file(folder, mirror, "leaves", err) &&
           continue_file(folder, mirror, "checkpoints", err);
}
