/* SPDX-License-Identifier: Apache-2.0 */
/* A folder of drops, an adapter over it, and what a database would have after each page. */
#pragma once

#include "adapters/adapter.h"

#include <check.h>

typedef struct DropCase {
    const FeedAdapter *adapter;
    char folder[64];
    Arena *arena, *work;
    void *self;
    FeedCursor cursor;
    FeedPage page;
    FeedWait wait;
    int64_t swept; /* by the last drain; 0: never */
    Error err;
    char
        seen[8192]; /* "type:id type:id …" as they came; - for a deletion, ! for a refusal's code */
} DropCase;

DropCase *drop_case_new(const FeedAdapter *adapter, const char *more_settings);
void drop_case_free(DropCase *at);

/* One file below the folder; folders are made. */
void drop_case_write(DropCase *at, const char *name, const char *text);
void drop_case_write_bytes(DropCase *at, const char *name, const void *bytes, size_t size);
/* A whole CSV drop as a folder: FILE, TEXT pairs, NULL at the end.  The manifest and the hash
 * beside are made. */
void drop_case_drop(DropCase *at, const char *name, ...);
/* The same as a zip file. */
void drop_case_zip(DropCase *at, const char *name, ...);

/* The process is gone; another one begins with what was committed. */
void drop_case_restart(DropCase *at);
/* One page.  `commit` false: the caller could not store it. */
bool drop_case_fetch(DropCase *at, bool commit);
/* A person says yes to what the last fetch held back. */
void drop_case_allow(DropCase *at);
/* Pages until no more waits. */
void drop_case_drain(DropCase *at);
bool drop_case_has(const DropCase *at, const char *name); /* below the folder */
const char *drop_case_read(DropCase *at, const char *name);
/* The JSON of the record that came last with this id in the last page; NULL: none. */
const char *drop_case_json(const DropCase *at, const char *id);
