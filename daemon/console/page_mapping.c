/* SPDX-License-Identifier: Apache-2.0 */
/* Mapping: which versions are in force, how much of the data set is filled, and local codes without
 * a national one. */
#include "daemon/console/pages.h"
#include "daemon/store/tally.h"

#include <string.h>

#define CODES_SHOWN 200

/* A code list's words, as far as they look like words of a list: what somebody typed freely is not
 * shown. */
static bool looks_like_code(const char *code)
{
    return strlen(code) <= 40 && strspn(code, "0123456789") < 9;
}

static bool show_codes(Page *page, Error *err)
{
    static const PageColumn columns[] = {{"Feed", false},
                                         {"Record", false},
                                         {"Field", false},
                                         {"Local code", false},
                                         {"Records", true}};
    CodeTally *codes;
    size_t count;
    if (!tally_codes(page->store, CODES_SHOWN, page->arena, &codes, &count, err))
        return false;
    html_say(&page->html, "h2", "Local codes without a national one");
    if (!count) {
        html_say(&page->html, "p", "Every local code has its national one.");
        return true;
    }
    html_say(&page->html, "p",
             "Add a row to the code list of the mapping, or have the records corrected.");
    page_table(page, "Codes, the most used first", columns, 5);
    for (size_t i = 0; i < count; i++) {
        page_row(page);
        page_cell(page, codes[i].feed);
        page_cell(page, codes[i].record_type);
        page_cell(page, codes[i].field);
        if (page->role == MANAGER && looks_like_code(codes[i].code))
            page_cell(page, codes[i].code);
        else
            page_cell_look(page, "masked", "mask");
        page_cell_number(page, codes[i].records);
        html_close(&page->html);
    }
    page_table_end(page);
    return true;
}

/* Tables that were filled in the newest submission of each provider. */
static bool show_coverage(Page *page, Error *err)
{
    static const PageColumn columns[] = {{"Table", false}, {"Rows in the newest submission", true}};
    const Config *config = page->state->config;
    for (size_t i = 0; i < config->provider_count; i++) {
        SubmissionPart part = {.provider = config->providers[i].name, .newest = true, .limit = 1};
        SubmissionInfo *newest;
        TableTally *tables;
        size_t found, count;
        if (!submission_part(page->store, &part, page->arena, &newest, &found, err))
            return false;
        html_say(&page->html, "h2", arena_format(page->arena, "Coverage, %s", part.provider));
        if (!found) {
            html_say(&page->html, "p", "Nothing was built for it yet.");
            continue;
        }
        if (!tally_tables(page->store, newest->id, 0, page->arena, &tables, &count, err))
            return false;
        page_facts(page);
        page_fact(page, "Newest submission",
                  arena_format(page->arena, "%s, revision %d", page_month(page, newest->period),
                               newest->revision));
        page_fact(page, "Mapping", newest->mapping_version);
        page_fact(page, "Data set", newest->pack_version);
        page_fact(page, "Tables with rows", number_text(page->arena, (int64_t)count));
        page_facts_end(page);
        page_table(page, arena_format(page->arena, "Rows by table, %s", part.provider), columns, 2);
        for (size_t k = 0; k < count; k++) {
            page_row(page);
            page_cell_head(page, tables[k].table, NULL);
            page_cell_number(page, tables[k].rows);
            html_close(&page->html);
        }
        page_table_end(page);
    }
    return true;
}

bool page_mapping(Page *page, Error *err)
{
    html_say(&page->html, "h1", "Mapping");
    return show_codes(page, err) && show_coverage(page, err);
}
