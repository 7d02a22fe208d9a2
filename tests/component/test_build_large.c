/* SPDX-License-Identifier: Apache-2.0 */
/* A large month: what building it costs in memory and time.
 *
 * 100,000 rows; with MHSFLOW_PEOPLE=250000 in the environment four a person, a
 * million, for tests/bench/dataset.py, which reads the line with the figures. */
#include "daemon/base/clock.h"
#include "tests/component/build_case.h"

#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static void copy_people(int copies)
{
    pg_ask(database,
           arena_format(
               arena,
               "insert into mhsflow.national_row (provider, table_code, table_order, feed, person,"
               " person_key, row_key, first_month, last_month, maker, gen_from, digest, fragment)"
               " select provider, table_code, table_order, feed, 'Q' || n, 'bQ' || n,"
               " replace(row_key, 'P1', 'Q' || n), first_month, last_month, maker, gen_from,"
               " sha256(convert_to(replace(fragment, 'P1', 'Q' || n), 'UTF8')),"
               " replace(fragment, 'P1', 'Q' || n)"
               " from mhsflow.national_row, generate_series(1, %d) n where person = 'P1'",
               copies));
    pg_ask(database,
           arena_format(arena,
                        "insert into mhsflow.source_record (feed, type, id, version, round, owner,"
                        " person, record) select 'feed-b', 'consent', 'KQ' || n, 1, round,"
                        " 'Q' || n, 'Q' || n, record || jsonb_build_object('id', 'KQ' || n,"
                        " 'person', 'Q' || n) from mhsflow.source_record,"
                        " generate_series(1, %d) n where id = 'KP1'",
                        copies));
    pg_ask(database, "analyze mhsflow.national_row, mhsflow.source_record");
}

static long peak_kib(void)
{
    char line[256];
    long kib = 0;
    FILE *file = fopen("/proc/self/status", "re");
    while (fgets(line, sizeof line, file))
        if (strncmp(line, "VmHWM:", 6) == 0)
            kib = strtol(line + 6, NULL, 10);
    fclose(file);
    return kib;
}

/* What one build adds to the memory of a process, and how fast it is. */
static long measure(Site *site, int64_t *ret_rows)
{
    int ends[2];
    ck_assert_int_eq(pipe(ends), 0);
    pid_t child = fork();
    if (child == 0) {
        Error err = {0};
        Store *own;
        long before = peak_kib();
        int64_t began = clock_steady();
        if (!store_open(database, "build", &own, &err) ||
            !build_on(site, own, arena, &site->result, &err)) {
            fprintf(stderr, "# %s: %s\n", err.code, err.cause);
            _exit(9);
        }
        int64_t figures[] = {peak_kib() - before, site->result.counts.rows, clock_steady() - began};
        _exit(write(ends[1], figures, sizeof figures) == sizeof figures ? 0 : 9);
    }
    int64_t figures[3] = {0};
    close(ends[1]);
    ck_assert_int_eq(read(ends[0], figures, sizeof figures), sizeof figures);
    close(ends[0]);
    int status;
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert_int_eq(status, 0);
    fprintf(stderr, "# a month of %lld rows: %lld KiB more at the peak, %.1f s, %.0f rows/s\n",
            (long long)figures[1], (long long)figures[0], (double)figures[2] / 1e6,
            (double)figures[1] * 1e6 / (double)figures[2]);
    *ret_rows = figures[1];
    return (long)figures[0];
}

/* A sanitizer keeps what was freed: memory says nothing then. */
#if defined(__SANITIZE_ADDRESS__)
#define SANITIZED 1
#elif defined(__has_feature)
#define SANITIZED __has_feature(address_sanitizer)
#else
#define SANITIZED 0
#endif

START_TEST(memory_does_not_grow_with_the_rows)
{
    Site *site = site_plain();
    int64_t rows;
    take_whole_person(FEED, 1, NULL);
    map_everyone(site);
    measure(site, &rows);
    const char *people = getenv("MHSFLOW_PEOPLE");
    int copies = people ? (int)strtol(people, NULL, 10) : 25000;
    copy_people(copies);
    ok(month_request(store, "V9X01", OCTOBER, "gate", err));
    long large = measure(site, &rows);
    ck_assert_int_ge(rows, 4 * copies);
    SubmissionInfo info = submission(2);
    fprintf(stderr, "# its document: %lld KiB\n", (long long)info.document_size / 1024);
    /* Keys are kept, rows are not: less than the document, however it is looked at. */
    if (!people && !SANITIZED)
        ck_assert_int_lt(large, info.document_size / 1024);
    site_free(site);
}
END_TEST

CASE_MAIN("build large", memory_does_not_grow_with_the_rows)
