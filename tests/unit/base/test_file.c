/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/base/file.h"
#include "tests/unit/suite.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

START_TEST(a_file_appears_whole_and_private)
{
    _cleanup_arena_ Arena *arena = arena_new(1 << 20);
    char folder[] = "/tmp/mhsflow-file-XXXXXX", path[64], *bytes;
    size_t size;
    Error err = {0};
    struct stat info;
    ck_assert_ptr_nonnull(mkdtemp(folder));
    snprintf(path, sizeof path, "%s/a/b", folder);
    ck_assert(file_make_folder(path, 0700, &err));
    snprintf(path, sizeof path, "%s/a/b/c", folder);
    ck_assert(file_write(path, "one\n", 4, 0, &err));
    ck_assert(file_write(path, "two\r\n", 5, 0, &err));
    ck_assert(stat(path, &info) == 0 && (info.st_mode & 0777) == 0600);
    ck_assert(file_read(path, 100, arena, &bytes, &size, &err));
    ck_assert_str_eq(bytes, "two\r\n");
    ck_assert(!file_read(path, 3, arena, &bytes, &size, &err));
    ck_assert_str_eq(err.code, "file.size");
    ck_assert(file_secret(path, arena, &bytes, &err));
    ck_assert_str_eq(bytes, "two");
    *strrchr(path, '/') = '\0';
    setenv("CREDENTIALS_DIRECTORY", path, 1);
    ck_assert(file_secret("credential:c", arena, &bytes, &err));
    ck_assert(!file_secret("credential:none", arena, &bytes, &err));
    ck_assert_int_eq(err.kind, ERROR_CONFIG);
    static const char *const left[] = {"/a/b", "/a", ""};
    for (size_t i = 0; i < 3; i++) {
        snprintf(path, sizeof path, "%s%s", folder, left[i]);
        ck_assert(file_remove_folder(path, &err));
    }
    ck_assert(access(folder, F_OK) < 0);
    ck_assert(file_remove_folder(folder, &err)); /* one that is not there is fine */
}
END_TEST

SUITE("base/file", a_file_appears_whole_and_private);
