/* SPDX-License-Identifier: Apache-2.0 */
/* Whole small files. */
#include "daemon/base/file.h"

#include "daemon/base/cleanup.h"
#include "daemon/base/text.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

bool file_read(const char *path, size_t limit, Arena *arena, char **ret_bytes, size_t *ret_size,
               Error *err)
{
    _cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC);
    struct stat info;
    if (fd < 0 || fstat(fd, &info) < 0)
        return error_errno(err, errno, "file.open", "could not open file \"%s\"", path);
    if (S_ISDIR(info.st_mode))
        return error_set(err, ERROR_CONFIG, "file.folder", "\"%s\" is a folder, not a file", path);
    Text content = text_new(arena, limit);
    char buffer[16384];
    for (;;) {
        ssize_t got = read(fd, buffer, sizeof buffer);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return error_errno(err, errno, "file.read", "could not read file \"%s\"", path);
        if (got == 0)
            break;
        text_add_bytes(&content, buffer, (size_t)got);
        if (!text_ok(&content))
            return error_set(err, ERROR_DATA, "file.size", "file \"%s\" is larger than %zu bytes",
                             path, limit);
    }
    *ret_bytes = content.bytes ? content.bytes : arena_text(arena, "");
    *ret_size = content.size;
    return true;
}

static bool write_all(int fd, const char *bytes, size_t size)
{
    while (size) {
        ssize_t wrote = write(fd, bytes, size);
        if (wrote < 0 && errno == EINTR)
            continue;
        if (wrote < 0)
            return false;
        bytes += wrote;
        size -= (size_t)wrote;
    }
    return true;
}

/* The name itself survives a power cut only when its folder has been synced. */
static bool sync_folder(const char *path)
{
    char folder[4096];
    const char *slash = strrchr(path, '/');
    int size = slash ? (int)(slash - path) : 0;
    snprintf(folder, sizeof folder, "%.*s", size ? size : 1, slash ? (size ? path : "/") : ".");
    _cleanup_close_ int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    return fd >= 0 && fsync(fd) == 0;
}

bool file_write(const char *path, const void *bytes, size_t size, unsigned mode, Error *err)
{
    char beside[4096];
    if ((size_t)snprintf(beside, sizeof beside, "%s.part", path) >= sizeof beside)
        return error_set(err, ERROR_CONFIG, "file.name", "a file name is too long");
    _cleanup_close_ int fd =
        open(beside, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode ? mode : 0600);
    if (fd < 0)
        return error_errno(err, errno, "file.create", "could not create file \"%s\"", beside);
    if (!write_all(fd, bytes, size) || fsync(fd) < 0 || rename(beside, path) < 0 ||
        !sync_folder(path)) {
        int number = errno;
        unlink(beside);
        return error_errno(err, number, "file.write", "could not write file \"%s\"", path);
    }
    return true;
}

const char *file_credential_path(const char *path, Arena *arena)
{
    static const char scheme[] = "credential:";
    if (!text_starts(path, scheme))
        return path;
    const char *folder = getenv("CREDENTIALS_DIRECTORY");
    return arena_format(arena, "%s/%s", folder ? folder : "/run/credentials/none",
                        path + sizeof scheme - 1);
}

bool file_secret(const char *path, Arena *arena, char **ret, Error *err)
{
    char *bytes;
    size_t size;
    if (!file_read(file_credential_path(path, arena), 64 << 10, arena, &bytes, &size, err))
        return error_wrap(err, "read credential");
    while (size && (bytes[size - 1] == '\n' || bytes[size - 1] == '\r'))
        bytes[--size] = '\0';
    if (!size)
        return error_set(err, ERROR_CONFIG, "file.secret", "credential file \"%s\" is empty", path);
    *ret = bytes;
    return true;
}

bool file_make_folder(const char *path, unsigned mode, Error *err)
{
    char part[4096];
    if ((size_t)snprintf(part, sizeof part, "%s", path) >= sizeof part)
        return error_set(err, ERROR_CONFIG, "file.name", "a folder name is too long");
    for (char *c = part + 1; *c; c++) {
        if (*c != '/')
            continue;
        *c = '\0';
        if (mkdir(part, 0755) < 0 && errno != EEXIST)
            return error_errno(err, errno, "file.folder", "could not make folder \"%s\"", part);
        *c = '/';
    }
    if (mkdir(part, mode) < 0 && errno != EEXIST)
        return error_errno(err, errno, "file.folder", "could not make folder \"%s\"", part);
    return true;
}

bool file_remove_folder(const char *path, Error *err)
{
    _cleanup_closedir_ DIR *folder = opendir(path);
    const struct dirent *entry;
    if (!folder)
        return errno == ENOENT ||
               error_errno(err, errno, "file.folder", "could not open folder \"%s\"", path);
    while ((entry = readdir(folder)))
        if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0 &&
            unlinkat(dirfd(folder), entry->d_name, 0) < 0)
            return error_errno(err, errno, "file.remove", "could not empty folder \"%s\"", path);
    return rmdir(path) == 0 ||
           error_errno(err, errno, "file.remove", "could not remove folder \"%s\"", path);
}
