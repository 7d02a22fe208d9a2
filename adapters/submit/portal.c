/* SPDX-License-Identifier: Apache-2.0 */
/* The hand-over for what NHS England takes today: a folder for the person who uploads.
 *
 * Handing over is PENDING, never ACCEPTED: the portal's answer comes through a
 * person (`mhsflow submission receipt`, `mhsflow submission reports`), who settles
 * it in the database.  See PORTAL.md. */
#include "adapters/submit/portal_folder.h"
#include "adapters/submit/submits.h"
#include "daemon/base/cleanup.h"
#include "daemon/base/text.h"

#include <string.h>

#define SETTINGS_CAP ((size_t)64 << 10)
#define ASK_AGAIN_MS                                                                               \
    INT64_C(21600000) /* only a person moves it on: a look every six hours will do */

typedef struct Portal {
    Arena *settings;
    PortalFolder folder;
} Portal;

static const OptionDecl options[] = {
    {"folder", OPTION_PATH, NULL, NULL, NULL, NULL, true, OPTION_RELOAD,
     "Where hand-overs are put, one folder each.  It must be there already, and readable only by "
     "those who may see patients' data."},
    {"group_reads", OPTION_BOOL, "no", NULL, NULL, NULL, false, OPTION_RELOAD,
     "Let the folder's group read hand-overs; for that the folder has the group of those who "
     "upload, and the set-group-id bit."},
    {0},
};

enum {
#define PORTAL_ANSWER(name, verdict, status, code, reason) PORTAL_ANSWER_##name,
#include "adapters/submit/portal_answer.def"
#undef PORTAL_ANSWER
};

static const SubmitAnswer answers[] = {
#define PORTAL_ANSWER(name, said, number, word, text)                                              \
    {.verdict = VERDICT_##said, .status = number, .code = word, .reason = text},
#include "adapters/submit/portal_answer.def"
#undef PORTAL_ANSWER
};

static SubmitAnswer answer(int which)
{
    SubmitAnswer answer = answers[which];
    if (answer.verdict == VERDICT_PENDING)
        answer.wait_ms = ASK_AGAIN_MS;
    return answer;
}

static void portal_close(void *self)
{
    Portal *portal = self;
    if (!portal)
        return;
    arena_free(portal->settings);
    free(portal);
}

static bool portal_open(const char *name, const Section *section, RequestSigner *signer,
                        void **ret_self, Error *err)
{
    (void)name, (void)signer, (void)err;
    Portal *portal = calloc(1, sizeof *portal);
    if (!portal)
        abort();
    portal->settings = arena_new(SETTINGS_CAP);
    portal->folder = (PortalFolder){
        .root = arena_text(portal->settings, section_text(section, "folder")),
        .group_reads = section_bool(section, "group_reads"),
    };
    *ret_self = portal;
    return true;
}

static bool portal_submit(void *self, Arena *arena, const Submission *submission, SubmitAnswer *ret,
                          Error *err)
{
    const Portal *portal = self;
    if (!portal_folder_write(&portal->folder, submission, arena, err)) {
        if (err->kind == ERROR_DATA || err->kind == ERROR_BUG)
            return false; /* of ours, not of the folder */
        error_clear(err);
        *ret = answer(PORTAL_ANSWER_FAILED);
        return true;
    }
    *ret = answer(PORTAL_ANSWER_HANDED);
    return true;
}

static bool portal_inquire(void *self, Arena *arena, const Submission *submission,
                           SubmitAnswer *ret, Error *err)
{
    const Portal *portal = self;
    (void)err;
    PortalState state = portal_folder_state(&portal->folder, submission, arena);
    *ret = answer(state == PORTAL_HANDED_OVER ? PORTAL_ANSWER_WAITS
                  : state == PORTAL_NEVER     ? PORTAL_ANSWER_NEVER
                                              : PORTAL_ANSWER_AWAY);
    return true;
}

static bool portal_probe(void *self, Arena *arena, SubmitAnswer *ret, Error *err)
{
    const Portal *portal = self;
    bool there = portal_folder_open(&portal->folder, arena, err) &&
                 access(portal->folder.root, R_OK | W_OK | X_OK) == 0;
    error_clear(err);
    *ret = answer(there ? PORTAL_ANSWER_ALIVE : PORTAL_ANSWER_AWAY);
    return true;
}

const SubmitAdapter submit_portal = {
    .name = "portal",
    .summary = "a folder for the person who uploads to the national portal",
    .options = options,
    .wants_tables = true,
    .open = portal_open,
    .submit = portal_submit,
    .inquire = portal_inquire,
    .probe = portal_probe,
    .knock = portal_probe,
    .close = portal_close,
};
