/* SPDX-License-Identifier: Apache-2.0 */
/* Hold, release, retry, cancel: asked first, then done under the person's name. */
#include "daemon/console/deed.h"

#include "daemon/console/pages.h"

static const struct {
    const char *name, *title, *meaning;
} deeds[] = {
#define DEED(name, word, title, meaning) {word, title, meaning},
#include "daemon/console/deed.def"
#undef DEED
};

const char *deed_name(Deed deed)
{
    return deeds[deed].name;
}

const char *deed_title(Deed deed, const SubmissionInfo *info)
{
    bool approval = deed == DEED_RELEASE && text_equal(info->held_reason, "approval");
    return approval ? "Approve it" : deeds[deed].title;
}

const char *deed_meaning(Deed deed)
{
    return deeds[deed].meaning;
}

bool deed_find(const char *name, Deed *ret)
{
    for (int deed = 0; deed < DEED_COUNT; deed++)
        if (text_equal(deeds[deed].name, name)) {
            *ret = (Deed)deed;
            return true;
        }
    return false;
}

bool deed_allowed(Deed deed, SubmissionState state)
{
    switch (deed) {
    case DEED_RELEASE:
        return state == SUBMISSION_HELD;
    case DEED_RETRY:
        return state == SUBMISSION_READY || state == SUBMISSION_WAITING ||
               state == SUBMISSION_UNSURE || state == SUBMISSION_REJECTED;
    case DEED_HOLD:
        return state == SUBMISSION_READY;
    default:
        return state == SUBMISSION_READY || state == SUBMISSION_HELD ||
               state == SUBMISSION_REJECTED;
    }
}

bool deed_do(Store *store, Deed deed, int64_t id, const char *actor, const char *reason, Error *err)
{
    switch (deed) {
    case DEED_RELEASE:
        return submission_release(store, id, actor, reason, err);
    case DEED_RETRY:
        return submission_retry(store, id, actor, err);
    case DEED_HOLD:
        return submission_hold(store, id, actor, reason, err);
    default:
        return submission_cancel(store, id, actor, reason, err);
    }
}

static bool read_deed(const Page *page, Deed *ret_deed, SubmissionInfo *ret_info, Error *err)
{
    if (!deed_find(page_value(page, "deed"), ret_deed))
        return page_wrong(err, "There is no such thing to do.");
    return submission_get(page->store, page_number(page, "id"), page->arena, ret_info, err);
}

bool page_confirm(Page *page, Error *err)
{
    Html *html = &page->html;
    SubmissionInfo info;
    Deed deed;
    if (!read_deed(page, &deed, &info, err))
        return false;
    if (!deed_allowed(deed, info.state))
        return page_wrong(err, "Its state does not allow that any more.");
    page->title = deed_title(deed, &info);
    html_say(html, "h1", arena_format(page->arena, "%s?", deed_title(deed, &info)));
    page_facts(page);
    page_fact(page, "Submission",
              arena_format(page->arena, "%s, %s, revision %d", page_month(page, info.period),
                           info.provider, info.revision));
    page_fact(page, "State now", submission_state_name(info.state));
    page_fact(page, "People", number_text(page->arena, info.counts.people));
    page_fact(page, "What will happen", deed_meaning(deed));
    page_facts_end(page);
    page_form(page, "/submission/do");
    page_hidden(page, "id", arena_format(page->arena, "%lld", (long long)info.id));
    page_hidden(page, "deed", deed_name(deed));
    page_hidden(page, "state", submission_state_name(info.state));
    if (deed != DEED_RETRY)
        page_field(page, "reason", "Reason (optional)",
                   "Kept with the submission, under your name. Do not write about people here.",
                   NULL, "text");
    page_button(page, deed_title(deed, &info), deed == DEED_CANCEL ? "warning" : "plain");
    html_close(html);
    html_open(html, "p");
    html_say(html, "a", "No, go back",
             {"href", url_of(page->arena, "/submission",
                             {"id", arena_format(page->arena, "%lld", (long long)info.id)})});
    html_close(html);
    return true;
}

bool page_do(Page *page, Error *err)
{
    SubmissionInfo info;
    Deed deed;
    if (!read_deed(page, &deed, &info, err))
        return false;
    /* Between the question and the answer it may have moved: then the question is asked again. */
    if (!text_equal(page_value(page, "state"), submission_state_name(info.state)) ||
        !deed_allowed(deed, info.state))
        return page_wrong(err, "It has moved since you looked. Nothing was done.");
    if (!deed_do(page->store, deed, info.id, page->session.name, page_value(page, "reason"), err))
        return false;
    page_redirect(page, url_of(page->arena, "/submission",
                               {"id", arena_format(page->arena, "%lld", (long long)info.id)},
                               {"done", deed_name(deed)}));
    return true;
}
