/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/dataset/document.h"
#include "tests/unit/dataset/pack.h"

#define TOP                                                                                        \
    "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<MHSDS xmlns=\"urn:mhsflow:mhsds:6.0\" "          \
    "version=\"6.0\">\n"
#define END "</MHSDS>\n"

/* What a reading found, as text: "MHS001/1 LocalPatientID=P1 …; fault". */
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

static const char *read_all(const char *bytes, size_t size)
{
    static char said[2048];
    _cleanup_arena_ Arena *arena = arena_new(1 << 20);
    Seen seen = {arena, text_new(arena, 1 << 18)};
    Error err = {0};
    if (!document_read_bytes(pack(), "x", bytes, size, row_seen, fault_seen, &seen, &err)) {
        ck_assert_int_eq(err.kind, ERROR_DATA);
        return error_said(&err);
    }
    snprintf(said, sizeof said, "%s", text_get(&seen.text));
    return said;
}
#define READ(text) read_all(text, sizeof(text) - 1)
#define ROWS(text) READ(TOP text END)

START_TEST(what_is_written_is_read_again)
{
    _cleanup_arena_ Arena *arena = arena_new(1 << 20);
    Text text = text_new(arena, 1 << 16);
    DocumentWriter writer;
    Error err = {0};
    Row *patient = row_new(pack()->person, arena),
        *contact = row_new(dataset_table(pack(), "MHS201"), arena);
    row_set(patient, "LocalPatientID", "P<1>&\"'\r\n\t\xc3\xa9");
    row_set(patient, "NHSNumber", "");
    row_set(contact, "CareContactID", "C1");
    row_set(contact, "AttendStatus", "5");
    ck_assert(document_begin(&writer, pack(), document_sink_text, &text, &err));
    ck_assert(document_row(&writer, patient, &err));
    ck_assert(document_row(&writer, contact, &err));
    ck_assert(document_end(&writer, &err));
    ck_assert_str_eq(text_get(&text),
                     TOP "<MHS001MPI><LocalPatientID>P&lt;1&gt;&amp;\"'&#13;\n\t\xc3\xa9</"
                         "LocalPatientID></MHS001MPI>\n"
                         "<MHS201CareContact><CareContactID>C1</CareContactID>"
                         "<AttendStatus>5</AttendStatus></MHS201CareContact>\n" END);
    ck_assert_str_eq(read_all(text.bytes, text.size),
                     "MHS001/1 LocalPatientID=P<1>&\"'\r\n\t\xc3\xa9;"
                     "MHS201/1 CareContactID=C1 AttendStatus=5;");
}
END_TEST

START_TEST(a_document_is_its_fragments)
{
    _cleanup_arena_ Arena *arena = arena_new(1 << 20);
    Text fragment = text_new(arena, 1 << 10), whole = text_new(arena, 1 << 12);
    Row *row = row_new(dataset_table(pack(), "MHS902"), arena);
    DocumentWriter writer;
    Error err = {0};
    row_set(row, "CareProfTeamLocalID", "T1");
    ck_assert(row_fragment(row, &fragment, &err));
    ck_assert(document_begin(&writer, pack(), document_sink_text, &whole, &err));
    ck_assert(document_fragment(&writer, row->table, fragment.bytes, fragment.size, &err));
    ck_assert(document_end(&writer, &err));
    ck_assert_str_eq(text_get(&whole), arena_format(arena, TOP "%s" END, text_get(&fragment)));
    ck_assert(!document_fragment(&writer, pack()->person, "x", 1, &err));
    ck_assert_int_eq(err.kind, ERROR_BUG);
}
END_TEST

START_TEST(what_xml_cannot_carry_is_refused)
{
    _cleanup_arena_ Arena *arena = arena_new(1 << 20);
    static const char *const values[] = {"\x01", "a\x0b", "\xff", "\xef\xbf\xbe", "\xed\xa0\x80"};
    Row *row = row_new(pack()->person, arena);
    for (size_t i = 0; i < sizeof values / sizeof *values; i++) {
        Text text = text_new(arena, 1 << 10);
        Error err = {0};
        row_set(row, "Postcode", values[i]);
        ck_assert(!row_fragment(row, &text, &err));
        ck_assert_str_eq(error_said(&err), "[document.character] Postcode of MHS001MPI holds a "
                                           "character that XML cannot carry");
    }
}
END_TEST

