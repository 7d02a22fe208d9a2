/* SPDX-License-Identifier: Apache-2.0 */
/* The hand-over: whole or not at all, never accepted by itself, and remembered. */
#include "adapters/submit/portal_folder.h"
#include "adapters/submit/submits.h"
#include "daemon/base/cleanup.h"
#include "daemon/base/digest.h"
#include "daemon/base/file.h"
#include "daemon/base/text.h"
#include "tests/unit/suite.h"

#include <stdint.h>
#include <string.h>
#include <sys/stat.h>

#define KEY "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"
#define DOCUMENT "<MHSDS>a document</MHSDS>\n"
#define NAME "mhsds-6.0_V9X01_2026-10_r3"

typedef struct Case {
    Arena *arena;
    char root[64];
    const char *folder, *document, *tables;
    uint8_t digest[DIGEST_SIZE];
    void *self;
    Submission submission;
    SubmitAnswer answer;
    Error err;
} Case;

static const char *in(Case *one, const char *folder, const char *name)
{
    return arena_format(one->arena, "%s/%s", folder, name);
}

static void write_text(Case *one, const char *path, const char *text)
{
    ck_assert_msg(file_write(path, text, strlen(text), 0600, &one->err), "%s", one->err.cause);
}

static void open_with(Case *one, const char *more)
{
    YamlNode *map;
    const Section *section;
    const char *text = arena_format(one->arena, "folder: %s\n%s", one->folder, more);
    ck_assert(yaml_parse("settings", text, strlen(text), one->arena, &map, &one->err));
    ck_assert_msg(section_read(map, &submit_portal.options, 1, one->arena, &section, &one->err),
                  "%s", one->err.cause);
    submit_portal.close(one->self);
    ck_assert(submit_portal.open("portal", section, NULL, &one->self, &one->err));
}

