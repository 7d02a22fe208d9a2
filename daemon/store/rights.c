/* SPDX-License-Identifier: Apache-2.0 */
/* Compares the database's rights with rights.def, and puts them right. */
#include "daemon/store/rights.h"

#include "daemon/store/audit.h"
#include "daemon/store/store_private.h"

#include <string.h>

#define LOGIN_PREFIX "mhsflow_"
#define RIGHTS_MAX 2000

#define DATABASE_ROLE(name, process, summary) {#name, LOGIN_PREFIX #name, process, summary},
#define RIGHTS(object, cells)
const DatabaseRole database_roles[] = {
#include "daemon/store/rights.def"
    {0},
};
#undef DATABASE_ROLE
#undef RIGHTS

#define DATABASE_ROLE(name, process, summary)
#define RIGHTS(object, cells) {#object, cells},
static const struct {
    const char *object, *cells;
} matrix[] = {
#include "daemon/store/rights.def"
};
#undef DATABASE_ROLE
#undef RIGHTS

static const struct {
    char letter;
    const char *verb;
} verbs[] = {{'s', "SELECT"}, {'i', "INSERT"}, {'u', "UPDATE"}, {'d', "DELETE"}};

static const char *verb_of(char letter)
{
    for (size_t i = 0; i < COUNT_OF(verbs); i++)
        if (verbs[i].letter == letter)
            return verbs[i].verb;
    return NULL;
}

/* "poll:s" or "poll:u(purged)": its verbs, each a right. */
static size_t read_cell(const char *object, const char *cell, size_t size, Arena *arena, Right *ret)
{
    const char *colon = memchr(cell, ':', size), *end = cell + size, *open;
    const char *login =
        arena_format(arena, LOGIN_PREFIX "%.*s", (int)(colon ? colon - cell : 0), cell);
    const char *column = NULL;
    size_t count = 0;
    if (!colon)
        return 0;
    open = memchr(colon, '(', (size_t)(end - colon));
    if (open) {
        column = arena_format(arena, "%.*s", (int)(end - open - 2), open + 1);
        end = open;
    }
    for (const char *at = colon + 1; at < end; at++)
        if (verb_of(*at))
            ret[count++] = (Right){login, object, verb_of(*at), column};
    return count;
}

size_t rights_wanted(Arena *arena, Right **ret)
{
    Right *rights = arena_array(arena, RIGHTS_MAX, sizeof *rights);
    size_t count = 0;
    for (size_t i = 0; i < COUNT_OF(matrix); i++)
        for (const char *at = matrix[i].cells; *at && count + COUNT_OF(verbs) < RIGHTS_MAX;) {
            size_t size = strcspn(at, " ");
            count += read_cell(matrix[i].object, at, size, arena, rights + count);
            at += size + strspn(at + size, " ");
        }
    *ret = rights;
    return count;
}

/* $1 logins, $2 to $5 the rights wanted.  Each row is one fault, with the statement that ends it.
 */