START_TEST(differences_of_structure_are_told_and_read_over)
{
    ck_assert_str_eq(ROWS("<MHS001MPI><LocalPatientID>1</LocalPatientID></MHS001MPI>"
                          "<MHS001MPX><LocalPatientID>2</LocalPatientID></MHS001MPX>"
                          "<MHS001MPI><LocalPatientID>3</LocalPatientID></MHS001MPI>"),
                     "MHS001/1 LocalPatientID=1;(x, line 3: a table that the data set does not "
                     "have; did you mean MHS001MPI?)MHS001/2 LocalPatientID=3;");
    ck_assert_str_eq(ROWS("<MHS001MPI><Name>x</Name><NHSNumber>2</NHSNumber></MHS001MPI>"),
                     "(x, line 3: a column that MHS001MPI does not have)MHS001/1 NHSNumber=2;");
    ck_assert_str_eq(ROWS("<MHS001MPI><Gender>1</Gender><NHSNumber>2</NHSNumber>"
                          "<Gender>2</Gender></MHS001MPI>"),
                     "(x, line 3: NHSNumber stands after a column of MHS001MPI that should follow "
                     "it)(x, line 3: Gender stands twice in MHS001MPI)"
                     "MHS001/1 NHSNumber=2 Gender=1;");
    ck_assert_str_eq(ROWS("<MHS101Referral/><MHS001MPI/>"),
                     "MHS101/1;(x, line 3: MHS001MPI stands after a table that should follow it)"
                     "MHS001/1;");
}
END_TEST

START_TEST(blank_is_null)
{
    ck_assert_str_eq(ROWS("<MHS001MPI><Gender></Gender><EthnicCategory/></MHS001MPI>"),
                     "MHS001/1;");
    ck_assert_str_eq(ROWS(""), "");
    ck_assert_str_eq(ROWS("<MHS001MPI><Gender><![CDATA[<1>]]></Gender></MHS001MPI>"),
                     "MHS001/1 Gender=<1>;");
}
END_TEST

START_TEST(what_is_no_document_is_refused)
{
    ck_assert_str_eq(READ(""), "[document.empty] x:1: the document is empty");
    ck_assert_str_eq(READ("P1,1\n"), "[document.start] x:1: this is no XML in UTF-8");
    ck_assert_str_eq(READ("\xff\xfe<\0"), "[document.start] x:1: this is no XML in UTF-8");
    ck_assert_str_eq(READ("<?xml version=\"1.0\" encoding=\"ISO-8859-1\"?><a/>"),
                     "[document.encoding] x:1: the document says another encoding than UTF-8");
    ck_assert_str_eq(READ("<a/>"), "[document.root] x:1: the root element is not MHSDS of "
                                   "namespace urn:mhsflow:mhsds:6.0");
    ck_assert_str_eq(READ("<MHSDS xmlns=\"urn:mhsflow:mhsds:6.0\" version=\"6.1\"/>"),
                     "[document.version] x:1: the document is not of version 6.0");
    ck_assert_str_eq(READ("<MHSDS xmlns=\"urn:mhsflow:mhsds:6.0\"/>"),
                     "[document.version] x:1: the root element does not say its version");
    ck_assert_str_eq(ROWS("<MHS001MPI x=\"1\"/>"),
                     "[document.attribute] x:3: an attribute where none may be");
    ck_assert_str_eq(ROWS("<MHS001MPI xmlns=\"urn:x\"/>"),
                     "[document.attribute] x:3: an attribute where none may be");
    ck_assert_str_eq(ROWS("<MHS001MPI><Gender><b/></Gender></MHS001MPI>"),
                     "[document.depth] x:3: a value holds an element");
    ck_assert_str_eq(ROWS("<MHS001MPI>1</MHS001MPI>"),
                     "[document.text] x:3: text that is in no element");
    ck_assert_str_eq(ROWS("<!-- a -->"), "[document.comment] x:3: a comment where none may be");
    ck_assert_str_eq(ROWS("<?a b?>"),
                     "[document.instruction] x:3: a processing instruction where none may be");
}
END_TEST