static Case *case_new(void)
{
    Case *one = calloc(1, sizeof *one);
    one->arena = arena_new(8 << 20);
    snprintf(one->root, sizeof one->root, "/tmp/portal-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(one->root));
    one->folder = in(one, one->root, "out");
    one->document = in(one, one->root, "spool.xml");
    one->tables = in(one, one->root, "spool.tables");
    ck_assert(mkdir(one->folder, 0700) == 0 && mkdir(one->tables, 0700) == 0);
    write_text(one, one->document, DOCUMENT);
    write_text(one, in(one, one->tables, "MHS001MPI.csv"), "LocalPatientID\r\n");
    write_text(one, in(one, one->tables, "manifest.csv"), "file,rows,sha256\r\n");
    digest_bytes(DOCUMENT, strlen(DOCUMENT), one->digest);
    one->submission = (Submission){
        .id = 42,
        .data_set = "mhsds-6.0",
        .provider = "V9X01",
        .period = "2026-10",
        .revision = 3,
        .idempotency_key = KEY,
        .document_path = one->document,
        .document_size = (int64_t)strlen(DOCUMENT),
        .digest = one->digest,
        .signature = (const uint8_t *)"\x30\x03\x02\x01\x01",
        .signature_size = 5,
        .tables_path = one->tables,
    };
    open_with(one, "");
    return one;
}

static void case_free(Case *one)
{
    char command[128];
    snprintf(command, sizeof command, "%s", one->root);
    submit_portal.close(one->self);
    static char rm[] = "rm", option[] = "-rf";
    char *const words[] = {rm, option, command, NULL};
    pid_t pid = fork();
    if (pid == 0) {
        execvp("rm", words);
        _exit(1);
    }
    arena_free(one->arena);
    free(one);
}

static Verdict submit(Case *one)
{
    ck_assert_msg(
        submit_portal.submit(one->self, one->arena, &one->submission, &one->answer, &one->err),
        "%s", one->err.cause);
    ck_assert(one->answer.code && one->answer.reason);
    return one->answer.verdict;
}

static Verdict inquire(Case *one)
{
    ck_assert(
        submit_portal.inquire(one->self, one->arena, &one->submission, &one->answer, &one->err));
    ck_assert(one->answer.code && one->answer.reason);
    return one->answer.verdict;
}

static const char *made(Case *one, const char *name)
{
    return in(one, in(one, one->folder, NAME "_001122334455"), name);
}

static const char *content(Case *one, const char *name)
{
    char *bytes;
    size_t size;
    ck_assert_msg(file_read(made(one, name), 1 << 20, one->arena, &bytes, &size, &one->err), "%s",
                  one->err.cause);
    return bytes;
}

START_TEST(a_hand_over_is_whole_and_waits_for_a_person)
{
    Case *one = case_new();
    ck_assert_int_eq(submit(one), VERDICT_PENDING);
    ck_assert_int_ne(one->answer.status, 0);
    ck_assert_int_gt(one->answer.wait_ms, 0);
    ck_assert_ptr_null(one->answer.reference);
    ck_assert_str_eq(content(one, NAME ".xml"), DOCUMENT);
    ck_assert_str_eq(content(one, "tables/MHS001MPI.csv"), "LocalPatientID\r\n");
    ck_assert(access(made(one, NAME ".p7s"), F_OK) == 0);
    const char *sheet = content(one, "CHECKLIST.txt");
    ck_assert(strstr(sheet, "publishes no upload API"));
    ck_assert(strstr(sheet, "mhsflow submission receipt 42 --reference"));
    ck_assert(strstr(sheet, "mhsflow submission reports 42 FILE.zip"));
    const char *manifest = content(one, "manifest.sha256");
    char hex[DIGEST_HEX_SIZE];
    ck_assert(strstr(manifest,
                     arena_format(one->arena, "%s  " NAME ".xml\n", digest_hex(one->digest, hex))));
    ck_assert(strstr(manifest, "  tables/manifest.csv\n") && strstr(manifest, ".p7s\n"));
    ck_assert(access(in(one, one->folder, ".making-001122334455"), F_OK) < 0);
    case_free(one);
}
END_TEST

START_TEST(readable_by_its_owner_only_unless_the_group_is_let_in)
{
    static const char *const settings[] = {"", "group_reads: yes\n"};
    static const mode_t files[] = {0600, 0640}, folders[] = {0700, 0750};
    for (int i = 0; i < 2; i++) {
        Case *one = case_new();
        struct stat info;
        mode_t before = umask(i ? 0077 : 0);
        open_with(one, settings[i]);
        ck_assert_int_eq(submit(one), VERDICT_PENDING);
        umask(before);
        static const char *const names[] = {NAME ".xml", NAME ".p7s", "CHECKLIST.txt",
                                            "tables/MHS001MPI.csv"};
        for (size_t k = 0; k < COUNT_OF(names); k++) {
            ck_assert(stat(made(one, names[k]), &info) == 0);
            ck_assert_int_eq(info.st_mode & 0777, files[i]);
        }
        ck_assert(stat(made(one, "tables"), &info) == 0);
        ck_assert_int_eq(info.st_mode & 0777, folders[i]);
        case_free(one);
    }
}
END_TEST

START_TEST(what_was_handed_over_is_remembered)
{
    Case *one = case_new();
    ck_assert_int_eq(submit(one), VERDICT_PENDING);
    ck_assert_int_eq(inquire(one), VERDICT_PENDING);
    /* The person took it away. */
    ck_assert(rename(in(one, one->folder, NAME "_001122334455"), in(one, one->root, "taken")) == 0);
    ck_assert_int_eq(inquire(one), VERDICT_PENDING);
    /* The mark alone is missing: a crash between the two. */
    ck_assert(rename(in(one, one->root, "taken"), in(one, one->folder, NAME "_001122334455")) == 0);
    ck_assert(unlink(in(one, one->folder, ".register/" KEY)) == 0);
    ck_assert_int_eq(inquire(one), VERDICT_PENDING);
    case_free(one);
}
END_TEST

START_TEST(a_crash_in_the_middle_was_never_a_hand_over)
{
    Case *one = case_new();
    /* Probed before, so there is a register; and a half-made rest lies here. */
    ck_assert(submit_portal.probe(one->self, one->arena, &one->answer, &one->err));
    ck_assert_int_eq(one->answer.verdict, VERDICT_ACCEPTED);
    const char *half = in(one, one->folder, ".making-001122334455");
    ck_assert(mkdir(half, 0700) == 0);
    ck_assert(mkdir(in(one, half, "tables"), 0700) == 0);
    write_text(one, in(one, half, "tables/MHS001MPI.csv"), "half");
    ck_assert_int_eq(inquire(one), VERDICT_NEVER_SEEN);
    ck_assert_int_eq(submit(one), VERDICT_PENDING);
    ck_assert_str_eq(content(one, "tables/MHS001MPI.csv"), "LocalPatientID\r\n");
    ck_assert(access(half, F_OK) < 0);
    case_free(one);
}
END_TEST

START_TEST(a_share_that_is_away_says_nothing)
{
    Case *one = case_new();
    ck_assert_int_eq(submit(one), VERDICT_PENDING);
    ck_assert(rename(one->folder, in(one, one->root, "unmounted")) == 0);
    ck_assert_int_eq(inquire(one), VERDICT_LATER);
    ck_assert_int_eq(one->answer.status, 0);
    ck_assert_int_eq(submit(one), VERDICT_LATER);
    ck_assert(submit_portal.probe(one->self, one->arena, &one->answer, &one->err));
    ck_assert_int_eq(one->answer.verdict, VERDICT_LATER);
    ck_assert_msg(access(one->folder, F_OK) < 0, "made a folder under a missing mount");
    /* An empty mount point has no register: still no answer. */
    ck_assert(mkdir(one->folder, 0700) == 0);
    ck_assert_int_eq(inquire(one), VERDICT_LATER);
    case_free(one);
}
END_TEST

START_TEST(only_the_document_that_was_queued)
{
    Case *one = case_new();
    write_text(one, one->document, "<MHSDS>another</MHSDS>\n");
    ck_assert(
        !submit_portal.submit(one->self, one->arena, &one->submission, &one->answer, &one->err));
    ck_assert_str_eq(one->err.code, "portal.digest");
    error_clear(&one->err);
    ck_assert_int_eq(inquire(one), VERDICT_NEVER_SEEN);
    ck_assert(access(in(one, one->folder, ".making-001122334455"), F_OK) < 0);
    case_free(one);
}
END_TEST

START_TEST(sent_back_by_a_person_it_lies_there_again)
{
    Case *one = case_new();
    ck_assert_int_eq(submit(one), VERDICT_PENDING);
    ck_assert(rename(in(one, one->folder, NAME "_001122334455"), in(one, one->root, "taken")) == 0);
    ck_assert_int_eq(submit(one), VERDICT_PENDING);
    ck_assert_str_eq(content(one, NAME ".xml"), DOCUMENT);
    /* And a third time over what lies there. */
    ck_assert_int_eq(submit(one), VERDICT_PENDING);
    case_free(one);
}
END_TEST

SUITE("adapters/portal", a_hand_over_is_whole_and_waits_for_a_person,
      readable_by_its_owner_only_unless_the_group_is_let_in, what_was_handed_over_is_remembered,
      a_crash_in_the_middle_was_never_a_hand_over, a_share_that_is_away_says_nothing,
      only_the_document_that_was_queued, sent_back_by_a_person_it_lies_there_again);
