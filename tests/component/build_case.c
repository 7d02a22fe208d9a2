/* SPDX-License-Identifier: Apache-2.0 */
/* Short words for tests of the build. */
#include "tests/component/build_case.h"

#include "daemon/base/cleanup.h"
#include "daemon/base/file.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define TODAY "2026-11-23"
#define PROVIDER "V9X01"

/* Whatever the day: the national rules look at when a month is sent. */
__attribute__((constructor)) static void fix_clock(void)
{
    setenv("MHSFLOW_CLOCK", TODAY "T09:00:00Z", 0);
}

static const OptionDecl no_options[] = {{0}};

static const OptionDecl *options_of(const char *kind, const char *adapter)
{
    (void)kind, (void)adapter;
    return no_options;
}

static const Config *settings(const Site *site, const char *more)
{
    char path[] = "/tmp/mhsflow-build-XXXXXX";
    int fd = mkstemp(path);
    ck_assert_int_ge(fd, 0);
    close(fd);
    const char *root = getenv("MHSFLOW_SOURCE_ROOT");
    Text text = text_new(arena, 1 << 16);
    text_addf(&text,
              "state: /tmp\ndataset: %s/mappings/mhsds-6.0\n"
              "mapping: %s/mappings/mhsds-6.0/standard/mapping.yaml\n"
              "calendar: %s/conf/calendar.csv\nsigning: {certificate: x.crt, key: x.key}\n"
              "routes:\n  - {name: r, adapter: https}\n"
              "providers:\n  - {code: " PROVIDER ", route: r, commissioner: V9C01%s}\nfeeds:\n",
              root, root, root, more);
    for (size_t i = 0; i < site->feed_count; i++)
        text_addf(&text, "  - {name: %s, adapter: mef, id_prefix: %c}\n", site->feeds[i],
                  site->feeds[i][strlen(site->feeds[i]) - 1]);
    const Config *config;
    ok(file_write(path, text_get(&text), text.size, 0600, err));
    ok(config_load(path, options_of, arena, &config, err));
    unlink(path);
    return config;
}

static void take_references(const char *feed)
{
    take(feed,
         upsert("organisation", "O-L1", 1,
                "{\"id\":\"O-L1\",\"name\":\"Lead\",\"ods_code\":\"V9X01\"}"),
         upsert("team", "T-1", 1,
                "{\"id\":\"T-1\",\"org\":\"O-L1\",\"mh_team_type\":\"A06\",\"age_group\":\"03\"}"),
         upsert("worker", "W-1", 1, "{\"id\":\"W-1\",\"org\":\"O-L1\",\"staff_group\":\"98\"}"));
}

