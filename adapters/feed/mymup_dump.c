/* SPDX-License-Identifier: Apache-2.0 */
/* MYMUP's monthly dump: eight CSV files in a folder of their own, all that there is each time. */
#include "adapters/feed/feeds.h"
#include "adapters/feed/mymup_dump_join.h"
#include "daemon/base/cleanup.h"
#include "daemon/base/clock.h"
#include "daemon/base/text.h"

#include <string.h>
#include <sys/stat.h>

#define DAY_ORDER INT64_C(1000) /* dumps of one day */

static const OptionDecl options[] = {
    DROP_OPTIONS,
    DROP_OPTION(
        "organisations", MAP, NULL, NULL, NULL, NULL, true,
        "The ODS code of each franchise, by the franchise's name as it stands in the dump."),
    DROP_OPTION("team_type", TEXT, "C02", NULL, NULL, NULL, false,
                "The national type of the team that each franchise is (ServTeamTypeMH)."),
    DROP_OPTION("age_group", TEXT, "02", NULL, NULL, NULL, false,
                "The national age group of the teams (ServTeamIntAgeGroup)."),
    DROP_OPTION("children", BOOL, "yes", NULL, NULL, NULL, false,
                "Goal scores are those of the scale for children and young people; the dump has "
                "no date of birth to decide it by."),
    DROP_OPTION("settle", DURATION, "2m", "0s", "24h", NULL, false,
                "How long the files of a dump must have been left alone before it is taken in."),
    {0},
};

typedef struct MymupReader {
    MymupDump dump;
    size_t at;
} MymupReader;

/* ---- is it a dump, and is it whole? ---- */

typedef struct Glance {
    unsigned kinds; /* a bit for each of the eight */
    int64_t day, newest_us;
} Glance;

static void look_at(const char *path, const char *name, Arena *arena, Glance *glance)
{
    struct stat about;
    MymupFile kind = mymup_file_of(name);
    if (kind == MYMUP_FILE_COUNT || lstat(arena_format(arena, "%s/%s", path, name), &about) < 0 ||
        !S_ISREG(about.st_mode))
        return;
    int64_t day = mymup_file_day(name);
    int64_t changed = (int64_t)about.st_mtim.tv_sec * CLOCK_SECOND;
    glance->kinds |= 1U << kind;
    glance->day = day > glance->day ? day : glance->day;
    glance->newest_us = changed > glance->newest_us ? changed : glance->newest_us;
}

/* The day in the files' names orders dumps; all eight kinds, and nobody still writing. */
static bool recognise(const DropFeed *feed, const char *path, const char *name, Arena *arena,
                      DropCandidate *ret)
{
    Glance glance = {0};
    if (strcmp(name, "done") == 0 || strcmp(name, "quarantine") == 0)
        return false;
    _cleanup_closedir_ DIR *folder = opendir(path);
    if (!folder)
        return false;
    for (struct dirent *entry; (entry = readdir(folder));)
        look_at(path, entry->d_name, arena, &glance);
    *ret = (DropCandidate){.order = glance.day * DAY_ORDER, .full = true};
    int64_t now = clock_wall() - clock_offset();
    return glance.kinds == (1U << MYMUP_FILE_COUNT) - 1 && glance.day &&
           now - glance.newest_us >= feed->settle_ms * 1000;
}

/* A second dump of one day is the newer one. */
static int64_t sequence(int64_t order, int64_t taken)
{
    if (order > taken)
        return order;
    return order / DAY_ORDER == taken / DAY_ORDER ? taken + 1 : 0;
}

/* ---- reading ---- */

static void add_note(MymupDump *dump, const char *code, const char *text, Arena *arena)
{
    dump->items = arena_grow(arena, dump->items, dump->count, &dump->capacity, sizeof *dump->items);
    dump->items[dump->count++] =
        (DropItem){.what = DROP_ITEM_REFUSAL,
                   .refusal = {.code = code, .text = text, .remedy = "nothing", .note = true}};
}

static void say_what_is_lost(MymupDump *dump, const MymupTable *tables, Arena *arena)
{
    for (int kind = 0; kind < MYMUP_FILE_COUNT; kind++) {
        const char *part = mymup_file_part((MymupFile)kind);
        const char *lost = mymup_file_lost((MymupFile)kind);
        if (lost)
            add_note(dump, "mymup.not_carried",
                     arena_format(arena, "%s: not carried: %s", part, lost), arena);
        if (tables[kind].again)
            add_note(dump, "mymup.twice",
                     arena_format(arena, "%s: %lld rows stand there again and were taken once",
                                  part, (long long)tables[kind].again),
                     arena);
    }
}

