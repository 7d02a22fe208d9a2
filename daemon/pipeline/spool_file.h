/* SPDX-License-Identifier: Apache-2.0 */
/* A document on its way to the spool: written beside, digested on the way, renamed when whole. */
#pragma once

#include "daemon/base/digest.h"
#include "daemon/dataset/document.h"

typedef struct SpoolFile {
    int fd;
    const char *path, *beside;
    Digest *digest;
    int64_t size;
    char buffer[1 << 16];
    size_t filled;
} SpoolFile;

/* The caller closes, whatever the outcome. */
bool spool_file_open(SpoolFile *file, const char *folder, const char *name, Arena *arena,
                     Error *err);
bool spool_file_sink(void *file, const char *bytes, size_t size, Error *err); /* a DocumentSink */
/* Writes and syncs what is left; the name is still the one beside. */
bool spool_file_finish(SpoolFile *file, uint8_t ret_digest[DIGEST_SIZE], Error *err);
bool spool_file_rename(SpoolFile *file, Error *err); /* now it has its name */
void spool_file_close(SpoolFile *file);              /* removes what was not renamed */
