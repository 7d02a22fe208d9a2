/* SPDX-License-Identifier: Apache-2.0 */
/* Whole small files, and files that appear complete or not at all. */
#pragma once

#include "daemon/base/arena.h"

/* The content with one NUL after it; ERROR_DATA "file.size" when larger than `limit`. */
bool file_read(const char *path, size_t limit, Arena *arena, char **ret_bytes, size_t *ret_size,
               Error *err);

/* Write beside, fsync, rename over, fsync the folder.  Mode 0600 unless said. */
bool file_write(const char *path, const void *bytes, size_t size, unsigned mode, Error *err);

/* A secret from a credential file: trailing line feed cut, at most 64 KiB.  The path may begin with
 * "credential:NAME", which is $CREDENTIALS_DIRECTORY/NAME. */
bool file_secret(const char *path, Arena *arena, char **ret, Error *err);
const char *file_credential_path(const char *path, Arena *arena);

bool file_make_folder(const char *path, unsigned mode, Error *err); /* parents too */

/* The files that lie directly in a folder, and the folder; one that is not there is fine.  A folder
 * inside it is not entered, and makes this fail. */
bool file_remove_folder(const char *path, Error *err);
