/* SPDX-License-Identifier: Apache-2.0 */
/* From records to rows in a test: settings, a mapper, whole people. */
#include "tests/component/map_case.h"

#include "daemon/base/file.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define TODAY "2026-11-23"

static const OptionDecl no_options[] = {{0}};

static const OptionDecl *options_of(const char *kind, const char *adapter)
{
    (void)kind, (void)adapter;
    return no_options;
}

Bench *bench_open(const char *more)
{
    char path[] = "/tmp/mhsflow-map-XXXXXX";
    int fd = mkstemp(path);
    ck_assert_int_ge(fd, 0);
    close(fd);
    const char *root = getenv("MHSFLOW_SOURCE_ROOT");
    const char *text =
        arena_format(arena,
                     "state: /tmp\ndataset: %s/mappings/mhsds-6.0\nmapping: "
                     "%s/mappings/mhsds-6.0/standard/mapping.yaml\n"
                     "calendar: %s/conf/calendar.csv\nsigning: {certificate: x.crt, key: x.key}\n"
                     "feeds:\n  - {name: feed-b, adapter: mef, id_prefix: b}\n"
                     "  - {name: feed-c, adapter: mef, id_prefix: c}\n"
                     "routes:\n  - {name: r, adapter: https}\n"
                     "providers:\n  - {code: V9X01, route: r%s}\n",
                     root, root, root, more);
    const Config *config;
    Bench *bench = arena_alloc(arena, sizeof *bench);
    Day today;
    ok(file_write(path, text, strlen(text), 0600, err));
    ok(config_load(path, options_of, arena, &config, err));
    unlink(path);
    ok(tools_open(config, arena, &bench->tools, err));
    ck_assert(civil_parse_day(TODAY, &today));
    bench->mapper = mapper_new(&bench->tools, today);
    return bench;
}

void load_references(Bench *bench)
{
    RecordList list = {0};
    int64_t version;
    for (size_t i = 0; i < 2; i++)
        ok(source_reference(store, i ? "feed-c" : "feed-b", arena, &list, &version, err));
    bench->references = references_new(arena);
    for (size_t i = 0; i < list.count; i++)
        references_add(bench->references, list.items[i]);
}

/* Everyone who waits; returns how many. */
size_t map_everyone(Bench *bench)
{
    size_t people = 0;
    load_references(bench);
    while (true) {
        WorkItem *items;
        size_t count;
        MapCounts counts;
        ok(work_claim(store, 10, 60000, arena, &items, &count, err));
        if (!count)
            return people;
        MapTools tools = {.store = store,
                          .mapper = bench->mapper,
                          .tools = &bench->tools,
                          .references = bench->references,
                          .person_cap = (size_t)16 << 20};
        ok(map_batch(&tools, items, count, &counts, err));
        people += counts.people;
    }
}

void take_references(const char *feed)
{
    take(feed,
         upsert("organisation", "O-L1", 1,
                "{\"id\":\"O-L1\",\"name\":\"Lead\",\"ods_code\":\"V9X01\"}"),
         upsert("team", "T-1", 1,
                "{\"id\":\"T-1\",\"org\":\"O-L1\",\"mh_team_type\":\"A06\",\"age_group\":\"03\"}"));
}

void take_whole_person(const char *feed, const char *id, int64_t version, const char *status,
                       const char *more)
{
    take(
        feed,
        upsert("person", id, version,
               arena_format(arena, "{\"id\":\"%s\",\"gp_practice\":\"Z9X001\",%s}", id, more)),
        upsert("consent", arena_format(arena, "K%s", id), version,
               arena_format(
                   arena,
                   "{\"id\":\"K%s\",\"person\":\"%s\",\"purpose\":\"mhsds\",\"status\":\"%s\","
                   "\"valid_from\":\"2020-01-01\"}",
                   id, id, status)),
        upsert("referral", arena_format(arena, "R%s", id), version,
               arena_format(arena,
                            "{\"id\":\"R%s\",\"person\":\"%s\",\"org\":\"O-L1\",\"team\":\"T-1\","
                            "\"commissioner\":"
                            "\"V9C01\",\"received_date\":\"2026-09-10\"}",
                            id, id)),
        upsert("contact", arena_format(arena, "C%s", id), version,
               arena_format(
                   arena,
                   "{\"id\":\"C%s\",\"referral\":\"R%s\",\"date\":\"2026-10-06\",\"medium\":\"01\","
                   "\"attendance\":\"5\"}",
                   id, id)));
}
