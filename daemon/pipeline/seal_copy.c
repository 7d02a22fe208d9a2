/* SPDX-License-Identifier: Apache-2.0 */
/* The seal's copy outside the database. */
#include "daemon/pipeline/seal_copy.h"

#include "daemon/base/cleanup.h"
#include "daemon/base/clock.h"
#include "daemon/base/file.h"
#include "daemon/base/text.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

#define NOTES_LIMIT ((size_t)1 << 30)
#define KEYS_LIMIT ((size_t)64 << 10)

struct SealCopy {
    int checkpoints, leaves;
};

const char *seal_copy_path(const char *folder, const char *name, Arena *arena)
{
    return arena_format(arena, "%s/%s", folder, name);
}

/* ---- a checkpoint's text ---- */

const char *seal_head_text(const SealHead *head, const char *name, Arena *arena)
{
    char at[CLOCK_TEXT_SIZE];
    return arena_format(arena, "%s\n%lld\n%s\n%s\n", name, (long long)head->size,
                        base64_encode(arena, head->root, DIGEST_SIZE), clock_format(head->at, at));
}

bool seal_head_parse(const char *text, SealHead *ret)
{
    _cleanup_arena_ Arena *arena = arena_new(65536);
    const char *lines[4];
    size_t count = 0, size;
    uint8_t *root;
    SealHead head;
    char *rest = strlen(text) < 4096 ? arena_text(arena, text) : NULL;
    for (char *end; rest && (end = strchr(rest, '\n')); rest = end + 1) {
        if (count == COUNT_OF(lines))
            return false;
        *end = '\0';
        lines[count++] = rest;
    }
    if (count != COUNT_OF(lines) || !text_to_int64(lines[1], &head.size) || head.size < 0 ||
        !base64_decode(arena, lines[2], strlen(lines[2]), &root, &size) || size != DIGEST_SIZE ||
        !clock_parse(lines[3], &head.at))
        return false;
    memcpy(head.root, root, DIGEST_SIZE);
    *ret = head;
    return true;
}

/* ---- reading ---- */

/* Where the last whole note ends: after its second empty line. */
static size_t split_notes(char *bytes, size_t size, Arena *arena, const char ***ret,
                          size_t *ret_count)
{
    const char **notes = NULL;
    size_t count = 0, capacity = 0, start = 0;
    for (;;) {
        char *middle = start < size ? strstr(bytes + start, "\n\n") : NULL;
        char *end = middle ? strstr(middle + 2, "\n\n") : NULL;
        if (!end)
            break;
        notes = arena_grow(arena, notes, count, &capacity, sizeof *notes);
        notes[count++] = arena_copy(arena, bytes + start, (size_t)(end + 1 - bytes) - start);
        start = (size_t)(end + 2 - bytes);
    }
    *ret = notes;
    *ret_count = count;
    return start;
}

static bool read_notes(const char *folder, Arena *arena, const char ***ret, size_t *ret_count,
                       size_t *ret_end, Error *err)
{
    const char *path = seal_copy_path(folder, "checkpoints", arena);
    struct stat status;
    char *bytes;
    size_t size;
    *ret = NULL;
    *ret_count = *ret_end = 0;
    if (stat(path, &status) < 0 && errno == ENOENT)
        return true;
    if (!file_read(path, NOTES_LIMIT, arena, &bytes, &size, err))
        return error_wrap(err, "reading the checkpoints outside the database");
    *ret_end = split_notes(bytes, size, arena, ret, ret_count);
    return true;
}

bool seal_copy_notes(const char *folder, Arena *arena, const char *const **ret, size_t *ret_count,
                     Error *err)
{
    const char **notes;
    size_t end;
    if (!read_notes(folder, arena, &notes, ret_count, &end, err))
        return false;
    *ret = notes;
    return true;
}

bool seal_copy_leaves(const char *folder, const uint8_t (**ret)[DIGEST_SIZE], int64_t *ret_count,
                      Error *err)
{
    _cleanup_arena_ Arena *arena = arena_new(65536);
    struct stat status;
    _cleanup_close_ int fd = open(seal_copy_path(folder, "leaves", arena), O_RDONLY | O_CLOEXEC);
    *ret = NULL;
    *ret_count = 0;
    if (fd < 0 && errno == ENOENT)
        return true;
    if (fd < 0 || fstat(fd, &status) < 0)
        return error_errno(err, errno, "seal.copy", "could not read the copy of the leaves");
    if (status.st_size < DIGEST_SIZE)
        return true;
    int64_t count = status.st_size / DIGEST_SIZE;
    void *map = mmap(NULL, (size_t)count * DIGEST_SIZE, PROT_READ, MAP_PRIVATE, fd, 0);
    if (map == MAP_FAILED)
        return error_errno(err, errno, "seal.copy", "could not read the copy of the leaves");
    *ret = map;
    *ret_count = count;
    return true;
}

