/* SPDX-License-Identifier: Apache-2.0 */
/* Who asks: by the session's cookie, begun with a token or with a trusted proxy's word. */
#include "daemon/base/cleanup.h"
#include "daemon/base/clock.h"
#include "daemon/base/digest.h"
#include "daemon/console/page.h"
#include "daemon/console/pages.h"
#include "daemon/store/audit.h"

#include <string.h>

#define COOKIE "mhsflow"
#define SECURE_COOKIE "__Host-mhsflow"

static bool is_secure(const Page *page)
{
    return page->state->secure || text_equal(page->request->forwarded_proto, "https");
}

static const char *cookie_name(const Page *page)
{
    return is_secure(page) ? SECURE_COOKIE : COOKIE;
}

static bool same_secret(const char *a, const char *b)
{
    uint8_t left[DIGEST_SIZE], right[DIGEST_SIZE];
    digest_bytes(a, strlen(a), left); /* how long it takes says nothing about the secrets */
    digest_bytes(b, strlen(b), right);
    return memcmp(left, right, DIGEST_SIZE) == 0;
}

/* The value of our cookie among those that were sent, or NULL. */
static const char *cookie_value(const Page *page)
{
    const char *at = page->request->cookie, *name = cookie_name(page);
    size_t size = strlen(name);
    while (at && *at) {
        at += strspn(at, "; ");
        size_t length = strcspn(at, ";");
        if (length > size && strncmp(at, name, size) == 0 && at[size] == '=')
            return arena_copy(page->arena, at + size + 1, length - size - 1);
        at += length;
    }
    return NULL;
}

static PageRole role_of(const char *role)
{
    return text_equal(role, "manager")   ? MANAGER
           : text_equal(role, "auditor") ? AUDITOR
           : text_equal(role, "viewer")  ? VIEWER
                                         : ANYONE;
}

static void set_session(Page *page, const AccessSession *session)
{
    char text[96], hex[DIGEST_HEX_SIZE];
    uint8_t digest[DIGEST_SIZE];
    page->session = *session;
    page->role = session->name ? role_of(session->role) : ANYONE;
    /* What a form of ours must bring back: nobody else can make it without the cookie. */
    snprintf(text, sizeof text, "form %s", session->secret);
    digest_bytes(text, strlen(text), digest);
    page->csrf = arena_text(page->arena, digest_hex(digest, hex));
}

static void give_cookie(Page *page, const char *secret)
{
    page->answer.cookie =
        arena_format(page->arena, "%s=%s; Path=/; HttpOnly; SameSite=Strict%s%s", cookie_name(page),
                     secret, is_secure(page) ? "; Secure" : "", *secret ? "" : "; Max-Age=0");
}

/* Who the proxy says is there: a session of that name goes on, another begins. */
static bool find_by_proxy(Page *page, Error *err)
{
    const Request *request = page->request;
    AccessSession session;
    if (!request->proxy_name || !request->proxy_secret ||
        !same_secret(request->proxy_secret, page->state->proxy_secret))
        return true;
    if (page->role && text_equal(page->session.name, request->proxy_name))
        return true;
    page->session = (AccessSession){0};
    page->role = ANYONE;
    if (request->method == POST)
        return true; /* no session, no proof: nothing is done */
    if (!access_admit(page->store, request->proxy_name, page->arena, &session, err))
        return false;
    if (session.name) {
        set_session(page, &session);
        give_cookie(page, session.secret);
    }
    return true;
}

bool session_find(Page *page, Error *err)
{
    const Section *console = page->state->config->console;
    AccessLimits limits = {.idle_ms = section_number(console, "session_idle"),
                           .longest_ms = section_number(console, "session_longest")};
    const char *cookie = cookie_value(page);
    AccessSession session = {0};
    if (cookie && !access_session(page->store, cookie, &limits, page->arena, &session, err))
        return false;
    if (session.name)
        set_session(page, &session);
    return !page->state->proxy_secret || find_by_proxy(page, err);
}

/* A browser says where a POST comes from; what says nothing is no browser, and proves itself by the
 * form's value alone. */
bool session_same_origin(const Request *request)
{
    if (request->fetch_site && !text_equal(request->fetch_site, "same-origin") &&
        !text_equal(request->fetch_site, "none"))
        return false;
    if (!request->origin || text_equal(request->origin, "null"))
        return !request->origin || request->fetch_site;
    const char *host = strstr(request->origin, "://");
    return host && text_equal(host + 3, request->host);
}

bool session_proven(const Page *page)
{
    const char *proof = page_value(page, "proof");
    return proof && page->csrf && same_secret(proof, page->csrf);
}

bool page_looked(Page *page, const char *what, const char *feed, const char *person,
                 int64_t records, Error *err)
{
    _cleanup_transaction_ Transaction transaction = {0};
    uint8_t subject[DIGEST_SIZE];
    if (person && !audit_subject(page->store, feed, "person", person, subject, err))
        return false;
    return store_begin(page->store, &transaction, err) &&
           audit_append(page->store, AUDIT_LOOKED,
                        &(AuditFields){.actor = page->session.name,
                                       .page = what,
                                       .feed = feed,
                                       .subject = person ? subject : NULL,
                                       .records = records},
                        err) &&
           store_commit(&transaction, err);
}

static void sign_in_form(Page *page, const char *problem)
{
    Html *html = &page->html;
    html_say(html, "h1", "Sign in");
    if (problem)
        page_notice(page, "warning", "You are not signed in", problem);
    html_say(
        html, "p",
        "Use the token that you were given. Whoever looks after mhsflow makes one for you with "
        "mhsflow console token.");
    html_open(html, "form", {"method", "post"}, {"action", "/sign-in"}, {"autocomplete", "off"});
    page_field(page, "token", "Token", "64 letters and digits", NULL, "password");
    page_button(page, "Sign in", "plain");
    html_close(html);
}

bool page_sign_in(Page *page, Error *err)
{
    (void)err;
    sign_in_form(page, NULL);
    return true;
}

bool page_begin(Page *page, Error *err)
{
    const char *token = page_value(page, "token");
    AccessSession session = {0};
    if (!limit_take(page->state->sign_ins, page->request->peer, clock_steady())) {
        page->answer.status = 429;
        page->answer.retry_after = "60";
        sign_in_form(page, "Too many tries. Wait a minute, then try again.");
        return true;
    }
    if (token && !access_sign_in(page->store, token, page->arena, &session, err))
        return false;
    if (!session.name) {
        page->answer.status = 403;
        sign_in_form(page, "That token is not known, or it has ended.");
        return true;
    }
    limit_give(page->state->sign_ins, page->request->peer); /* only wrong ones count */
    give_cookie(page, session.secret);
    page_redirect(page, "/");
    return true;
}

bool page_end(Page *page, Error *err)
{
    if (!access_sign_out(page->store, &page->session, err))
        return false;
    give_cookie(page, "");
    page_redirect(page, "/sign-in");
    return true;
}
