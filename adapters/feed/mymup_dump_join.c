/* SPDX-License-Identifier: Apache-2.0 */
/* From the rows of a MYMUP dump to records: who belongs to whom, and ids that stay. */
#include "adapters/feed/mymup_dump_join.h"

#include "daemon/base/cleanup.h"
#include "daemon/base/text.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define ID_MOST 16 /* leaves room for the feed's prefix in the national 20 */
#define ID_LETTERS 15
#define RECORD_LIMIT ((size_t)256 << 10)
#define GOALS 3

typedef enum MymupRefusal {
#define MYMUP_REFUSAL(name, code, type, text, note) REFUSAL_##name,
#include "adapters/feed/mymup_dump_refusal.def"
#undef MYMUP_REFUSAL
} MymupRefusal;

static const struct {
    const char *code, *type, *text;
    bool note;
} refusals[] = {
#define MYMUP_REFUSAL(name, code, type, text, note) {code, type, text, note},
#include "adapters/feed/mymup_dump_refusal.def"
#undef MYMUP_REFUSAL
};

typedef struct Referral {
    const char *client, *person, *franchise, *date, *id; /* date "": none that can be read */
    const char *rejected, *closed, *reason;
    const MymupRow *row;
    size_t place;
} Referral;

typedef struct Join {
    const MymupTable *tables;
    const MymupSettings *settings;
    int64_t seq;
    const char *day; /* of the dump */
    Arena *arena;
    MymupDump *dump;
    const char **clients; /* global ids of clients_all, in order */
    size_t client_count;
    Referral *referrals; /* by client, day, place in the file */
    size_t referral_count;
} Join;

/* ---- ids ---- */

/* A letter and 75 bits in the alphabet of letters that are not mistaken for others. */
static const char *made_id(char letter, const uint8_t hash[DIGEST_SIZE], Arena *arena)
{
    static const char alphabet[] = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";
    char id[ID_LETTERS + 2] = {letter};
    for (size_t i = 0; i < ID_LETTERS; i++)
        id[i + 1] = alphabet[hash[i] & 31];
    return arena_text(arena, id);
}

static const char *id_of(char letter, const char *one, const char *two, const char *three,
                         Arena *arena)
{
    const char *const parts[] = {one, two, three};
    uint8_t hash[DIGEST_SIZE];
    _cleanup_digest_ Digest *digest = digest_new();
    for (size_t i = 0; i < COUNT_OF(parts); i++)
        digest_add(digest, parts[i], strlen(parts[i]) + 1);
    digest_finish(digest, hash);
    return made_id(letter, hash, arena);
}

static const char *row_id(char letter, const MymupRow *row, int number, Arena *arena)
{
    uint8_t hash[DIGEST_SIZE];
    mymup_row_hash(row, hash);
    hash[0] = (uint8_t)(hash[0] + number);
    return made_id(letter, hash, arena);
}

static const char *person_id(const char *client, Arena *arena)
{
    return drop_id_is(client) && strlen(client) <= ID_MOST ? client
                                                           : id_of('P', client, "", "", arena);
}

/* ---- what comes out ---- */

static DropItem *add_item(Join *join)
{
    MymupDump *dump = join->dump;
    dump->items =
        arena_grow(join->arena, dump->items, dump->count, &dump->capacity, sizeof *dump->items);
    return &dump->items[dump->count++];
}

static void add_record(Join *join, const char *type, const char *id, const char *org, Text *json)
{
    text_add(json, "}");
    *add_item(join) = (DropItem){.what = DROP_ITEM_CHANGE,
                                 .change = {.op = CHANGE_UPSERT,
                                            .seq = join->seq,
                                            .version = join->seq * 10,
                                            .type = type,
                                            .id = id,
                                            .org = org,
                                            .json = text_get(json)}};
}

static void refuse(Join *join, MymupRefusal refusal, const char *type, const char *id,
                   const MymupRow *row)
{
    *add_item(join) = (DropItem){
        .what = DROP_ITEM_REFUSAL,
        .refusal = {.line = row->line,
                    .type = type ? type : refusals[refusal].type,
                    .id = id,
                    .code = refusals[refusal].code,
                    .text = arena_format(join->arena, "%s row %d: %s", row->sheet->file->name,
                                         row->line, refusals[refusal].text),
                    .remedy = "correct it in MYMUP; the next dump brings it",
                    .note = refusals[refusal].note}};
}