void seal_copy_unmap(const uint8_t (*leaves)[DIGEST_SIZE], int64_t count)
{
    if (leaves)
        munmap((void *)(uintptr_t)leaves, (size_t)count * DIGEST_SIZE);
}

/* ---- writing ---- */

static bool failed(Error *err, int number, const char *what)
{
    return error_errno(err, number, "seal.copy", "could not %s the seal's copy", what);
}

static bool open_file(const char *folder, const char *name, int *ret, Error *err)
{
    _cleanup_arena_ Arena *arena = arena_new(65536);
    _cleanup_close_ int fd =
        open(seal_copy_path(folder, name, arena), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0644);
    if (fd < 0 || fchmod(fd, 0644) < 0) /* readable for all, whatever the umask */
        return failed(err, errno, "open");
    *ret = TAKE_FD(fd);
    return true;
}

static bool write_at(int fd, const void *bytes, size_t size, off_t at, Error *err)
{
    const char *from = bytes;
    while (size > 0) {
        ssize_t written = TEMP_FAILURE_RETRY(pwrite(fd, from, size, at));
        if (written <= 0)
            return failed(err, written < 0 ? errno : ENOSPC, "write");
        from += written;
        at += written;
        size -= (size_t)written;
    }
    /* What the disk holds after a failed sync is unknown: only a new start may look again. */
    if (fdatasync(fd) < 0) {
        failed(err, errno, "sync");
        err->kind = ERROR_BUG;
        return false;
    }
    return true;
}

static bool add_key(const char *folder, const char *public_key, Error *err)
{
    _cleanup_arena_ Arena *arena = arena_new(KEYS_LIMIT * 4);
    const char *path = seal_copy_path(folder, "keys.pem", arena);
    char *text = arena_text(arena, "");
    size_t size = 0;
    if (access(path, F_OK) == 0 && !file_read(path, KEYS_LIMIT, arena, &text, &size, err))
        return false;
    if (strstr(text, public_key))
        return true;
    const char *whole = arena_format(arena, "%s%s", text, public_key);
    return file_write(path, whole, strlen(whole), 0644, err);
}

static bool cut_end(SealCopy *copy, const char *folder, Error *err)
{
    _cleanup_arena_ Arena *arena = arena_new(NOTES_LIMIT * 3);
    const char **notes;
    size_t count, end;
    if (!read_notes(folder, arena, &notes, &count, &end, err))
        return false;
    return ftruncate(copy->checkpoints, (off_t)end) == 0 || failed(err, errno, "cut");
}

bool seal_copy_open(const char *folder, const char *public_key, SealCopy **ret, Error *err)
{
    SealCopy *copy = calloc(1, sizeof *copy);
    if (!copy)
        abort();
    copy->checkpoints = copy->leaves = -1;
    if (!file_make_folder(folder, 0755, err) || !add_key(folder, public_key, err) ||
        !open_file(folder, "checkpoints", &copy->checkpoints, err) ||
        !open_file(folder, "leaves", &copy->leaves, err) || !cut_end(copy, folder, err)) {
        seal_copy_close(copy);
        return false;
    }
    *ret = copy;
    return true;
}

bool seal_copy_append(SealCopy *copy, int64_t first, const uint8_t (*leaves)[DIGEST_SIZE],
                      size_t count, const char *const *notes, size_t note_count, Error *err)
{
    _cleanup_arena_ Arena *arena = arena_new(NOTES_LIMIT * 2);
    Text text = text_new(arena, NOTES_LIMIT);
    off_t end = lseek(copy->checkpoints, 0, SEEK_END);
    for (size_t i = 0; i < note_count; i++) {
        text_add(&text, notes[i]);
        text_add(&text, "\n");
    }
    if (end < 0)
        return failed(err, errno, "read");
    if (count &&
        !write_at(copy->leaves, leaves, count * DIGEST_SIZE, (off_t)first * DIGEST_SIZE, err))
        return false;
    if (write_at(copy->checkpoints, text_get(&text), text.size, end, err))
        return true;
    if (ftruncate(copy->checkpoints, end) < 0) /* half a note must not stay before the next */
        err->kind = ERROR_BUG;
    return false;
}

void seal_copy_close(SealCopy *copy)
{
    if (!copy)
        return;
    if (copy->checkpoints >= 0)
        close(copy->checkpoints);
    if (copy->leaves >= 0)
        close(copy->leaves);
    free(copy);
}