static const char faults_statement[] =
    "with listed as (select unnest($1::text[]) as name),"
    " wanted as (select * from unnest($2::text[], $3::text[], $4::text[], $5::text[])"
    "   as w(role, object, verb, col)),"
    " object as (select c.oid, c.relname, c.relacl, c.relowner from pg_class c"
    "   where c.relnamespace = to_regnamespace('mhsflow') and c.relkind in ('r', 'v', 'm', 'p')),"
    " granted as (select o.relowner, o.relname as object, a.grantee, a.privilege_type as verb,"
    "     null::text as col from object o, aclexplode(o.relacl) a"
    "   union all select o.relowner, o.relname, a.grantee, a.privilege_type, t.attname"
    "     from object o join pg_attribute t on t.attrelid = o.oid, aclexplode(t.attacl) a),"
    " had as (select coalesce(r.rolname, 'public') as role, object, verb, col"
    "   from granted g left join pg_roles r on r.oid = g.grantee"
    "   where g.grantee <> g.relowner"
    "     and (g.grantee = 0 or r.rolname in (select name from listed))"
    "     and object in (select object from wanted)),"
    " role as (select r.*, l.name from listed l left join pg_roles r on r.rolname = l.name)"
    "select 1, 'role_missing', name, null, null, format('create role %I login', name)"
    "  from role where oid is null"
    " union all select 2, 'role_cannot_log_in', name, null, null, format('alter role %I login', "
    "name)"
    "  from role where not rolcanlogin"
    " union all select 2, 'role_too_strong', name, null, null,"
    "   format('alter role %I nosuperuser nocreaterole nocreatedb nobypassrls noreplication', name)"
    "  from role where rolsuper or rolcreaterole or rolcreatedb or rolbypassrls or rolreplication"
    " union all select 2, 'role_member', r.name, g.rolname, null,"
    "   format('revoke %I from %I', g.rolname, r.name)"
    "  from role r join pg_auth_members m on m.member = r.oid join pg_roles g on g.oid = m.roleid"
    " union all select 3, 'right_missing', name, 'schema mhsflow', 'USAGE',"
    "   format('grant usage on schema mhsflow to %I', name)"
    "  from role where not coalesce(has_schema_privilege(oid, to_regnamespace('mhsflow')::oid, "
    "'usage'), false)"
    " union all select case when h.role is null then 5 else 4 end,"
    "   case when h.role is null then 'right_missing' else 'right_surplus' end,"
    "   coalesce(w.role, h.role), coalesce(w.object, h.object),"
    "   coalesce(w.verb, h.verb) || coalesce(' (' || coalesce(w.col, h.col) || ')', ''),"
    "   format(case when h.role is null then 'grant %s%s on mhsflow.%I to %s'"
    "               else 'revoke %s%s on mhsflow.%I from %s' end,"
    "          coalesce(w.verb, h.verb), ' (' || quote_ident(coalesce(w.col, h.col)) || ')',"
    "          coalesce(w.object, h.object), case when h.role = 'public' then h.role"
    "          else quote_ident(coalesce(w.role, h.role)) end)"
    "  from wanted w full join had h on w.role = h.role and w.object = h.object"
    "   and w.verb = h.verb and coalesce(w.col, '') = coalesce(h.col, '')"
    "  where w.role is null or h.role is null"
    " union all select 6, 'object_unlisted', null, relname, null, null"
    "  from object where relname not in (select object from wanted)"
    " order by 1, 2, 3, 4, 5";

static bool find_faults(Store *store, Arena *arena, RightsFault **ret, size_t *ret_count,
                        Error *err)
{
    _cleanup_result_ PGresult *result = NULL;
    Sql sql = sql_new(arena);
    SqlList logins = sql_list(arena, SQL_TEXT), columns[4];
    Right *rights;
    size_t count = rights_wanted(arena, &rights);
    for (size_t i = 0; i < COUNT_OF(columns); i++)
        columns[i] = sql_list(arena, SQL_TEXT);
    for (const DatabaseRole *role = database_roles; role->name; role++)
        sql_list_text(&logins, role->login);
    for (size_t i = 0; i < count; i++) {
        sql_list_text(&columns[0], rights[i].role);
        sql_list_text(&columns[1], rights[i].object);
        sql_list_text(&columns[2], rights[i].verb);
        sql_list_text(&columns[3], rights[i].column);
    }
    sql_add(&sql, &logins);
    for (size_t i = 0; i < COUNT_OF(columns); i++)
        sql_add(&sql, &columns[i]);
    if (!sql_run(store, "compare the database's rights", faults_statement, &sql, &result, err))
        return false;
    count = (size_t)PQntuples(result);
    RightsFault *faults = arena_array(arena, count + 1, sizeof *faults);
    for (size_t i = 0; i < count; i++)
        faults[i] = (RightsFault){.what = sql_get_text(result, (int)i, 1, arena),
                                  .role = sql_get_text(result, (int)i, 2, arena),
                                  .object = sql_get_text(result, (int)i, 3, arena),
                                  .right = sql_get_text(result, (int)i, 4, arena),
                                  .remedy = sql_get_text(result, (int)i, 5, arena)};
    *ret = faults;
    *ret_count = count;
    return true;
}

