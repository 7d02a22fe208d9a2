/* SPDX-License-Identifier: Apache-2.0 */
/* A route of the submit role. */
#include "daemon/roles/submit_route.h"

#include "daemon/base/clock.h"
#include "daemon/base/file.h"
#include "daemon/base/text.h"
#include "daemon/roles/submit_say.h"

#include <string.h>

#define FILE_LIMIT ((size_t)1 << 20)

static void add_text(Digest *digest, const char *text)
{
    text = text ? text : "";
    digest_add(digest, text, strlen(text) + 1);
}

static void add_file(Digest *digest, const char *path, Arena *arena)
{
    char *bytes;
    size_t size;
    Error err = {0};
    if (path &&
        file_read(file_credential_path(path, arena), FILE_LIMIT, arena, &bytes, &size, &err))
        digest_add(digest, bytes, size);
    add_text(digest, path);
}

static void add_option(Digest *digest, const OptionDecl *option, const Section *section,
                       Arena *arena)
{
    add_text(digest, option->name);
    switch (option->type) {
    case OPTION_PATH:
    case OPTION_SECRET:
        add_file(digest, section_text(section, option->name), arena);
        return;
    case OPTION_TEXT:
    case OPTION_URL:
    case OPTION_CHOICE:
        add_text(digest, section_text(section, option->name));
        return;
    default: /* times and sizes do not decide who trusts whom */
        return;
    }
}

static void take_fingerprint(SubmitRoute *route, const NamedSection *section, const Config *config)
{
    _cleanup_arena_ Arena *arena = arena_new(FILE_LIMIT * 16);
    _cleanup_digest_ Digest *digest = digest_new();
    uint8_t bytes[DIGEST_SIZE];
    for (const OptionDecl *option = route->route.adapter->options; option->name; option++)
        add_option(digest, option, section->section, arena);
    add_file(digest, section_text(config->signing, "certificate"), arena);
    digest_finish(digest, bytes);
    digest_hex(bytes, route->fingerprint);
}

void submit_route_stopped(SubmitRoute *route)
{
    route->knock_at = clock_steady() + 1000 * retry_knock_ms(retry_random());
}

static void stop_route(SubmitRoute *route, const char *code)
{
    route->route.stopped = true;
    route->route.code = code;
    submit_route_stopped(route);
}

static void open_adapter(SubmitRoute *route)
{
    DeliverRoute *own = &route->route;
    error_clear(&route->failure);
    if (own->adapter->open(own->name, route->section, route->signer, &own->self, &route->failure))
        return;
    own->self = NULL;
    stop_route(route, route->failure.code);
}

void submit_route_open(SubmitRoute *ret, const NamedSection *section, const Config *config,
                       RequestSigner *signer, bool asked, Arena *arena)
{
    *ret = (SubmitRoute){.asked = asked};
    ret->route.name = arena_text(arena, section->name);
    ret->route.adapter = submit_adapter(section->adapter);
    ret->section = section->section;
    ret->signer = signer;
    take_fingerprint(ret, section, config);
    open_adapter(ret);
}

void submit_route_close(SubmitRoute *route)
{
    if (route->route.self)
        route->route.adapter->close(route->route.self);
    route->route.self = NULL;
}

bool submit_route_save(Store *store, const SubmitRoute *route, Error *err)
{
    const char *state = route->route.stopped        ? "stopped"
                        : route->route.breaker.open ? "down"
                                                    : "ok";
    bool well = strcmp(state, "ok") == 0;
    return route_save(store, route->route.name, state, well ? NULL : route->route.code,
                      route->fingerprint, err);
}

static const RouteState *find(const RouteState *all, size_t count, const char *name)
{
    for (size_t i = 0; i < count; i++)
        if (strcmp(all[i].route, name) == 0)
            return &all[i];
    return NULL;
}

/* First look after opening: stopped before, for a reason that still stands? */
static bool start(Store *store, SubmitRoute *route, const RouteState *kept, Error *err)
{
    bool was_stopped = kept && text_equal(kept->state, "stopped");
    route->started = true;
    if (!route->route.self) {
        submit_say_stopped(route->route.name, &route->failure);
        return submit_route_save(store, route, err);
    }
    if (was_stopped && !route->asked && text_equal(kept->fingerprint, route->fingerprint)) {
        stop_route(route, "stopped");
        return true; /* said when it was stopped */
    }
    return (kept && text_equal(kept->state, "ok")) || submit_route_save(store, route, err);
}

/* A person asks: what stopped it may be over.  A receiver that did not answer is looked for at
 * once; a route that could not be opened is opened, or stays stopped and is said to. */
static bool try_again(Store *store, SubmitRoute *route, Error *err)
{
    bool was_stopped = route->route.stopped;
    route->route.stopped = false;
    route->route.breaker.probe_at = 0;
    if (!route->route.self)
        open_adapter(route);
    if (!route->route.self)
        submit_say_stopped(route->route.name, &route->failure);
    else if (was_stopped && !route->route.breaker.open)
        submit_say_route(&route->route);
    return submit_route_save(store, route, err);
}

bool submit_route_read(Store *store, SubmitRoute *route, Arena *arena, Error *err)
{
    RouteState *all;
    size_t count;
    if (route->started && !route->route.stopped && !route->route.breaker.open)
        return true;
    if (!route_list(store, arena, &all, &count, err))
        return false;
    const RouteState *kept = find(all, count, route->route.name);
    if (!route->started)
        return start(store, route, kept, err);
    return !kept || !text_equal(kept->state, "ok") || try_again(store, route, err);
}

bool submit_route_probe(DeliverRoute *route, Arena *arena)
{
    SubmitAnswer answer = {0};
    Error failure = {0};
    if (route->adapter->probe(route->self, arena, &answer, &failure) &&
        answer.verdict == VERDICT_ACCEPTED)
        return breaker_worked(&route->breaker);
    return breaker_failed(&route->breaker, clock_steady(), retry_random());
}

bool submit_route_knock(SubmitRoute *route, Arena *arena)
{
    DeliverRoute *own = &route->route;
    SubmitAnswer answer = {0};
    Error failure = {0};
    if (clock_steady() < route->knock_at)
        return false;
    stop_route(route, own->code);
    if (!own->self)
        open_adapter(route);
    if (!own->self || !own->adapter->knock(own->self, arena, &answer, &failure) ||
        answer.verdict != VERDICT_ACCEPTED)
        return false;
    own->stopped = false;
    own->breaker = (Breaker){0};
    return true;
}
