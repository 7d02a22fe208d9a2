/* SPDX-License-Identifier: Apache-2.0 */
/* One hand-over on disk: a folder that is there whole or not at all.
 *
 * Everything is written and synced in a hidden folder beside it, which is then
 * renamed.  The register (.register/KEY, empty files) remembers what was handed
 * over after a person has taken the folder away.  Names hold the data set, the
 * provider, the month and the revision; never anything of a record. */
#pragma once

#include "adapters/adapter.h"

typedef struct PortalFolder {
    const char *root;
    bool group_reads; /* 0750 and 0640 instead of 0700 and 0600 */
} PortalFolder;

/* Where a submission's hand-over lies, or would. */
const char *portal_folder_path(const PortalFolder *folder, const Submission *submission,
                               Arena *arena);

/* The root must be there: a share that is not mounted must not be written under. */
bool portal_folder_open(const PortalFolder *folder, Arena *arena, Error *err);

typedef enum PortalState {
    PORTAL_AWAY,        /* the root or its register is not there: nothing can be said */
    PORTAL_HANDED_OVER, /* the folder is there, or was */
    PORTAL_NEVER,
} PortalState;
PortalState portal_folder_state(const PortalFolder *folder, const Submission *submission,
                                Arena *arena);

/* A folder that is there already is left as it is.  False: certainly nothing was handed over.  DATA
 * "portal.digest" when the document is not the one that was queued. */
bool portal_folder_write(const PortalFolder *folder, const Submission *submission, Arena *arena,
                         Error *err);
