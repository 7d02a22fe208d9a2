/* SPDX-License-Identifier: Apache-2.0 */
/* The values of the dirty and hostile profiles: what real exports held, and what is meant to break
 * whoever handles it. */
#include "tests/sandbox/caseload_case.h"

enum { DIRTY_PER_MILLE = 10, HOSTILE_PER_MILLE = 40 };

/* All seen in exports of case-management systems. */
static const Weighted dirty_texts[] = {
    {2, "Attended "}, {1, " Did  not Attend"},
    {1, "Talk Type"}, {1, "Young People&#039;s Service"},
    {1, ""},          {1, "n/a"},
};

static const Weighted dirty_dates[] = {
    {1, "0000-00-00"}, {1, "31/02/2025"}, {1, "2025-02-30"}, {1, "1066-10-14"},
    {1, "2199-01-01"}, {1, ""},           {1, "yesterday"},
};

/* For XML, SQL, CSV, shells, paths, terminals and format strings; control and non-characters; far
 * too long. */
static const Weighted hostile_texts[] = {
    {1, "\"<![CDATA[&amp;]]>'; DROP TABLE person; --"},
    {1, "]]></AttendStatus><AttendStatus>5"},
    {1, "=HYPERLINK(\"http://127.0.0.1\")"},
    {1, "$(id)`id`"},
    {1, "../../../../etc/passwd"},
    {1, "%s%n%99999d"},
    {1, "\x1b[2J\x07"},
    {1, "\x01\x02"},
    {1, "\xef\xbf\xbf"},
    {1, "\xe2\x80\xae\xf0\x9f\x92\xa5"},
    {1, "5\n5"},
    {1, "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
        "aaaaaaaaaa"
        "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
        "aaaaaaaaaa"
        "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
        "aaaaaaaaaa"},
};

static bool chosen(const Case *c, RecordType type, uint32_t item, uint32_t field,
                   uint32_t per_mille)
{
    return !c->draw.steady && case_below(c, type, item, field + 700, 1000) < per_mille;
}

const char *case_dirty_text(const Case *c, RecordType type, uint32_t item, uint32_t field,
                            const char *otherwise)
{
    uint64_t draw = case_draw(c, type, item, field + 800);
    if (c->plan->profile == PROFILE_HOSTILE && chosen(c, type, item, field, HOSTILE_PER_MILLE))
        return RANDOM_PICK(draw, hostile_texts);
    if (c->plan->profile == PROFILE_DIRTY && chosen(c, type, item, field, DIRTY_PER_MILLE))
        return RANDOM_PICK(draw, dirty_texts);
    return otherwise;
}

const char *case_dirty_date(const Case *c, RecordType type, uint32_t item, uint32_t field)
{
    if (c->plan->profile < PROFILE_DIRTY || !chosen(c, type, item, field, DIRTY_PER_MILLE))
        return NULL;
    return RANDOM_PICK(case_draw(c, type, item, field + 800), dirty_dates);
}

int64_t case_dirty_number(const Case *c, RecordType type, uint32_t item, uint32_t field,
                          int64_t otherwise)
{
    static const int64_t numbers[] = {-5, 0, 10000, INT64_MAX};
    if (c->plan->profile < PROFILE_DIRTY || !chosen(c, type, item, field, DIRTY_PER_MILLE))
        return otherwise;
    return numbers[case_below(c, type, item, field + 800, sizeof numbers / sizeof numbers[0])];
}