static bool read_tables(DropOpened *drop, MymupTable *tables, Error *err)
{
    for (size_t i = 0; i < drop->files->count; i++) {
        const DropFile *file = &drop->files->items[i];
        MymupFile kind = mymup_file_of(file->name);
        if (kind == MYMUP_FILE_COUNT)
            drop_problem_add(drop->problems, DROP_FILE_UNKNOWN, file->name, 0, NULL);
        else if (!mymup_table_read(&tables[kind], kind, file, drop->arena, drop->problems, err))
            return false;
    }
    drop->counts = arena_array(drop->arena, MYMUP_FILE_COUNT, sizeof *drop->counts);
    for (int kind = 0; kind < MYMUP_FILE_COUNT; kind++) {
        const char *part = mymup_file_part((MymupFile)kind);
        if (!tables[kind].sheets)
            drop_problem_add(drop->problems, DROP_FILE_MISSING, part, 0, NULL);
        mymup_table_unite(&tables[kind]);
        drop->counts[drop->count++] =
            (DropCount){.file = part, .rows = (int64_t)tables[kind].count};
    }
    return true;
}

static bool open_dump(const DropFeed *feed, DropOpened *drop, void **ret_reader, Error *err)
{
    MymupTable *tables = arena_array(drop->arena, MYMUP_FILE_COUNT, sizeof *tables);
    MymupReader *reader = arena_alloc(drop->arena, sizeof *reader);
    if (!read_tables(drop, tables, err))
        return false;
    if (drop->problems->refused)
        return true;
    say_what_is_lost(&reader->dump, tables, drop->arena);
    mymup_join(tables, feed->profile, drop->seq, drop->candidate->order / DAY_ORDER, drop->arena,
               &reader->dump);
    *ret_reader = reader;
    return arena_check(drop->arena, err);
}

/* The items live as long as the drop is open; a page outlives it. */
static bool next_item(void *self, Arena *arena, DropItem *ret, Error *err)
{
    MymupReader *reader = self;
    if (!arena_check(arena, err))
        return false;
    if (reader->at == reader->dump.count) {
        *ret = (DropItem){.what = DROP_ITEM_END};
        return true;
    }
    *ret = reader->dump.items[reader->at++];
    if (ret->what == DROP_ITEM_CHANGE) {
        ret->change.id = arena_text(arena, ret->change.id);
        ret->change.org = arena_text(arena, ret->change.org);
        ret->change.json = arena_text(arena, ret->change.json);
    } else {
        ret->refusal.id = arena_text(arena, ret->refusal.id);
        ret->refusal.text = arena_text(arena, ret->refusal.text);
    }
    return true;
}

static void close_dump(void *reader)
{
    (void)reader; /* all of it lies in the drop's arena */
}

static const DropKind kind = {.recognise = recognise,
                              .sequence = sequence,
                              .open = open_dump,
                              .next = next_item,
                              .close = close_dump};

static void copy_organisations(DropFeed *feed, const Section *section, MymupSettings *settings)
{
    const char *const *names;
    size_t count = section_keys(section, "organisations", &names);
    settings->franchises = arena_array(feed->settings, count + 1, sizeof *settings->franchises);
    settings->codes = arena_array(feed->settings, count + 1, sizeof *settings->codes);
    settings->franchise_count = count;
    for (size_t i = 0; i < count; i++) {
        settings->franchises[i] = arena_text(feed->settings, names[i]);
        settings->codes[i] =
            arena_text(feed->settings, section_map(section, "organisations", names[i]));
    }
}

static bool mymup_dump_open(const char *name, const Section *section, void **ret_self, Error *err)
{
    DropFeed *feed;
    if (!drop_feed_open(&kind, name, section, &feed, err))
        return false;
    MymupSettings *settings = arena_alloc(feed->settings, sizeof *settings);
    settings->team_type = arena_text(feed->settings, section_text(section, "team_type"));
    settings->age_group = arena_text(feed->settings, section_text(section, "age_group"));
    settings->children = section_bool(section, "children");
    copy_organisations(feed, section, settings);
    feed->profile = settings;
    feed->settle_ms = section_number(section, "settle");
    *ret_self = feed;
    return true;
}

const FeedAdapter feed_mymup_dump = {
    .name = "mymup_dump",
    .summary = "MYMUP's monthly dump: eight CSV files, all that there is",
    .options = options,
    .open = mymup_dump_open,
    .fetch = drop_feed_fetch,
    .close = drop_feed_close,
};
