/* SPDX-License-Identifier: Apache-2.0 */
/* One submission's life on one screen: what it is, what happened to it, what is next. */
#include "daemon/commands/queue_show.h"

#include "daemon/base/clock.h"
#include "daemon/base/text.h"
#include "daemon/commands/listing.h"
#include "daemon/commands/store_open.h"

static const char *held_words(const char *reason)
{
    static const char *const words[][2] = {
        {"restored", "the first since a backup was restored: the receiver may have a newer one"},
        {"shrunk", "much smaller than the last accepted one"},
        {"file_findings", "the whole file would be refused"},
        {"approval", "waits for approval"},
        {"person", "held by a person"},
    };

    for (size_t i = 0; reason && i < sizeof(words) / sizeof(words[0]); i++)
        if (text_equal(words[i][0], reason))
            return words[i][1];
    return reason;
}

static const char *next_words(const CommandContext *context, const SubmissionInfo *info,
                              const char *what)
{
    int64_t wait = info->next_at - clock_wall();
    const char *code = info->last_code ? info->last_code : "";

    if (wait <= 0)
        return *code ? arena_format(context->arena, "%s now (%s)", what, code)
                     : arena_format(context->arena, "%s now", what);
    return arena_format(context->arena, "%s in %s%s%s%s", what, shown_distance(context, wait),
                        *code ? " (" : "", code, *code ? ")" : "");
}

const char *queue_why(const CommandContext *context, const SubmissionInfo *info)
{
    switch (info->state) {
    case SUBMISSION_READY:
        return next_words(context, info, info->attempts ? "tried again" : "sent");
    case SUBMISSION_SENDING:
        return "on its way";
    case SUBMISSION_WAITING:
        return next_words(context, info, "asked");
    case SUBMISSION_UNSURE:
        return next_words(context, info, "outcome unknown: asked");
    case SUBMISSION_REJECTED:
        return info->last_reason ? info->last_reason : info->last_code;
    case SUBMISSION_HELD:
        if (info->person_reason && info->held_by)
            return arena_format(context->arena, "%s (%s): %s", held_words(info->held_reason),
                                info->held_by, info->person_reason);
        return held_words(info->held_reason);
    case SUBMISSION_CANCELLED:
        return info->person_reason;
    default:
        return NULL;
    }
}

static const char *next_step(const SubmissionInfo *info)
{
    switch (info->state) {
    case SUBMISSION_HELD:
        return "look, then `mhsflow queue release ID` or `mhsflow queue cancel ID`";
    case SUBMISSION_REJECTED:
        return "correct what `mhsflow finding list` shows: a new revision follows by itself";
    case SUBMISSION_UNSURE:
        return "nothing: the receiver is asked before anything is sent again";
    default:
        return NULL;
    }
}

static void show_head(CommandContext *context, Details *details, const SubmissionInfo *info)
{
    char hex[DIGEST_HEX_SIZE];
    Arena *arena = context->arena;

    details_number(details, "id", "submission", info->id);
    details_text(details, "state", "state", submission_state_name(info->state));
    details_text(details, "why", "why", queue_why(context, info));
    details_text(details, "next", "next", next_step(info));
    details_text(details, "provider", "provider", info->provider);
    details_text(details, "period", "month", month_text(context, info->period));
    details_number(details, "revision", "revision", info->revision);
    details_text(details, "data_set", "data set", info->data_set);
    details_number(details, "people", "people", info->counts.people);
    details_number(details, "referrals", "referrals", info->counts.referrals);
    details_number(details, "contacts", "contacts", info->counts.contacts);
    details_number(details, "rows", "rows", info->counts.rows);
    details_number(details, "left_out", "rows left out", info->left_out);
    details_text(details, "deadline", "due",
                 context->json ? json_time(context, info->deadline)
                               : shown_time(context, info->deadline));
    details_text(details, "created_at", "built",
                 context->json ? json_time(context, info->created_at)
                               : shown_time(context, info->created_at));
    details_text(details, "legal_basis", "legal basis", info->legal_basis);
    details_text(details, "route", "route", info->route);
    details_text(details, "reference", "receipt", info->reference);
    details_text(details, "document_digest", "sha256",
                 arena_text(arena, digest_hex(info->document_digest, hex)));
    details_number(details, "document_size", "bytes", info->document_size);
    details_text(details, "signed", "signed", info->signature ? "yes" : "not yet");
    details_text(details, "mapping_version", "mapping", info->mapping_version);
    details_text(details, "program_version", "made by",
                 arena_format(arena, "mhsflow %s", info->program_version));
    details_text(details, "released_by", "released by", info->released_by);
    details_text(details, "cancelled_by", "cancelled by", info->cancelled_by);
}

