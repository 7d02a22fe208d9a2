/* SPDX-License-Identifier: Apache-2.0 */
/* Who may do what in the database: one login for each role, with what rights.def lists and no more.
 *
 * The owner of the tables (who migrates) is not listed: nothing binds an owner.
 * What another user was given by the site's own administrator is left alone, and
 * so is a table that rights.def does not know; rights_check() names the latter. */
#pragma once

#include "daemon/base/arena.h"
#include "daemon/base/text.h"

typedef struct DatabaseRole {
    const char *name;    /* "poll": logs in as mhsflow_poll */
    const char *login;   /* "mhsflow_poll" */
    bool process;        /* a role of mhsflowd; else people */
    const char *summary; /* who that is */
} DatabaseRole;

extern const DatabaseRole database_roles[]; /* ends with a zero entry */

/* One way in which the database differs from rights.def, in the order to put it right. */
typedef struct RightsFault {
    const char *what;   /* "role_missing", "right_surplus" …; rights.c lists them */
    const char *role;   /* its login; "public" for everyone; NULL */
    const char *object; /* table or view; NULL */
    const char *right;  /* "SELECT", "UPDATE (purged)"; NULL */
    const char
        *remedy; /* the statement that an owner may run; NULL: none, rights.def lacks a row */
} RightsFault;

/* As any user who may look; a transaction of its own. */
bool rights_check(const char *conninfo, Arena *arena, RightsFault **ret, size_t *ret_count,
                  Error *err);
/* As the owner: makes the logins and puts every difference right, in one transaction with one audit
 * event.  CONFIG "store.right" when this user may not. */
bool rights_apply(const char *conninfo, size_t *ret_changes, Error *err);

/* One cell of the matrix: what rights.def says of a role and an object, as "SELECT", "UPDATE
 * (purged)" …; `at` counts from 0, false when there is no such cell. */
typedef struct Right {
    const char *role;                   /* its login */
    const char *object, *verb, *column; /* column NULL: all of them */
} Right;
size_t rights_wanted(Arena *arena, Right **ret);

/* The matrix as a table in Markdown. */
void rights_document(Text *text);
