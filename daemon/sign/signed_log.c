/* SPDX-License-Identifier: Apache-2.0 */
/* The signer's own list. */
#include "daemon/sign/signed_log.h"

#include "daemon/base/cleanup.h"
#include "daemon/base/clock.h"
#include "daemon/base/text.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define LINE_LIMIT 256

struct SignedLog {
    int fd;
};

/* A line that a crash cut short gets its end, so that the next one stands alone. */
static bool end_last_line(int fd, Error *err)
{
    off_t size = lseek(fd, 0, SEEK_END);
    char last = '\n';
    if (size > 0 && pread(fd, &last, 1, size - 1) != 1)
        return error_errno(err, errno, "sign.log", "could not read the list of signatures");
    if (last != '\n' && write(fd, "\n", 1) != 1)
        return error_errno(err, errno, "sign.log", "could not write the list of signatures");
    return true;
}

bool signed_log_open(const char *path, SignedLog **ret, Error *err)
{
    _cleanup_close_ int fd = open(path, O_RDWR | O_APPEND | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0640);
    if (fd < 0)
        return error_errno(err, errno, "sign.log", "could not open the list of signatures \"%s\"",
                           path);
    if (!end_last_line(fd, err))
        return false;
    SignedLog *log = malloc(sizeof *log);
    if (!log)
        abort();
    log->fd = TAKE_FD(fd);
    *ret = log;
    return true;
}

void signed_log_close(SignedLog *log)
{
    if (!log)
        return;
    close(log->fd);
    free(log);
}

bool signed_log_append(SignedLog *log, const SignedEntry *entry, Error *err)
{
    char at[CLOCK_TEXT_SIZE], hex[DIGEST_HEX_SIZE], line[LINE_LIMIT];
    int size = snprintf(line, sizeof line, "%s %s %s %" PRId64 " %s\n", clock_format(entry->at, at),
                        sign_kind_name(entry->kind), entry->key_id, entry->submission,
                        digest_hex(entry->digest, hex));
    ssize_t written = TEMP_FAILURE_RETRY(write(log->fd, line, (size_t)size));
    if (written != size) {
        error_errno(err, written < 0 ? errno : ENOSPC, "sign.log",
                    "could not write the list of signatures");
        end_last_line(log->fd, &(Error){0});
        return false;
    }
    if (fdatasync(log->fd) < 0) {
        error_errno(err, errno, "sign.log", "could not sync the list of signatures");
        err->kind = ERROR_BUG;
        return false;
    }
    return true;
}

static bool parse_line(char *line, SignedEntry *ret)
{
    char *words[5], *rest = NULL;
    size_t count = 0;
    for (char *word = strtok_r(line, " \n", &rest); word; word = strtok_r(NULL, " \n", &rest)) {
        if (count == COUNT_OF(words))
            return false;
        words[count++] = word;
    }
    if (count != COUNT_OF(words) || strlen(words[2]) != SIGN_KEY_ID_SIZE)
        return false;
    *ret = (SignedEntry){.kind = SIGN_KEY};
    for (SignKind kind = SIGN_DOCUMENT; kind <= SIGN_REQUEST; kind++)
        if (strcmp(words[1], sign_kind_name(kind)) == 0)
            ret->kind = kind;
    memcpy(ret->key_id, words[2], SIGN_KEY_ID_SIZE);
    return ret->kind != SIGN_KEY && clock_parse(words[0], &ret->at) &&
           text_to_int64(words[3], &ret->submission) && digest_from_hex(words[4], ret->digest);
}

bool signed_log_read(const char *path, SignedSink sink, void *data, int64_t *ret_damaged,
                     Error *err)
{
    _cleanup_fclose_ FILE *file = fopen(path, "re");
    if (!file)
        return error_errno(err, errno, "sign.log", "could not open the list of signatures \"%s\"",
                           path);
    int64_t damaged = 0;
    _cleanup_free_ char *line = NULL;
    size_t room = 0;
    ssize_t size;
    while ((size = getline(&line, &room, file)) > 0) {
        SignedEntry entry;
        bool whole = line[size - 1] == '\n' && size < LINE_LIMIT && strlen(line) == (size_t)size;
        if (!whole || !parse_line(line, &entry))
            damaged++;
        else if (!sink(data, &entry, err))
            return false;
    }
    *ret_damaged = damaged;
    return true;
}