static const char *event_words(const CommandContext *context, const SubmissionEvent *event)
{
    Text text = text_new(context->arena, 2048);

    if (event->from || event->to)
        text_addf(&text, "%s%s%s  ", event->from ? event->from : "",
                  event->from && event->to ? " → " : "", event->to ? event->to : "");
    if (event->attempt)
        text_addf(&text, "attempt %d  ", event->attempt);
    if (event->status)
        text_addf(&text, "status %d  ", event->status);
    if (event->code)
        text_addf(&text, "%s  ", event->code);
    if (event->reference)
        text_addf(&text, "receipt %s  ", event->reference);
    if (event->actor)
        text_addf(&text, "by %s  ", event->actor);
    text_add(&text, event->reason);
    return text_get(&text);
}

static json_t *text_or_null(const char *text)
{
    return text ? json_string(text) : json_null();
}

static json_t *event_json(const CommandContext *context, const SubmissionEvent *event)
{
    json_t *object = json_object();

    json_object_set_new(object, "at", text_or_null(json_time(context, event->at)));
    json_object_set_new(object, "kind", text_or_null(event->kind));
    json_object_set_new(object, "event", text_or_null(event->event));
    json_object_set_new(object, "from", text_or_null(event->from));
    json_object_set_new(object, "to", text_or_null(event->to));
    json_object_set_new(object, "attempt", json_integer(event->attempt));
    json_object_set_new(object, "status", json_integer(event->status));
    json_object_set_new(object, "code", text_or_null(event->code));
    json_object_set_new(object, "reference", text_or_null(event->reference));
    json_object_set_new(object, "actor", text_or_null(event->actor));
    json_object_set_new(object, "reason", text_or_null(event->reason));
    return object;
}

bool queue_show(CommandContext *context, Store *store, int64_t id, Error *err)
{
    static const ListingColumn columns[] = {{"at", "TIME", LISTING_TEXT, 0},
                                            {"kind", "KIND", LISTING_TEXT, 0},
                                            {"event", "EVENT", LISTING_TEXT, 0},
                                            {"detail", "DETAIL", LISTING_TEXT, 0}};
    Details *details;
    SubmissionInfo info;
    SubmissionEvent *events;
    size_t count;

    if (!submission_get(store, id, context->arena, &info, err) ||
        !submission_events(store, id, context->arena, &events, &count, err))
        return false;
    details = details_new(context);
    show_head(context, details, &info);
    if (context->json) {
        json_t *list = json_array();

        for (size_t i = 0; i < count; i++)
            json_array_append_new(list, event_json(context, &events[i]));
        details_json(details, "events", list);
        details_end(details);
        return true;
    }
    details_end(details);
    Listing *listing = listing_new(context, columns, 4);
    fputc('\n', context->out);
    for (size_t i = 0; i < count; i++) {
        const char *values[] = {shown_time(context, events[i].at), events[i].kind, events[i].event,
                                event_words(context, &events[i])};

        listing_row(listing, values);
    }
    listing_end(listing, NULL);
    return true;
}
