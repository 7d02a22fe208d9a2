/* SPDX-License-Identifier: Apache-2.0 */
/* One hand-over on disk. */
#include "adapters/submit/portal_folder.h"

#include "adapters/submit/portal_checklist.h"
#include "daemon/base/cleanup.h"
#include "daemon/base/digest.h"
#include "daemon/base/file.h"
#include "daemon/base/text.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#define MANIFEST_LIMIT ((size_t)256 << 10)
#define COPY_SIZE ((size_t)256 << 10)

typedef struct Draft {
    const PortalFolder *folder;
    const Submission *submission;
    const char *path, *tables; /* the hidden folder, and the tables in it */
    Text manifest;
    char *buffer;
    Arena *arena;
} Draft;

static const char *name_of(const Submission *submission, Arena *arena)
{
    return arena_format(arena, "%s_%s_%s_r%d", submission->data_set, submission->provider,
                        submission->period, submission->revision);
}

const char *portal_folder_path(const PortalFolder *folder, const Submission *submission,
                               Arena *arena)
{
    /* The key tells apart what two databases call by the same name. */
    return arena_format(arena, "%s/%s_%.12s", folder->root, name_of(submission, arena),
                        submission->idempotency_key);
}

static const char *register_path(const PortalFolder *folder, Arena *arena)
{
    return arena_format(arena, "%s/.register", folder->root);
}

static bool is_folder(const char *path)
{
    struct stat info;
    return stat(path, &info) == 0 && S_ISDIR(info.st_mode);
}

bool portal_folder_open(const PortalFolder *folder, Arena *arena, Error *err)
{
    if (!is_folder(folder->root))
        return error_set(err, ERROR_LATER, "portal.folder",
                         "could not find the hand-over folder \"%s\"", folder->root);
    return file_make_folder(register_path(folder, arena), 0700, err);
}

PortalState portal_folder_state(const PortalFolder *folder, const Submission *submission,
                                Arena *arena)
{
    const char *kept = register_path(folder, arena);
    if (!is_folder(kept))
        return PORTAL_AWAY;
    if (is_folder(portal_folder_path(folder, submission, arena)) ||
        access(arena_format(arena, "%s/%s", kept, submission->idempotency_key), F_OK) == 0)
        return PORTAL_HANDED_OVER;
    /* Anything but "not there" is no answer: a share that is going away says EIO or ESTALE. */
    return errno == ENOENT ? PORTAL_NEVER : PORTAL_AWAY;
}

/* ---- writing ---- */

static mode_t file_mode(const Draft *draft)
{
    return draft->folder->group_reads ? 0640 : 0600;
}

static bool make_folder(const Draft *draft, const char *path, Error *err)
{
    mode_t mode = draft->folder->group_reads ? 0750 : 0700;
    /* Not by mkdir's mode alone: that would leave it to the umask. */
    if (mkdir(path, mode) < 0 || chmod(path, mode) < 0)
        return error_errno(err, errno, "portal.write", "could not make folder \"%s\"", path);
    return true;
}

static bool sync_path(const char *path, Error *err)
{
    _cleanup_close_ int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    return (fd >= 0 && fsync(fd) == 0) ||
           error_errno(err, errno, "portal.write", "could not sync folder \"%s\"", path);
}

static void list(Draft *draft, const char *name, const uint8_t digest[DIGEST_SIZE])
{
    char hex[DIGEST_HEX_SIZE];
    text_addf(&draft->manifest, "%s  %s\n", digest_hex(digest, hex), name);
}

static bool write_bytes(Draft *draft, const char *name, const void *bytes, size_t size, bool listed,
                        Error *err)
{
    const char *path = arena_format(draft->arena, "%s/%s", draft->path, name);
    uint8_t digest[DIGEST_SIZE];
    digest_bytes(bytes, size, digest);
    if (listed)
        list(draft, name, digest);
    if (!file_write(path, bytes, size, file_mode(draft), err))
        return false;
    return chmod(path, file_mode(draft)) == 0 ||
           error_errno(err, errno, "portal.write", "could not set the mode of \"%s\"", path);
}

static bool put(int fd, const char *bytes, size_t size)
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

