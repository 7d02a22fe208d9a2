/* SPDX-License-Identifier: Apache-2.0 */
/* The CSV files of one drop, a folder or a zip file, as private working copies in UTF-8. */
#include "adapters/feed/drop_files.h"

#include "adapters/feed/drop_encoding.h"
#include "daemon/base/cleanup.h"
#include "daemon/base/text.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <zip.h>

#define FILES_MOST 64
#define CHUNK ((size_t)64 << 10)

DEFINE_CLEANUP(zip_t *, zip_discard, zip);
DEFINE_CLEANUP(zip_file_t *, (void)zip_fclose, zip_file);

typedef struct Unpacking {
    const char *folder; /* where working copies may lie */
    int64_t left;       /* of size_limit */
    Arena *arena;
    DropProblems *problems;
    DropFiles *files;
} Unpacking;

/* Without a name from the start where the file system can do that; else in memory. */
static int nameless(const char *folder)
{
    int fd = open(folder, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
    return fd >= 0 ? fd : memfd_create("drop", MFD_CLOEXEC);
}

static bool write_all(int fd, const char *bytes, size_t size, Error *err)
{
    while (size) {
        ssize_t done = write(fd, bytes, size);
        if (done < 0 && errno == EINTR)
            continue;
        if (done < 0)
            return error_errno(err, errno, "drop.copy", "could not write a working copy");
        bytes += done;
        size -= (size_t)done;
    }
    return true;
}

/* Bytes of one file from wherever they are: -1 when they cannot be read. */
typedef int64_t (*Source)(void *from, char *bytes, size_t size);

static int64_t from_file(void *from, char *bytes, size_t size)
{
    ssize_t done;
    do
        done = read(*(int *)from, bytes, size);
    while (done < 0 && errno == EINTR);
    return done;
}

static int64_t from_zip(void *from, char *bytes, size_t size)
{
    return zip_fread(from, bytes, size);
}

/* Into file->fd.  False with a problem, or with *err. */
static bool copy_bytes(Unpacking *work, Source source, void *from, DropFile *file, Error *err)
{
    char bytes[CHUNK];
    uint8_t sum[DIGEST_SIZE];
    int64_t got;
    _cleanup_digest_ Digest *digest = digest_new();
    while ((got = source(from, bytes, sizeof bytes)) > 0) {
        if (got > work->left) {
            drop_problem_add(work->problems, DROP_SIZE, file->name, 0, NULL);
            return true;
        }
        work->left -= got;
        file->size += got;
        digest_add(digest, bytes, (size_t)got);
        if (!write_all(file->fd, bytes, (size_t)got, err))
            return false;
    }
    if (got < 0)
        drop_problem_add(work->problems, DROP_UNREADABLE, file->name, 0, NULL);
    digest_finish(digest, sum);
    digest_hex(sum, file->sha256);
    return true;
}

/* The copy in UTF-8: as it is, or written anew from Windows-1252. */
static bool to_utf8(Unpacking *work, DropFile *file, Error *err)
{
    if (!file->size || work->problems->refused)
        return true;
    size_t size = (size_t)file->size;
    char *bytes = mmap(NULL, size, PROT_READ, MAP_SHARED, file->fd, 0);
    if (bytes == MAP_FAILED)
        return error_errno(err, errno, "drop.copy", "could not look at a working copy");
    bool done = true;
    if (!drop_is_utf8(bytes, size)) {
        int fd = nameless(work->folder);
        DropRecoding recoding =
            fd < 0 ? DROP_RECODING_FAILED : drop_recode_windows_1252(bytes, size, fd);
        if (recoding == DROP_RECODING_FAILED)
            done = error_errno(err, errno, "drop.copy", "could not write a working copy");
        drop_problem_add(work->problems,
                         recoding == DROP_RECODED ? DROP_WINDOWS_1252 : DROP_ENCODING_BAD,
                         file->name, 0, NULL);
        if (fd >= 0) {
            close(file->fd);
            file->fd = fd;
        }
    }
    munmap(bytes, size);
    return done;
}

static bool keep_file(Unpacking *work, const char *name, Source source, void *from, Error *err)
{
    DropFiles *files = work->files;
    if (files->count == FILES_MOST) {
        drop_problem_add(work->problems, DROP_ENTRY, NULL, 0, NULL);
        return true;
    }
    files->items =
        arena_grow(work->arena, files->items, files->count, &files->capacity, sizeof *files->items);
    DropFile *file = &files->items[files->count];
    *file = (DropFile){.name = arena_text(work->arena, name), .fd = nameless(work->folder)};
    if (file->fd < 0)
        return error_errno(err, errno, "drop.copy", "could not make a working copy");
    files->count++;
    if (!copy_bytes(work, source, from, file, err) || !to_utf8(work, file, err))
        return false;
    file->path = arena_format(work->arena, "/proc/self/fd/%d", file->fd);
    return true;
}

/* A plain name of a CSV file.  What is no CSV file is not looked at. */
static bool is_csv(const char *name)
{
    size_t size = strlen(name);
    return size > 4 && size <= 120 && strcasecmp(name + size - 4, ".csv") == 0 &&
           !strchr(name, '/') && !strchr(name, '\\') && text_is_utf8(name, size);
}

/* ---- a zip file ---- */

static bool unpack_entry(Unpacking *work, zip_t *zip, uint64_t index, Error *err)
{
    zip_stat_t about;
    zip_stat_init(&about);
    if (zip_stat_index(zip, index, 0, &about) < 0 || !(about.valid & ZIP_STAT_NAME)) {
        drop_problem_add(work->problems, DROP_UNREADABLE, NULL, 0, NULL);
        return true;
    }
    if ((about.valid & ZIP_STAT_ENCRYPTION_METHOD && about.encryption_method != ZIP_EM_NONE) ||
        strpbrk(about.name, "/\\")) {
        drop_problem_add(work->problems, DROP_ENTRY, NULL, 0, NULL);
        return true;
    }
    if (!is_csv(about.name))
        return true;
    _cleanup_(zip_file) zip_file_t *file = zip_fopen_index(zip, index, 0);
    if (!file) {
        drop_problem_add(work->problems, DROP_UNREADABLE, about.name, 0, NULL);
        return true;
    }
    return keep_file(work, about.name, from_zip, file, err);
}

static bool hash_of_file(int fd, char ret[DIGEST_HEX_SIZE])
{
    char bytes[CHUNK];
    uint8_t sum[DIGEST_SIZE];
    int64_t got;
    _cleanup_digest_ Digest *digest = digest_new();
    while ((got = from_file(&fd, bytes, sizeof bytes)) > 0)
        digest_add(digest, bytes, (size_t)got);
    digest_finish(digest, sum);
    digest_hex(sum, ret);
    return got == 0 && lseek(fd, 0, SEEK_SET) == 0;
}

static bool unpack_zip(Unpacking *work, int fd, const char *sha256, Error *err)
{
    char own[DIGEST_HEX_SIZE];
    int number = 0;
    if (!hash_of_file(fd, own))
        return error_errno(err, errno, "drop.read", "could not read a drop");
    if (sha256 && strcasecmp(own, sha256) != 0) {
        drop_problem_add(work->problems, DROP_HASH, NULL, 0, NULL);
        return true;
    }
    int own_fd = dup(fd);
    _cleanup_(zip) zip_t *zip = own_fd < 0 ? NULL : zip_fdopen(own_fd, ZIP_CHECKCONS, &number);
    if (!zip) {
        if (own_fd >= 0)
            close(own_fd);
        drop_problem_add(work->problems, DROP_UNREADABLE, NULL, 0, NULL);
        return true;
    }
    int64_t count = zip_get_num_entries(zip, 0);
    if (count > FILES_MOST)
        drop_problem_add(work->problems, DROP_ENTRY, NULL, 0, NULL);
    for (int64_t i = 0; i < count && !work->problems->refused; i++)
        if (!unpack_entry(work, zip, (uint64_t)i, err))
            return false;
    return true;
}

/* ---- a folder ---- */

static bool read_folder(Unpacking *work, int fd, const char *sha256, Error *err)
{
    int own_fd = dup(fd);
    _cleanup_closedir_ DIR *folder = own_fd < 0 ? NULL : fdopendir(own_fd);
    if (!folder)
        return error_errno(err, errno, "drop.read", "could not read a drop's folder");
    for (struct dirent *entry; (entry = readdir(folder)) && !work->problems->refused;) {
        struct stat about;
        if (!is_csv(entry->d_name))
            continue;
        _cleanup_close_ int file =
            openat(fd, entry->d_name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK);
        if (file < 0 || fstat(file, &about) < 0)
            return error_errno(err, errno, "drop.read", "could not read a drop's file");
        if (!S_ISREG(about.st_mode))
            drop_problem_add(work->problems, DROP_ENTRY, NULL, 0, NULL);
        else if (!keep_file(work, entry->d_name, from_file, &file, err))
            return false;
    }
    const DropFile *manifest = drop_files_find(work->files, "manifest.csv");
    if (sha256 && (!manifest || strcasecmp(manifest->sha256, sha256) != 0))
        drop_problem_add(work->problems, DROP_HASH, NULL, 0, NULL);
    return true;
}

/* ---- both ---- */

static int by_name(const void *a, const void *b)
{
    return strcmp(((const DropFile *)a)->name, ((const DropFile *)b)->name);
}

static void sign_contents(DropFiles *files)
{
    uint8_t sum[DIGEST_SIZE];
    _cleanup_digest_ Digest *digest = digest_new();
    if (files->count)
        qsort(files->items, files->count, sizeof *files->items, by_name);
    for (size_t i = 0; i < files->count; i++) {
        digest_add(digest, files->items[i].name, strlen(files->items[i].name) + 1);
        digest_add(digest, files->items[i].sha256, DIGEST_HEX_SIZE);
    }
    digest_finish(digest, sum);
    digest_hex(sum, files->digest);
}

bool drop_files_open(const char *path, const char *sha256, int64_t size_limit, Arena *arena,
                     DropProblems *problems, DropFiles *ret, Error *err)
{
    struct stat about;
    const char *slash = strrchr(path, '/');
    const char *folder =
        slash ? arena_copy(arena, path, (size_t)(slash - path)) : arena_text(arena, ".");
    *ret = (DropFiles){0};
    Unpacking work = {
        .folder = folder, .left = size_limit, .arena = arena, .problems = problems, .files = ret};
    _cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    if (fd < 0 || fstat(fd, &about) < 0)
        return error_errno(err, errno, "drop.read", "could not read a drop");
    if (S_ISDIR(about.st_mode) ? !read_folder(&work, fd, sha256, err)
                               : !unpack_zip(&work, fd, sha256, err))
        return false;
    sign_contents(ret);
    return true;
}

void drop_files_close(DropFiles *files)
{
    for (size_t i = 0; i < files->count; i++)
        if (files->items[i].fd >= 0)
            close(files->items[i].fd);
    *files = (DropFiles){0};
}

const DropFile *drop_files_find(const DropFiles *files, const char *name)
{
    for (size_t i = 0; i < files->count; i++)
        if (strcmp(files->items[i].name, name) == 0)
            return &files->items[i];
    return NULL;
}
