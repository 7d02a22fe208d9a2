/* SPDX-License-Identifier: Apache-2.0 */
/* From rows to a submission: freeze a month, check the whole file, write it, queue it.
 *
 * build_month() raises the provider's generation, streams the rows that hold at
 * it into a spool file, runs every national rule over the whole file on the way,
 * and leaves out the smallest group that the national checks would drop (the
 * whole person only for what would refuse the file), each with its cause.  When
 * something was left out the file is written again without it, until nothing
 * falls.  Then the document is checked against the XSD, and queued with all that
 * is needed to make the same bytes again.
 *
 * The spool is a cache: spool_ensure() makes a lost file again from the database
 * and compares the digest.  Nothing here sends anything. */
#pragma once

#include "daemon/config/calendar.h"
#include "daemon/dataset/checker.h"
#include "daemon/mapping/mapping.h"
#include "daemon/store/rows.h"
#include "daemon/store/submission.h"

#define DOCUMENT_FORMAT "1" /* of the XML document's form; part of what makes the same bytes */

typedef struct BuildTools {
    Store *store;
    const Dataset *dataset;
    const Mapping *mapping;
    const MappingSettings *settings;
    const Calendar *calendar;
    const Reference *reference; /* NULL: rules that need it are not checked */
    const References
        *source_references; /* organisations, teams, workers, group sessions of all feeds */
    /* Asked once the generation is raised: are source_references what the database has?  NULL: yes.
     * When they are not, the build gives up with LATER "build.references"; read them again. */
    bool (*current)(void *context, bool *ret, Error *err);
    void *current_context;
    const char *spool;               /* folder, 0700 */
    void (*progress)(void *context); /* called now and then within long work; may be NULL */
    void *progress_context;
} BuildTools;

typedef struct BuildPolicy {
    const char *route, *legal_basis;
    const char *release;    /* "automatic", "approve", "manual" */
    int64_t shrink_percent; /* a revision that lost more than this is held … */
    int64_t shrink_floor;   /* … unless it is what so many people have, and less than half */
} BuildPolicy;

typedef enum BuildOutcome {
    BUILD_QUEUED, /* a new revision is ready */
    BUILD_HELD,   /* a new revision waits for a person; `reason` says why */
    BUILD_SAME,   /* the content is what the newest revision has: nothing new */
    BUILD_EMPTY,  /* nobody is in this month: there is nothing to send */
} BuildOutcome;

typedef struct BuildResult {
    BuildOutcome outcome;
    const char *reason; /* BUILD_HELD: "shrunk", "file_findings", "approval" */
    int64_t submission;
    int revision;
    SubmissionCounts counts;
    size_t left_out;
} BuildResult;

bool build_month(const BuildTools *tools, const BuildPolicy *policy,
                 const ProviderSettings *provider, Month month, Arena *arena, BuildResult *ret,
                 Error *err);

/* The spool file of a submission, made again when it is missing or damaged.  DATA
 * "submission.purged" when a purge took rows of it; BUG "build.digest" when the bytes are not those
 * that were queued. */
bool spool_ensure(Store *store, const Dataset *dataset, const char *spool,
                  const SubmissionInfo *info, Arena *arena, const char **ret_path, Error *err);

/* Remove spool files that no submission which may still go out needs. */
bool spool_sweep(Store *store, const char *spool, Arena *arena, Error *err);
