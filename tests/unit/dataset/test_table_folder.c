/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/base/digest.h"
#include "daemon/base/file.h"
#include "daemon/dataset/document.h"
#include "daemon/dataset/table_folder.h"
#include "tests/unit/dataset/pack.h"

typedef struct Seen {
    Arena *arena;
    Text text;
} Seen;

static bool row_seen(void *context, const Row *row, Error *err)
{
    Seen *seen = context;
    (void)err;
    text_addf(&seen->text, "%s/%llu", row->table->code, (unsigned long long)row->number);
    for (size_t i = 0; i < row->table->count; i++)
        if (row->values[i])
            text_addf(&seen->text, " %s=%s", row->table->elements[i].name, row->values[i]);
    text_add(&seen->text, ";");
    return true;
}

static bool fault_seen(void *context, const StructureFault *fault, Error *err)
{
    Seen *seen = context;
    (void)err;
    text_addf(&seen->text, "(%s)", structure_text(fault, false, seen->arena));
    return true;
}

static const char *read_folder(Arena *arena, const char *folder, bool partial)
{
    Seen seen = {arena, text_new(arena, 1 << 18)};
    Error err = {0};
    if (!table_folder_read(pack(), folder, partial, row_seen, fault_seen, &seen, &err))
        return error_said(&err);
    return text_get(&seen.text);
}

START_TEST(what_is_written_is_read_again)
{
    _cleanup_arena_ Arena *arena = arena_new((size_t)8 << 20);
    const char *folder = folder_new(arena);
    Error err = {0};
    FolderWriter *writer;
    Row *patient = row_new(pack()->person, arena),
        *team = row_new(dataset_table(pack(), "MHS902"), arena);
    row_set(patient, "LocalPatientID", "=P,\"1\"\n");
    row_set(team, "CareProfTeamLocalID", "T1");
    ck_assert(folder_begin(pack(), folder, &writer, &err));
    ck_assert(folder_row(writer, patient, &err));
    row_set(patient, "LocalPatientID", "P2");
    ck_assert(folder_row(writer, patient, &err));
    ck_assert(folder_row(writer, team, &err));
    ck_assert(!folder_row(writer, patient, &err));
    ck_assert_int_eq(err.kind, ERROR_BUG);
    ck_assert(folder_end(writer, &err));
    folder_free(writer);
    ck_assert_str_eq(read_folder(arena, folder, false),
                     "MHS001/1 LocalPatientID==P,\"1\"\n;MHS001/2 LocalPatientID=P2;"
                     "MHS902/1 CareProfTeamLocalID=T1;");
    ck_assert(!folder_begin(pack(), folder, &writer, &err));
    ck_assert_str_eq(err.code, "folder.full");
    folder_remove(folder);
}
END_TEST

START_TEST(the_manifest_counts_and_digests_every_table)
{
    _cleanup_arena_ Arena *arena = arena_new((size_t)8 << 20);
    const char *folder = folder_new(arena), *document = arena_format(arena, "%s/d.xml", folder),
               *tables = arena_format(arena, "%s/t", folder);
    static const char xml[] = "<MHSDS xmlns=\"urn:mhsflow:mhsds:6.0\" version=\"6.0\">"
                              "<MHS001MPI><LocalPatientID>P1</LocalPatientID></MHS001MPI></MHSDS>";
    char *bytes, *manifest, hex[DIGEST_HEX_SIZE];
    size_t size, lines = 0;
    uint8_t digest[DIGEST_SIZE];
    Error err = {0};
    file_put(arena, folder, "d.xml", xml, sizeof xml - 1);
    ck_assert_msg(table_folder_write(pack(), document, tables, &err), "%s", error_said(&err));
    ck_assert(file_read(arena_format(arena, "%s/manifest.csv", tables), 1 << 16, arena, &manifest,
                        &size, &err));
    for (const char *c = manifest; *c; c++)
        lines += *c == '\n';
    ck_assert_uint_eq(lines, 62);
    ck_assert(file_read(arena_format(arena, "%s/MHS001MPI.csv", tables), 1 << 16, arena, &bytes,
                        &size, &err));
    digest_bytes(bytes, size, digest);
    ck_assert_ptr_nonnull(strstr(
        manifest, arena_format(arena, "MHS001MPI.csv,MHS001,1,%s\r\n", digest_hex(digest, hex))));
    ck_assert_ptr_nonnull(strstr(manifest, "MHS903WardDetails.csv,MHS903,0,"));
    ck_assert(text_starts(bytes, "LocalPatientID,OrgIDLocalPatientID,OrgIDEduEstab,NHSNumber,"));
    folder_remove(folder);
}
END_TEST

