/* SPDX-License-Identifier: Apache-2.0 */
/* Handles that close themselves when they leave scope: `_cleanup_close_ int fd = open(...)`.
 *
 * Only libc's handles are here; a room that wraps another library declares its
 * own in the same way, next to its use.  TAKE_PTR and TAKE_FD hand a handle on. */
#pragma once

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static inline void cleanup_free(void *pointer)
{
    free(*(void **)pointer);
}
static inline void cleanup_close(int *fd)
{
    if (*fd >= 0)
        close(*fd);
}
static inline void cleanup_fclose(FILE **file)
{
    if (*file)
        fclose(*file);
}
static inline void cleanup_closedir(DIR **dir)
{
    if (*dir)
        closedir(*dir);
}
#define _cleanup_free_ __attribute__((cleanup(cleanup_free)))
#define _cleanup_close_ __attribute__((cleanup(cleanup_close)))
#define _cleanup_fclose_ __attribute__((cleanup(cleanup_fclose)))
#define _cleanup_closedir_ __attribute__((cleanup(cleanup_closedir)))

/* For `DEFINE_CLEANUP(CURL *, curl_easy_cleanup, curl)` → `_cleanup_(curl)`. */
#define DEFINE_CLEANUP(type, function, name)                                                       \
    static inline void cleanup_##name(type *handle)                                                \
    {                                                                                              \
        if (*handle)                                                                               \
            function(*handle);                                                                     \
    }                                                                                              \
    struct cleanup_##name##_ends_in_a_semicolon
#define _cleanup_(name) __attribute__((cleanup(cleanup_##name)))

#define TAKE_PTR(pointer)                                                                          \
    ({                                                                                             \
        __typeof__(pointer) *take_from_ = &(pointer);                                              \
        __typeof__(pointer) taken_ = *take_from_;                                                  \
        *take_from_ = NULL;                                                                        \
        taken_;                                                                                    \
    })
#define TAKE_FD(fd)                                                                                \
    ({                                                                                             \
        int *take_from_ = &(fd);                                                                   \
        int taken_ = *take_from_;                                                                  \
        *take_from_ = -1;                                                                          \
        taken_;                                                                                    \
    })
#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))