START_TEST(what_is_broken_is_named_without_its_content)
{
    ck_assert_ptr_nonnull(strstr(READ(TOP "<MHS001MPI>"), "[document.xml] x:"));
    ck_assert_ptr_nonnull(strstr(READ(TOP "<MHS001MPI><Gender>1"), "[document.xml] x:"));
    ck_assert_ptr_nonnull(
        strstr(ROWS("<MHS001MPI><Gender>\xff</Gender></MHS001MPI>"), "is not UTF-8"));
    ck_assert_ptr_nonnull(strstr(ROWS("<MHS001MPI><Gender>\0</Gender></MHS001MPI>"), "a NUL"));
    ck_assert_ptr_nonnull(strstr(ROWS("<MHS001MPI></MHS101Referral>"), "does not match"));
    ck_assert_ptr_nonnull(
        strstr(ROWS("<MHS001MPI><Gender>&#127;</Gender></MHS001MPI>"), "a control character"));
    ck_assert_ptr_nonnull(strstr(ROWS("<MHS001MPI><Gender>&secret;</Gender></MHS001MPI>"),
                                 "an entity that XML does not define itself"));
    ck_assert_ptr_nonnull(strstr(READ(TOP END "<a/>"), "goes on after its end"));
}
END_TEST

START_TEST(a_doctype_is_refused_before_it_is_read)
{
    static const char bomb[] =
        "<?xml version=\"1.0\"?>\n<!DOCTYPE a [<!ENTITY a \"aaaaaaaaaa\"><!ENTITY b "
        "\"&a;&a;&a;&a;&a;&a;&a;&a;\">]>\n<MHSDS>&b;</MHSDS>";
    static const char file[] =
        "<!DOCTYPE a SYSTEM \"file:///etc/hostname\"><MHSDS xmlns=\"urn:mhsflow:mhsds:6.0\"/>";
    ck_assert_str_eq(READ(bomb), "[document.doctype] x:2: a DOCTYPE is never read");
    ck_assert_str_eq(READ(file), "[document.doctype] x:1: a DOCTYPE is never read");
}
END_TEST

/* `size` bytes between `before` and `after`. */
static const char *read_long(const char *before, char byte, size_t size, const char *after)
{
    _cleanup_arena_ Arena *arena = arena_new((size_t)64 << 20);
    Text text = text_new(arena, (size_t)32 << 20);
    char *long_one = arena_alloc(arena, size + 1);
    memset(long_one, byte, size);
    text_addf(&text, "%s%s%s", before, long_one, after);
    return read_all(text.bytes, text.size);
}

START_TEST(sizes_have_limits)
{
    ck_assert_str_eq(read_long(TOP "<MHS001MPI><Gender>", 'x', DOCUMENT_FIELD_LIMIT + 1,
                               "</Gender></MHS001MPI>" END),
                     "[document.field] x:3: a value is longer than 65536 bytes");
    ck_assert_ptr_nonnull(
        strstr(read_long(TOP "<MHS001MPI><Gender>", 'x', 20000000, ""), "longer than"));
    ck_assert_ptr_nonnull(
        strstr(read_long("<MHSDS x=\"", 'x', 20000000, "\"/>"), "a tag is longer than any may be"));
    ck_assert_ptr_nonnull(
        strstr(read_long(TOP "<", 'M', 100000, "/>" END), "a tag is longer than any may be"));
}
END_TEST

static bool no_more(void *context, const Row *row, Error *err)
{
    (void)context, (void)row;
    return error_set(err, ERROR_LATER, "test.stop", "enough");
}

START_TEST(the_caller_can_stop_it)
{
    Error err = {0};
    static const char text[] = TOP "<MHS001MPI/><MHS001MPI/>" END;
    ck_assert(!document_read_bytes(pack(), "x", text, sizeof text - 1, no_more, NULL, NULL, &err));
    ck_assert_str_eq(error_said(&err), "[test.stop] enough");
    Error unknown = {0};
    static const char other[] = TOP "<MHS001>\n</MHS001>" END;
    ck_assert(
        !document_read_bytes(pack(), "x", other, sizeof other - 1, no_more, NULL, NULL, &unknown));
    ck_assert_ptr_nonnull(strstr(error_said(&unknown), "[document.structure] x, line 3: a table"));
}
END_TEST

START_TEST(only_files_are_read)
{
    Error err = {0};
    ck_assert(!document_read(pack(), "/nowhere/x.xml", no_more, NULL, NULL, &err));
    ck_assert_str_eq(err.code, "document.open");
    ck_assert(!document_read(pack(), "/dev/zero", no_more, NULL, NULL, &err));
    ck_assert_str_eq(error_said(&err), "[document.open] /dev/zero is not a file");
}
END_TEST

SUITE("dataset/document", what_is_written_is_read_again, a_document_is_its_fragments,
      what_xml_cannot_carry_is_refused, differences_of_structure_are_told_and_read_over,
      blank_is_null, what_is_no_document_is_refused, what_is_broken_is_named_without_its_content,
      a_doctype_is_refused_before_it_is_read, sizes_have_limits, the_caller_can_stop_it,
      only_files_are_read);