/* What is dated after the dump was made goes into no month that is over: it is kept, and said. */
static void say_future(Join *join, const char *type, const char *id, const MymupRow *row,
                       const char *day)
{
    if (strcmp(day, join->day) > 0)
        refuse(join, REFUSAL_FUTURE, type, id, row);
}

static Text begin_record(const Join *join, const char *id)
{
    Text json = text_new(join->arena, RECORD_LIMIT);
    text_add(&json, "{\"id\":");
    text_add_json(&json, id);
    return json;
}

static void add_field(Text *json, const char *name, const char *value)
{
    text_addf(json, ",\"%s\":", name);
    if (value && *value)
        text_add_json(json, value);
    else
        text_add(json, "null");
}

/* ---- organisations and teams: one of each for a franchise ---- */

static const char *org_id(const char *franchise, Arena *arena)
{
    return id_of('O', franchise, "", "", arena);
}

static const char *team_id(const char *franchise, Arena *arena)
{
    return id_of('T', franchise, "", "", arena);
}

static const char *ods_code(const MymupSettings *settings, const char *franchise)
{
    for (size_t i = 0; i < settings->franchise_count; i++)
        if (strcmp(settings->franchises[i], franchise) == 0)
            return settings->codes[i];
    return NULL;
}

static void add_franchise(Join *join, const char *franchise)
{
    const char *org = org_id(franchise, join->arena), *team = team_id(franchise, join->arena);
    Text json = begin_record(join, org);
    add_field(&json, "name", franchise);
    add_field(&json, "ods_code", ods_code(join->settings, franchise));
    add_field(&json, "role", "lead_provider");
    add_record(join, "organisation", org, org, &json);
    json = begin_record(join, team);
    add_field(&json, "org", org);
    add_field(&json, "name", franchise);
    add_field(&json, "mh_team_type", join->settings->team_type);
    add_field(&json, "age_group", join->settings->age_group);
    add_record(join, "team", team, org, &json);
}