bool rights_check(const char *conninfo, Arena *arena, RightsFault **ret, size_t *ret_count,
                  Error *err)
{
    _cleanup_store_ Store *store = NULL;
    return store_open_unchecked(conninfo, "rights", &store, err) &&
           find_faults(store, arena, ret, ret_count, err);
}

/* PostgreSQL only warns when somebody grants what is not theirs to give: look again. */
static bool put_right(Store *store, Arena *arena, size_t *ret_changes, Error *err)
{
    RightsFault *faults, *left;
    size_t count, left_count, changes = 0;
    if (!find_faults(store, arena, &faults, &count, err))
        return false;
    for (size_t i = 0; i < count; i++) {
        if (!faults[i].remedy)
            continue;
        if (!sql_do(store, "set the database's rights", faults[i].remedy, NULL, NULL, err))
            return false;
        changes++;
    }
    *ret_changes = changes;
    if (!changes)
        return true;
    if (!find_faults(store, arena, &left, &left_count, err))
        return false;
    if (left_count + changes != count)
        return error_set(err, ERROR_CONFIG, "store.right",
                         "cannot set the database's rights: only the owner of its tables may");
    return audit_append(store, AUDIT_RIGHTS_SET, &(AuditFields){.version = MHSFLOW_VERSION}, err);
}

bool rights_apply(const char *conninfo, size_t *ret_changes, Error *err)
{
    _cleanup_arena_ Arena *arena = arena_new((size_t)8 << 20);
    _cleanup_store_ Store *store = NULL;
    _cleanup_transaction_ Transaction transaction = {0};
    size_t changes;
    if (!store_open_unchecked(conninfo, "rights", &store, err) ||
        !sql_do(store, "wait for others", MIGRATE_LOCK, NULL, NULL, err) ||
        !store_begin(store, &transaction, err) || !put_right(store, arena, &changes, err) ||
        !store_commit(&transaction, err))
        return false;
    *ret_changes = changes;
    return true;
}

/* ---- the matrix for people ---- */

static void document_cell(Text *text, const char *cells, const char *role)
{
    size_t length = strlen(role);
    bool any = false;
    text_add(text, " |");
    for (const char *at = cells; *at;) {
        size_t size = strcspn(at, " ");
        if (strncmp(at, role, length) == 0 && at[length] == ':') {
            text_add(text, " ");
            text_add_bytes(text, at + length + 1, size - length - 1);
            any = true;
        }
        at += size + strspn(at + size, " ");
    }
    if (!any)
        text_add(text, " –");
}

void rights_document(Text *text)
{
    for (const DatabaseRole *role = database_roles; role->name; role++)
        text_addf(text, "- `%s`: %s\n", role->login, role->summary);
    text_add(text, "\ns select, i insert, u update (of one column where it stands in brackets), d "
                   "delete, – nothing.\n\n| table or view");
    for (const DatabaseRole *role = database_roles; role->name; role++)
        text_addf(text, " | %s", role->name);
    text_add(text, " |\n|---");
    for (const DatabaseRole *role = database_roles; role->name; role++)
        text_add(text, "|---");
    text_add(text, "|\n");
    for (size_t i = 0; i < COUNT_OF(matrix); i++) {
        text_addf(text, "| `%s`", matrix[i].object);
        for (const DatabaseRole *role = database_roles; role->name; role++)
            document_cell(text, matrix[i].cells, role->name);
        text_add(text, " |\n");
    }
}