/* Streams: a document may have a gigabyte. */
static bool copy(Draft *draft, const char *from, const char *name, uint8_t ret_digest[DIGEST_SIZE],
                 Error *err)
{
    const char *to = arena_format(draft->arena, "%s/%s", draft->path, name);
    _cleanup_digest_ Digest *digest = digest_new();
    _cleanup_close_ int in = open(from, O_RDONLY | O_CLOEXEC);
    _cleanup_close_ int out = open(to, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, file_mode(draft));
    ssize_t got = 0;
    if (in < 0 || out < 0)
        return error_errno(err, errno, "portal.write", "could not copy to \"%s\"", to);
    while ((got = read(in, draft->buffer, COPY_SIZE)) != 0) {
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0 || !put(out, draft->buffer, (size_t)got))
            return error_errno(err, errno, "portal.write", "could not copy to \"%s\"", to);
        digest_add(digest, draft->buffer, (size_t)got);
    }
    if (fchmod(out, file_mode(draft)) < 0 || fsync(out) < 0)
        return error_errno(err, errno, "portal.write", "could not write file \"%s\"", to);
    digest_finish(digest, ret_digest);
    list(draft, name, ret_digest);
    return true;
}

static bool copy_document(Draft *draft, const char *name, Error *err)
{
    const Submission *submission = draft->submission;
    uint8_t digest[DIGEST_SIZE];
    if (!copy(draft, submission->document_path, arena_format(draft->arena, "%s.xml", name), digest,
              err))
        return false;
    if (memcmp(digest, submission->digest, DIGEST_SIZE) != 0)
        return error_set(err, ERROR_DATA, "portal.digest",
                         "cannot hand over a document that is not the one queued");
    return !submission->signature ||
           write_bytes(draft, arena_format(draft->arena, "%s.p7s", name), submission->signature,
                       submission->signature_size, true, err);
}

static bool copy_tables(Draft *draft, Error *err)
{
    const char *from = draft->submission->tables_path;
    _cleanup_closedir_ DIR *folder = NULL;
    const struct dirent *entry;
    if (!from)
        return error_set(err, ERROR_BUG, "portal.tables", "cannot hand over without the tables");
    folder = opendir(from);
    if (!folder)
        return error_errno(err, errno, "portal.tables", "could not open folder \"%s\"", from);
    if (!make_folder(draft, draft->tables, err))
        return false;
    while ((entry = readdir(folder))) {
        uint8_t digest[DIGEST_SIZE];
        if (entry->d_name[0] != '.' &&
            !copy(draft, arena_format(draft->arena, "%s/%s", from, entry->d_name),
                  arena_format(draft->arena, "tables/%s", entry->d_name), digest, err))
            return false;
    }
    return sync_path(draft->tables, err);
}

static bool write_draft(Draft *draft, Error *err)
{
    const char *name = name_of(draft->submission, draft->arena);
    const char *sheet = portal_checklist(draft->submission, name, draft->arena);
    return make_folder(draft, draft->path, err) && copy_tables(draft, err) &&
           copy_document(draft, name, err) &&
           write_bytes(draft, "CHECKLIST.txt", sheet, strlen(sheet), true, err) &&
           write_bytes(draft, "manifest.sha256", text_get(&draft->manifest), draft->manifest.size,
                       false, err) &&
           sync_path(draft->path, err);
}

static bool clear(const Draft *draft, Error *err)
{
    return file_remove_folder(draft->tables, err) && file_remove_folder(draft->path, err);
}

static bool show(Draft *draft, const char *whole, Error *err)
{
    if (rename(draft->path, whole) < 0 && !is_folder(whole))
        return error_errno(err, errno, "portal.write", "could not make folder \"%s\"", whole);
    return true;
}

bool portal_folder_write(const PortalFolder *folder, const Submission *submission, Arena *arena,
                         Error *err)
{
    const char *kept = register_path(folder, arena);
    const char *path =
        arena_format(arena, "%s/.making-%.12s", folder->root, submission->idempotency_key);
    Draft draft = {folder,
                   submission,
                   path,
                   arena_format(arena, "%s/tables", path),
                   text_new(arena, MANIFEST_LIMIT),
                   arena_alloc(arena, COPY_SIZE),
                   arena};
    if (!portal_folder_open(folder, arena, err) || !clear(&draft, err))
        return false;
    /* Sent back by a person, or never settled: whole as it is, and the bytes are the same. */
    if (is_folder(portal_folder_path(folder, submission, arena)))
        return true;
    if (!write_draft(&draft, err) ||
        !show(&draft, portal_folder_path(folder, submission, arena), err)) {
        clear(&draft, &(Error){0});
        return false;
    }
    /* It is handed over.  What follows only makes that last; the question finds the folder itself.
     */
    Error ignored = {0};
    sync_path(folder->root, &ignored);
    file_write(arena_format(arena, "%s/%s", kept, submission->idempotency_key), "", 0, 0600,
               &ignored);
    return true;
}