static int by_text(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static void add_franchises(Join *join)
{
    const MymupTable *referrals = &join->tables[MYMUP_REFERRALS];
    const char **names = arena_array(join->arena, referrals->count + 1, sizeof *names);
    for (size_t i = 0; i < referrals->count; i++)
        names[i] = mymup_value(&referrals->rows[i], "franchise");
    if (referrals->count)
        qsort(names, referrals->count, sizeof *names, by_text);
    for (size_t i = 0; i < referrals->count; i++)
        if (i == 0 || strcmp(names[i], names[i - 1]) != 0)
            add_franchise(join, names[i]);
}

/* ---- people ---- */

static bool is_client(const Join *join, const char *client)
{
    return join->client_count && bsearch(&client, join->clients, join->client_count,
                                         sizeof *join->clients, by_text) != NULL;
}

/* A whole postcode ends in a digit and two letters; only the first half is no postcode. */
static bool is_whole_postcode(const char *text)
{
    size_t size = strlen(text);
    return size >= 5 && size <= 8 && isdigit((unsigned char)text[size - 3]) &&
           isalpha((unsigned char)text[size - 2]) && isalpha((unsigned char)text[size - 1]);
}

static void add_person(Join *join, const MymupRow *row, const char *client)
{
    const char *id = person_id(client, join->arena), *postcode = mymup_value(row, "post_code");
    Text json = begin_record(join, id);
    add_field(&json, "global_id", client);
    add_field(&json, "gender_identity", mymup_value(row, "gender_name"));
    add_field(&json, "ethnicity", mymup_value(row, "ethnicity_name"));
    if (is_whole_postcode(postcode))
        add_field(&json, "postcode", postcode);
    else
        add_field(&json, "postcode_outward", postcode);
    add_record(join, "person", id, NULL, &json);
}

typedef struct Client {
    const char *id;
    const MymupRow *row;
} Client;

static int by_client(const void *a, const void *b)
{
    const Client *one = a, *other = b;
    int order = strcmp(one->id, other->id);
    return order ? order : one->row < other->row ? -1 : one->row > other->row;
}

static void add_people(Join *join)
{
    const MymupTable *table = &join->tables[MYMUP_CLIENTS];
    Client *clients = arena_array(join->arena, table->count + 1, sizeof *clients);
    size_t count = 0;
    join->clients = arena_array(join->arena, table->count + 1, sizeof *join->clients);
    for (size_t i = 0; i < table->count; i++) {
        const char *client = mymup_value(&table->rows[i], "global_id");
        if (*client)
            clients[count++] = (Client){client, &table->rows[i]};
        else
            refuse(join, REFUSAL_NO_ID, NULL, row_id('P', &table->rows[i], 0, join->arena),
                   &table->rows[i]);
    }
    if (count)
        qsort(clients, count, sizeof *clients, by_client);
    for (size_t i = 0; i < count; i++) {
        if (i && strcmp(clients[i].id, clients[i - 1].id) == 0) {
            refuse(join, REFUSAL_CLIENT_AGAIN, NULL, person_id(clients[i].id, join->arena),
                   clients[i].row);
            continue;
        }
        join->clients[join->client_count++] = clients[i].id;
        add_person(join, clients[i].row, clients[i].id);
    }
}

/* ---- referrals ---- */

static int by_begin(const void *a, const void *b)
{
    const Referral *one = a, *other = b;
    int order = strcmp(one->client, other->client);
    order = order ? order : strcmp(one->date, other->date);
    return order ? order : one->place < other->place ? -1 : one->place > other->place;
}

static void read_referrals(Join *join)
{
    const MymupTable *table = &join->tables[MYMUP_REFERRALS];
    join->referrals = arena_array(join->arena, table->count + 1, sizeof *join->referrals);
    for (size_t i = 0; i < table->count; i++) {
        const MymupRow *row = &table->rows[i];
        const char *client = mymup_value(row, "global_id");
        const char *date = mymup_date(mymup_value(row, "referral_date"), join->arena);
        Referral referral = {.client = client,
                             .franchise = mymup_value(row, "franchise"),
                             .date = date ? date : "",
                             .row = row,
                             .place = i};
        referral.id = id_of('R', client, referral.franchise, referral.date, join->arena);
        if (!*client || !is_client(join, client)) {
            refuse(join, REFUSAL_NO_CLIENT, NULL, referral.id, row);
            continue;
        }
        referral.person = person_id(client, join->arena);
        join->referrals[join->referral_count++] = referral;
    }
    if (join->referral_count)
        qsort(join->referrals, join->referral_count, sizeof *join->referrals, by_begin);
}

/* Of one client, franchise and day the first row is taken. */
static void unite_referrals(Join *join)
{
    size_t kept = 0;
    for (size_t i = 0; i < join->referral_count; i++) {
        bool again = false;
        for (size_t j = kept; j-- > 0 && !again;) {
            if (strcmp(join->referrals[j].client, join->referrals[i].client) != 0)
                break;
            again = strcmp(join->referrals[j].id, join->referrals[i].id) == 0;
        }
        if (again)
            refuse(join, REFUSAL_AGAIN, NULL, join->referrals[i].id, join->referrals[i].row);
        else
            join->referrals[kept++] = join->referrals[i];
        if (!again)
            say_future(join, "referral", join->referrals[i].id, join->referrals[i].row,
                       join->referrals[i].date);
    }
    join->referral_count = kept;
}

/* The first of the client, by halves. */
static size_t first_of(const Join *join, const char *client)
{
    size_t from = 0, to = join->referral_count;
    while (from < to) {
        size_t middle = from + (to - from) / 2;
        if (strcmp(join->referrals[middle].client, client) < 0)
            from = middle + 1;
        else
            to = middle;
    }
    return from;
}

static Referral *find_referral(const Join *join, const MymupRow *row, const char *day)
{
    const char *client = mymup_value(row, "global_id"), *franchise = mymup_value(row, "franchise");
    Referral *found = NULL;
    for (size_t i = first_of(join, client);
         i < join->referral_count && strcmp(join->referrals[i].client, client) == 0; i++) {
        Referral *referral = &join->referrals[i];
        bool same = !*franchise || strcmp(referral->franchise, franchise) == 0;
        if (same && strcmp(referral->date, day) <= 0)
            found = referral;
    }
    return found;
}

static void take_rejections(Join *join)
{
    const MymupTable *table = &join->tables[MYMUP_REJECTIONS];
    for (size_t i = 0; i < table->count; i++) {
        const MymupRow *row = &table->rows[i];
        const char *day = mymup_date(mymup_value(row, "referral_rejection"), join->arena);
        Referral *referral = day ? find_referral(join, row, day) : NULL;
        if (referral)
            referral->rejected = day;
        else
            refuse(join, day ? REFUSAL_REJECTION_ALONE : REFUSAL_NO_DATE, "referral",
                   row_id('R', row, 0, join->arena), row);
    }
}

/* A cell may hold several days, one for each referral of the client. */
static void take_closure(Join *join, const MymupRow *row)
{
    const char *cell = mymup_value(row, "file_closure");
    bool any = false, alone = false;
    while (*cell) {
        size_t size = strcspn(cell, ",");
        const char *text = arena_copy(join->arena, cell, size);
        cell += size + (cell[size] == ',');
        const char *day = mymup_date(text + strspn(text, " "), join->arena);
        Referral *referral = day ? find_referral(join, row, day) : NULL;
        any |= day != NULL;
        alone |= day && !referral;
        if (referral && (!referral->closed || strcmp(referral->closed, day) < 0)) {
            referral->closed = day;
            referral->reason = mymup_value(row, "file_closure_reason");
        }
    }
    if (!any || alone)
        refuse(join, any ? REFUSAL_CLOSURE_ALONE : REFUSAL_NO_DATE, "referral",
               row_id('R', row, 0, join->arena), row);
}

static void add_referrals(Join *join)
{
    for (size_t i = 0; i < join->referral_count; i++) {
        const Referral *referral = &join->referrals[i];
        const char *org = org_id(referral->franchise, join->arena);
        const char *status = referral->rejected ? "rejected"
                             : referral->closed ? "closed"
                                                : "active";
        Text json = begin_record(join, referral->id);
        add_field(&json, "person", referral->person);
        add_field(&json, "org", org);
        add_field(&json, "team", team_id(referral->franchise, join->arena));
        add_field(&json, "received_date", referral->date);
        add_field(&json, "source", mymup_value(referral->row, "referral_source"));
        add_field(&json, "status", status);
        add_field(&json, "rejected_date", referral->rejected);
        add_field(&json, "rejected_reason", referral->rejected ? referral->reason : NULL);
        add_field(&json, "support_end_date", referral->rejected ? NULL : referral->closed);
        add_field(&json, "end_reason", referral->rejected ? NULL : referral->reason);
        add_record(join, "referral", referral->id, org, &json);
    }
}

static void say_who_has_none(Join *join)
{
    const MymupTable *table = &join->tables[MYMUP_CLIENTS];
    for (size_t i = 0; i < table->count; i++) {
        const char *client = mymup_value(&table->rows[i], "global_id");
        size_t first = first_of(join, client);
        bool has =
            first < join->referral_count && strcmp(join->referrals[first].client, client) == 0;
        if (*client && !has)
            refuse(join, REFUSAL_NO_REFERRAL, NULL, person_id(client, join->arena),
                   &table->rows[i]);
    }
}

/* ---- contacts ---- */

static bool is_administrative(const MymupRow *row)
{
    const char *flag = mymup_value(row, "admin_contact");
    if (!*flag)
        flag = mymup_value(row, "administrative");
    return strcasecmp(flag, "yes") == 0 || strcmp(flag, "1") == 0 ||
           strcasecmp(mymup_value(row, "contact_session_option"), "administrative") == 0;
}

static void say_administration(Join *join, int64_t rows)
{
    if (rows)
        *add_item(join) = (DropItem){
            .what = DROP_ITEM_REFUSAL,
            .refusal = {.code = "mymup.administration",
                        .text = arena_format(join->arena,
                                             "contacts_all: %lld %s administration, no care "
                                             "contact: held, not sent",
                                             (long long)rows, rows == 1 ? "row is" : "rows are"),
                        .remedy = "nothing",
                        .note = true}};
}

static void add_contacts(Join *join)
{
    const MymupTable *table = &join->tables[MYMUP_CONTACTS];
    int64_t administration = 0;
    for (size_t i = 0; i < table->count; i++) {
        const MymupRow *row = &table->rows[i];
        const char *id = row_id('C', row, 0, join->arena);
        const char *day = mymup_date(mymup_value(row, "contact_date"), join->arena);
        const Referral *referral = day ? find_referral(join, row, day) : NULL;
        if (!referral) {
            refuse(join, day ? REFUSAL_CONTACT_ALONE : REFUSAL_NO_DATE, "contact", id, row);
            continue;
        }
        say_future(join, "contact", id, row, day);
        bool administrative = is_administrative(row);
        administration += administrative;
        Text json = begin_record(join, id);
        add_field(&json, "referral", referral->id);
        add_field(&json, "date", day);
        add_field(&json, "medium", mymup_value(row, "contact_approach"));
        add_field(&json, "attendance", mymup_value(row, "attendance"));
        text_addf(&json, ",\"administrative\":%s", administrative ? "true" : "false");
        add_record(join, "contact", id, org_id(referral->franchise, join->arena), &json);
    }
    say_administration(join, administration);
}

/* ---- goals: up to three for a referral, scored again and again ---- */

typedef struct Score {
    const Referral *referral;
    const MymupRow *row;
    const char *day, *score;
    int number;
} Score;

static int by_goal(const void *a, const void *b)
{
    const Score *one = a, *other = b;
    int order = strcmp(one->referral->id, other->referral->id);
    order = order ? order : one->number - other->number;
    order = order ? order : strcmp(one->day, other->day);
    return order ? order : one->row < other->row ? -1 : one->row > other->row;
}

/* "Initial or Follow up" says neither. */
static const char *point_of(const MymupRow *row)
{
    const char *text = mymup_value(row, "initial_or_follow_up");
    if (strcasecmp(text, "initial") == 0)
        return "initial";
    return strcasecmp(text, "follow up") == 0 || strcasecmp(text, "follow-up") == 0 ? "follow_up"
                                                                                    : NULL;
}

static void add_goal(Join *join, const Score *scores, size_t count)
{
    const Referral *referral = scores->referral;
    char number[16];
    snprintf(number, sizeof number, "%d", scores->number);
    const char *id = id_of('G', referral->id, number, "", join->arena);
    Text json = begin_record(join, id);
    add_field(&json, "referral", referral->id);
    add_field(&json, "number", number);
    if (join->settings->children)
        add_field(&json, "scale", "gbo-child");
    add_field(&json, "set_date", scores->day);
    text_add(&json, ",\"scores\":[");
    for (size_t i = 0; i < count; i++) {
        text_add(&json, i ? ",{\"date\":" : "{\"date\":");
        text_add_json(&json, scores[i].day);
        add_field(&json, "score", scores[i].score);
        add_field(&json, "point", point_of(scores[i].row));
        text_add(&json, "}");
    }
    text_add(&json, "]");
    add_record(join, "goal", id, org_id(referral->franchise, join->arena), &json);
}

static size_t read_scores(Join *join, Score *ret)
{
    static const char *const cells[GOALS] = {"score_1", "score_2", "score_3"};
    const MymupTable *table = &join->tables[MYMUP_GOALS];
    size_t count = 0;
    for (size_t i = 0; i < table->count; i++) {
        const MymupRow *row = &table->rows[i];
        const char *day = mymup_date(mymup_value(row, "goal_date"), join->arena);
        const Referral *referral = day ? find_referral(join, row, day) : NULL;
        for (int number = 1; number <= GOALS; number++) {
            const char *score = mymup_value(row, cells[number - 1]);
            if (*score && referral) {
                say_future(join, "goal", row_id('G', row, number, join->arena), row, day);
                ret[count++] = (Score){referral, row, day, score, number};
            } else if (*score)
                refuse(join, day ? REFUSAL_SCORE_ALONE : REFUSAL_NO_DATE, "goal",
                       row_id('G', row, number, join->arena), row);
        }
    }
    if (count)
        qsort(ret, count, sizeof *ret, by_goal);
    return count;
}

static void add_goals(Join *join)
{
    Score *scores =
        arena_array(join->arena, join->tables[MYMUP_GOALS].count * GOALS + 1, sizeof *scores);
    size_t count = read_scores(join, scores);
    for (size_t from = 0, to; from < count; from = to) {
        for (to = from + 1; to < count && scores[to].referral == scores[from].referral &&
                            scores[to].number == scores[from].number;)
            to++;
        add_goal(join, &scores[from], to - from);
    }
}

void mymup_join(const MymupTable tables[MYMUP_FILE_COUNT], const MymupSettings *settings,
                int64_t seq, int64_t day, Arena *arena, MymupDump *ret)
{
    Join join = {.tables = tables, .settings = settings, .seq = seq, .arena = arena, .dump = ret};
    join.day = arena_format(arena, "%04d-%02d-%02d", (int)(day / 10000), (int)(day / 100 % 100),
                            (int)(day % 100));
    add_franchises(&join);
    add_people(&join);
    read_referrals(&join);
    unite_referrals(&join);
    take_rejections(&join);
    const MymupTable *closures = &tables[MYMUP_CLOSURES];
    for (size_t i = 0; i < closures->count; i++)
        take_closure(&join, &closures->rows[i]);
    add_referrals(&join);
    say_who_has_none(&join);
    add_contacts(&join);
    add_goals(&join);
}