static const char *with_file(Arena *arena, const char *name, const char *bytes)
{
    const char *folder = folder_new(arena);
    file_put(arena, folder, name, bytes, strlen(bytes));
    const char *said = read_folder(arena, folder, true);
    folder_remove(folder);
    const char *path = strstr(said, "test-dataset-");
    return path ? strchr(path, '/') + 1 : said;
}

#define CONDITION "MHS103OtherReasonReferral.csv"

START_TEST(differences_of_structure_are_told_and_read_over)
{
    _cleanup_arena_ Arena *arena = arena_new((size_t)8 << 20);
    ck_assert_str_eq(with_file(arena, CONDITION, "OtherReasonReferMH,ServiceRequestID\n02,R1\n"),
                     "MHS103/1 ServiceRequestID=R1 OtherReasonReferMH=02;");
    ck_assert_str_eq(with_file(arena, CONDITION, "ServiceRequestID,OtherReasonRefer\nR1,02\n"),
                     "(" CONDITION ", column 2: a column that MHS103OtherReasonReferral does not "
                     "have; did you mean OtherReasonReferMH?)(" CONDITION
                     ": the column OtherReasonReferMH of MHS103OtherReasonReferral is missing)"
                     "MHS103/1 ServiceRequestID=R1;");
    ck_assert_str_eq(with_file(arena, "mhs001mpi.csv", "x\n"),
                     "(folder: a table that the data set does not have; did you mean "
                     "MHS001MPI.csv?)");
    ck_assert_str_eq(with_file(arena, "MHS001.csv", "x\n"),
                     "(folder: a table that the data set does not have; did you mean "
                     "MHS001MPI.csv?)");
    ck_assert_str_eq(with_file(arena, "notes.txt", "x\n"), "");
    ck_assert_str_eq(with_file(arena, "manifest.csv", "x\n"), "");
}
END_TEST

START_TEST(missing_tables_are_told_unless_partial)
{
    _cleanup_arena_ Arena *arena = arena_new((size_t)8 << 20);
    const char *folder = folder_new(arena);
    bool present[61] = {0};
    Error err = {0};
    ck_assert(text_starts(read_folder(arena, folder, false),
                          "(folder: the table MHS000Header is missing)"));
    ck_assert_str_eq(read_folder(arena, folder, true), "");
    file_put(arena, folder, CONDITION, "ServiceRequestID,OtherReasonReferMH\n", 36);
    ck_assert(table_folder_tables(pack(), folder, present, &err));
    ck_assert(present[dataset_table(pack(), "MHS103")->index]);
    ck_assert(!present[0]);
    folder_remove(folder);
}
END_TEST

START_TEST(what_is_no_csv_is_refused)
{
    _cleanup_arena_ Arena *arena = arena_new((size_t)8 << 20);
    ck_assert_str_eq(with_file(arena, CONDITION, ""),
                     CONDITION ": the file is empty, a header is needed");
    ck_assert_str_eq(with_file(arena, CONDITION, "ServiceRequestID,ServiceRequestID\n"),
                     CONDITION ":1: column 2 has the name of column 1");
    ck_assert_str_eq(with_file(arena, CONDITION, "ServiceRequestID,OtherReasonReferMH\nR1\n"),
                     CONDITION ":2: the row has 1 fields, the header has 2");
    ck_assert_str_eq(with_file(arena, CONDITION, "ServiceRequestID,OtherReasonReferMH\nR1,\"0\n"),
                     CONDITION ":3: field 2: the file ends inside quotes");
    ck_assert_ptr_nonnull(strstr(read_folder(arena, "/nowhere", true), "[folder.open]"));
}
END_TEST

START_TEST(only_files_are_read)
{
    _cleanup_arena_ Arena *arena = arena_new((size_t)8 << 20);
    const char *folder = folder_new(arena);
    ck_assert_int_eq(mkfifo(arena_format(arena, "%s/" CONDITION, folder), 0600), 0);
    ck_assert_ptr_nonnull(strstr(read_folder(arena, folder, true), "is not a file"));
    folder_remove(folder);
}
END_TEST

SUITE("dataset/table_folder", what_is_written_is_read_again,
      the_manifest_counts_and_digests_every_table, differences_of_structure_are_told_and_read_over,
      missing_tables_are_told_unless_partial, what_is_no_csv_is_refused, only_files_are_read);
