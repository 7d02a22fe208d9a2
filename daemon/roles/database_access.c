/* SPDX-License-Identifier: Apache-2.0 */
/* Who may log in to the embedded PostgreSQL: by the user of the machine, each with its own rights.
 *
 * PostgreSQL asks the kernel who is at the other end of the socket ("peer") and
 * looks that user up in a map that this file writes at every start:
 *   the daemon's own user, root   any login: all roles under one user have no walls
 *   mhsflow-ROLE                  mhsflow_ROLE and nothing else
 *   whoever `operators` names     mhsflow_operate
 *   everyone else                 mhsflow_read; the socket's folder keeps strangers out */
#include "daemon/roles/database_access.h"

#include "daemon/base/cleanup.h"
#include "daemon/base/file.h"
#include "daemon/base/text.h"
#include "daemon/store/rights.h"

#include <pwd.h>
#include <unistd.h>

static const char hba[] = "# Made anew at every start of the daemon.\n"
                          "local all all peer map=mhsflow\n";

/* A user's name as a word of the map. */
static void add_line(Text *text, const char *user, const char *login)
{
    text_add(text, "mhsflow \"");
    for (const char *at = user; *at; at++)
        text_add_bytes(text, at, (size_t)(*at != '"' && *at != '\n'));
    text_addf(text, "\" %s\n", login);
}

static void add_every_login(Text *text, const char *user)
{
    add_line(text, user, "mhsflow");
    for (const DatabaseRole *role = database_roles; role->name; role++)
        add_line(text, user, role->login);
}

bool database_access_write(const Config *config, const char *folder, Error *err)
{
    _cleanup_arena_ Arena *arena = arena_new((size_t)1 << 20);
    Text map = text_new(arena, 64 << 10);
    const struct passwd *own = getpwuid(geteuid());
    const char *const *operators;
    size_t count = section_list(config->main, "operators", &operators);
    if (!own)
        return error_set(err, ERROR_CONFIG, "database.user",
                         "cannot run the embedded PostgreSQL: this user has no name");
    text_add(&map, "# Made anew at every start of the daemon.\n");
    add_every_login(&map, own->pw_name);
    if (!text_equal(own->pw_name, "root"))
        add_every_login(&map, "root");
    for (const DatabaseRole *role = database_roles; role->name; role++)
        if (role->process)
            add_line(&map, arena_format(arena, "mhsflow-%s", role->name), role->login);
    for (size_t i = 0; i < count; i++)
        add_line(&map, operators[i], "mhsflow_operate");
    add_line(&map, "/^(?!mhsflow-).*$", "mhsflow_read");
    if (!text_ok(&map))
        return error_set(err, ERROR_CONFIG, "database.operators",
                         "cannot write who may log in: `operators` is too long");
    return file_write(arena_format(arena, "%s/pg_hba.conf", folder), hba, sizeof hba - 1, 0600,
                      err) &&
           file_write(arena_format(arena, "%s/pg_ident.conf", folder), text_get(&map), map.size,
                      0600, err);
}
