/* SPDX-License-Identifier: Apache-2.0 */
/* The CSV drop: MEF/1's records as CSV files in a folder or a zip file, full or as a delta. */
#include "adapters/feed/csv_drop_profile.h"
#include "adapters/feed/csv_drop_read.h"
#include "adapters/feed/feeds.h"
#include "daemon/base/file.h"
#include "daemon/base/text.h"

#include <string.h>
#include <sys/stat.h>

#define ZIP ".zip"

static const OptionDecl options[] = {
    DROP_OPTIONS,
    DROP_OPTION("source", TEXT, NULL, NULL, NULL, NULL, false,
                "The feed's own name, as it stands in drop names and manifests; drops of others "
                "are left alone.  Any, when not set."),
    DROP_OPTION(
        "profile", PATH, NULL, NULL, NULL, NULL, false,
        "A file (YAML) that says where the source's CSV differs: names of files and columns, "
        "delimiter, dates, lists."),
    {0},
};

/* The hash that the writer puts beside a drop when it is whole. */
static const char *said_hash(const char *path, Arena *arena)
{
    char *bytes;
    size_t size;
    Error ignored = {0};
    const char *beside = arena_format(arena, "%s.sha256", path);
    if (!file_read(beside, 4096, arena, &bytes, &size, &ignored))
        return NULL;
    bytes[strspn(bytes, "0123456789abcdefABCDEF")] = '\0';
    return strlen(bytes) == DIGEST_HEX_SIZE - 1 ? bytes : NULL;
}

static bool recognise(const DropFeed *feed, const char *path, const char *name, Arena *arena,
                      DropCandidate *ret)
{
    CsvDropName parts;
    struct stat about;
    size_t size = strlen(name);
    bool zip = size > strlen(ZIP) && strcmp(name + size - strlen(ZIP), ZIP) == 0;
    if (!csv_drop_name_read(name, &parts) ||
        (feed->source && strcmp(feed->source, parts.feed) != 0) || lstat(path, &about) < 0 ||
        !(zip ? S_ISREG(about.st_mode) : S_ISDIR(about.st_mode)))
        return false;
    *ret = (DropCandidate){.order = parts.order, .full = parts.full};
    ret->sha256 = said_hash(path, arena);
    return ret->sha256 != NULL;
}

static int64_t sequence(int64_t order, int64_t taken)
{
    return order > taken ? order : 0;
}

static bool open_drop(const DropFeed *feed, DropOpened *drop, void **ret_reader, Error *err)
{
    CsvDropReader *reader = NULL;
    if (!csv_drop_reader_new(feed, drop, &reader, err))
        return false;
    *ret_reader = reader;
    return true;
}

static bool next_change(void *reader, Arena *arena, DropItem *ret, Error *err)
{
    return csv_drop_reader_next(reader, arena, ret, err);
}

static void close_drop(void *reader)
{
    csv_drop_reader_free(reader);
}

static const DropKind kind = {.recognise = recognise,
                              .sequence = sequence,
                              .open = open_drop,
                              .next = next_change,
                              .close = close_drop};

static bool csv_drop_open(const char *name, const Section *section, void **ret_self, Error *err)
{
    DropFeed *feed;
    const CsvProfile *profile;
    if (!drop_feed_open(&kind, name, section, &feed, err))
        return false;
    if (!csv_profile_load(section_text(section, "profile"), feed->settings, &profile, err)) {
        drop_feed_close(feed);
        return false;
    }
    feed->profile = profile;
    feed->source = arena_text(feed->settings, section_text(section, "source"));
    *ret_self = feed;
    return true;
}

static bool csv_drop_check_settings(const Section *section, Arena *arena, Error *err)
{
    const CsvProfile *profile;
    return csv_profile_load(section_text(section, "profile"), arena, &profile, err);
}

const FeedAdapter feed_csv_drop = {
    .name = "csv_drop",
    .summary = "CSV files in a folder or a zip file, full or as a delta",
    .options = options,
    .check = csv_drop_check_settings,
    .open = csv_drop_open,
    .fetch = drop_feed_fetch,
    .close = drop_feed_close,
};
