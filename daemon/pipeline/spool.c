/* SPDX-License-Identifier: Apache-2.0 */
/* The spool is a cache: a submission's file is made again when it is not there, the same to the
 * byte. */
#include "daemon/pipeline/build.h"

#include "daemon/base/cleanup.h"
#include "daemon/pipeline/spool_file.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Is the file there, with the bytes that were queued? */
static bool is_whole(const char *path, const SubmissionInfo *info)
{
    _cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    _cleanup_digest_ Digest *digest = digest_new();
    uint8_t found[DIGEST_SIZE];
    char buffer[1 << 16];
    ssize_t got = 0;
    if (fd < 0)
        return false;
    while ((got = read(fd, buffer, sizeof buffer)) > 0)
        digest_add(digest, buffer, (size_t)got);
    digest_finish(digest, found);
    return got == 0 && memcmp(found, info->document_digest, DIGEST_SIZE) == 0;
}

static bool take_row(void *context, const RowOut *row, Error *err)
{
    DocumentWriter *writer = context;
    const Table *table = dataset_table(writer->dataset, row->table);
    if (!table)
        return error_set(err, ERROR_CONFIG, "build.table", "the data set has no table \"%s\"",
                         row->table);
    return document_fragment(writer, table, row->fragment, row->fragment_size, err);
}

static bool write_again(Store *store, const Dataset *dataset, const SubmissionInfo *info,
                        SpoolFile *file, Error *err)
{
    DocumentWriter writer;
    uint8_t digest[DIGEST_SIZE];
    if (!document_begin(&writer, dataset, spool_file_sink, file, err) ||
        !submission_rows(store, info->id, take_row, &writer, err) || !document_end(&writer, err) ||
        !spool_file_finish(file, digest, err))
        return false;
    if (memcmp(digest, info->document_digest, DIGEST_SIZE) != 0)
        return error_set(err, ERROR_BUG, "build.digest",
                         "submission %lld made again has other bytes than were queued",
                         (long long)info->id);
    return spool_file_rename(file, err);
}

bool spool_ensure(Store *store, const Dataset *dataset, const char *spool,
                  const SubmissionInfo *info, Arena *arena, const char **ret_path, Error *err)
{
    const char *path = arena_format(arena, "%s/%s", spool, info->spool_name);
    SpoolFile file = {.fd = -1};
    if (info->purged)
        return error_set(err, ERROR_DATA, "submission.purged",
                         "cannot give the document of submission %lld: a purge deleted rows of it",
                         (long long)info->id);
    if (!is_whole(path, info)) {
        bool done = spool_file_open(&file, spool, info->spool_name, arena, err) &&
                    write_again(store, dataset, info, &file, err);
        spool_file_close(&file);
        if (!done)
            return error_wrap(err, "make the document of submission %lld again",
                              (long long)info->id);
    }
    *ret_path = path;
    return true;
}

static bool wanted(const SubmissionInfo *all, size_t count, const char *name)
{
    for (size_t i = 0; i < count; i++)
        if (text_equal(all[i].spool_name, name))
            return true;
    return false;
}

/* "NAME.xml.PID.part": does the one who writes it still live? */
static bool is_being_written(const char *name, size_t size)
{
    size_t end = size - strlen(".part"), begin = end;
    while (begin && name[begin - 1] >= '0' && name[begin - 1] <= '9')
        begin--;
    long pid = strtol(name + begin, NULL, 10);
    return begin < end && pid > 0 && (kill((pid_t)pid, 0) == 0 || errno == EPERM);
}

/* Ours, and needed by nobody. */
static bool may_go(const SubmissionInfo *all, size_t count, const char *name)
{
    size_t size = strlen(name);
    if (size > 5 && strcmp(name + size - 5, ".part") == 0)
        return !is_being_written(name, size);
    return size > 4 && strcmp(name + size - 4, ".xml") == 0 && !wanted(all, count, name);
}

bool spool_sweep(Store *store, const char *spool, Arena *arena, Error *err)
{
    SubmissionInfo *all;
    size_t count;
    if (!submission_list(store, &(SubmissionFilter){.open_only = true}, arena, &all, &count, err))
        return false;
    _cleanup_closedir_ DIR *folder = opendir(spool);
    if (!folder)
        return error_errno(err, errno, "spool.folder", "could not read the spool folder");
    for (struct dirent *entry; (entry = readdir(folder));)
        if (may_go(all, count, entry->d_name))
            unlinkat(dirfd(folder), entry->d_name, 0);
    return true;
}