Site *site_new(const char *const *feeds, size_t feed_count, const char *more)
{
    Site *site = arena_alloc(arena, sizeof *site);
    Day today;
    site->feeds = feeds;
    site->feed_count = feed_count;
    site->policy = (BuildPolicy){
        .route = "r", .legal_basis = "consent", .release = "automatic", .shrink_percent = 2};
    ok(tools_open(settings(site, more), arena, &site->tools, err));
    ck_assert(civil_parse_day(TODAY, &today));
    site->mapper = mapper_new(&site->tools, today);
    snprintf(site->spool, sizeof site->spool, "/tmp/mhsflow-spool-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(site->spool));
    for (size_t i = 0; i < feed_count; i++)
        take_references(feeds[i]);
    return site;
}

Site *site_plain(void)
{
    static const char *const feeds[] = {FEED};
    return site_new(feeds, 1, "");
}

void site_free(Site *site)
{
    mapper_free(site->mapper);
    _cleanup_closedir_ DIR *folder = opendir(site->spool);
    for (struct dirent *entry; folder && (entry = readdir(folder));)
        unlinkat(dirfd(folder), entry->d_name, 0);
    rmdir(site->spool);
}

/* ---- records ---- */

/* The first right one of ten: a check digit of 10 is no digit. */
const char *nhs_number(int number)
{
    char digits[11];
    for (int last = 0;; last++) {
        snprintf(digits, sizeof digits, "999%05d%d", number % 100000, last);
        int sum = 0;
        for (int i = 0; i < 9; i++)
            sum += (digits[i] - '0') * (10 - i);
        int check = (11 - sum % 11) % 11;
        if (check < 10)
            return arena_format(arena, "%s%d", digits, check);
    }
}

void take_consent(const char *feed, int number, int64_t version, const char *status)
{
    const char *id = arena_format(arena, "KP%d", number);
    take(feed, upsert("consent", id, version,
                      arena_format(arena,
                                   "{\"id\":\"%s\",\"person\":\"P%d\",\"purpose\":\"mhsds\","
                                   "\"status\":\"%s\",\"valid_from\":\"2020-01-%02d\"}",
                                   id, number, status, (int)version)));
}

void take_whole_person(const char *feed, int number, const char *nhs)
{
    const char *id = arena_format(arena, "P%d", number);
    const char *quoted = nhs ? arena_format(arena, "\"%s\"", nhs) : "null";
    take_consent(feed, number, 1, "given");
    take(feed,
         upsert("person", id, 1,
                arena_format(arena,
                             "{\"id\":\"%s\",\"birth_date\":\"1988-04-09\",\"nhs_number\":%s,"
                             "\"nhs_number_status\":\"verified\",\"gp_practice\":\"Z9X001\"}",
                             id, quoted)),
         upsert("referral", arena_format(arena, "R%s", id), 1,
                arena_format(arena,
                             "{\"id\":\"R%s\",\"person\":\"%s\",\"org\":\"O-L1\",\"team\":\"T-1\","
                             "\"commissioner\":\"V9C01\",\"received_date\":\"2026-09-10\"}",
                             id, id)),
         upsert("contact", arena_format(arena, "C%s", id), 1,
                arena_format(arena,
                             "{\"id\":\"C%s\",\"referral\":\"R%s\",\"date\":\"2026-10-06\","
                             "\"medium\":\"01\",\"attendance\":\"5\",\"worker\":\"W-1\"}",
                             id, id)));
}

void take_people(int first, int count)
{
    for (int i = first; i < first + count; i++)
        take_whole_person(FEED, i, nhs_number(i));
}

/* ---- steps ---- */

static void load_references(Site *site)
{
    site->references = references_new(arena);
    for (size_t i = 0; i < site->feed_count; i++) {
        RecordList list = {0};
        int64_t version;
        ok(source_reference(store, site->feeds[i], arena, &list, &version, err));
        for (size_t j = 0; j < list.count; j++)
            references_add(site->references, list.items[j]);
    }
}

void map_everyone(Site *site)
{
    load_references(site);
    for (;;) {
        WorkItem *items;
        size_t count;
        MapCounts counts;
        ok(work_claim(store, 100, 60000, arena, &items, &count, err));
        if (!count)
            return;
        MapTools tools = {.store = store,
                          .mapper = site->mapper,
                          .tools = &site->tools,
                          .references = site->references,
                          .person_cap = (size_t)16 << 20};
        ok(map_batch(&tools, items, count, &counts, err));
    }
}

bool build_on(Site *site, Store *on, Arena *memory, BuildResult *ret, Error *err)
{
    const Tools *tools = &site->tools;
    BuildTools build = {.store = on,
                        .dataset = tools->dataset,
                        .mapping = tools->mapping,
                        .settings = tools->settings,
                        .calendar = tools->calendar,
                        .source_references = site->references,
                        .current = site->current,
                        .spool = site->spool};
    return build_month(&build, &site->policy, settings_provider(tools->settings, PROVIDER), OCTOBER,
                       memory, ret, err);
}

BuildOutcome build_october(Site *site)
{
    if (!site->references)
        load_references(site);
    ok(build_on(site, store, arena, &site->result, err));
    return site->result.outcome;
}

/* ---- looking ---- */

SubmissionInfo submission(int64_t id)
{
    SubmissionInfo info;
    ok(submission_get(store, id, arena, &info, err));
    return info;
}

const char *spool_path(const Site *site, const SubmissionInfo *info)
{
    return arena_format(arena, "%s/%s", site->spool, info->spool_name);
}

const char *read_document(const Site *site, int64_t id)
{
    SubmissionInfo info = submission(id);
    char *bytes;
    size_t size;
    ok(file_read(spool_path(site, &info), (size_t)64 << 20, arena, &bytes, &size, err));
    return bytes;
}

size_t count_of(const char *text, const char *word)
{
    size_t count = 0;
    for (const char *at = text; (at = strstr(at, word)); at += strlen(word))
        count++;
    return count;
}

void accept(int64_t id)
{
    SubmissionClaim claim = claim_one(store);
    ck_assert_int_eq(claim.info.id, id);
    ck_assert(intend(store, &claim));
    ck_assert_int_eq(settle(store, &claim, OUTCOME_ACCEPTED), SUBMISSION_ACCEPTED);
}

bool month_is_dirty(void)
{
    return ask_number(
        arena_format(arena,
                     "select count(*) from provider_month where month = %d and dirty_generation > "
                     "built_generation",
                     OCTOBER));
}
