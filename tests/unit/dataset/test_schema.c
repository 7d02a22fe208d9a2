/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/base/file.h"
#include "daemon/dataset/document.h"
#include "daemon/dataset/schema.h"
#include "tests/unit/dataset/pack.h"

START_TEST(the_committed_schema_is_the_packs)
{
    _cleanup_arena_ Arena *arena = arena_new((size_t)16 << 20);
    Text text = text_new(arena, (size_t)4 << 20);
    char *committed;
    size_t size;
    Error err = {0};
    schema_write(pack(), &text);
    ck_assert(text_ok(&text));
    ck_assert(file_read(source_path(arena, "mappings/mhsds-6.0/mhsds-6.0.xsd"), 4 << 20, arena,
                        &committed, &size, &err));
    ck_assert_msg(size == text.size && memcmp(committed, text.bytes, size) == 0,
                  "make it again: mhsflow dataset xsd > mappings/mhsds-6.0/mhsds-6.0.xsd");
}
END_TEST

START_TEST(no_keys_and_no_large_bounds)
{
    _cleanup_arena_ Arena *arena = arena_new((size_t)16 << 20);
    Text text = text_new(arena, (size_t)4 << 20);
    schema_write(pack(), &text);
    ck_assert_ptr_null(strstr(text_get(&text), "<xs:key"));
    ck_assert_ptr_null(strstr(text_get(&text), "<xs:unique"));
    for (const char *at = text_get(&text); (at = strstr(at, "maxOccurs=")); at++)
        ck_assert_int_eq(strncmp(at, "maxOccurs=\"unbounded\"", 21), 0);
    ck_assert_ptr_nonnull(strstr(text_get(&text), "not published, approved or accepted"));
}
END_TEST

#define TOP                                                                                        \
    "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<MHSDS xmlns=\"urn:mhsflow:mhsds:6.0\" "          \
    "version=\"6.0\">\n"
#define HEADER(version)                                                                            \
    "<MHS000Header><DatSetVer>" version "</DatSetVer><OrgIDProvider>AB123</OrgIDProvider>"         \
    "<OrgIDSubmit>AB123</OrgIDSubmit><PrimSystemInUse>X</PrimSystemInUse>"                         \
    "<ReportingPeriodStartDate>2026-04-01</ReportingPeriodStartDate>"                              \
    "<ReportingPeriodEndDate>2026-04-30</ReportingPeriodEndDate>"                                  \
    "<DateTimeDatSetCreate>2026-05-10T10:00:00</DateTimeDatSetCreate></MHS000Header>\n"
#define PATIENT(inside)                                                                            \
    TOP HEADER("6.0") "<MHS001MPI><LocalPatientID>P1</LocalPatientID>"                             \
                      "<OrgIDLocalPatientID>AB123</OrgIDLocalPatientID>" inside                    \
                      "</MHS001MPI>\n</MHSDS>\n"

static const char *validate(const char *document)
{
    _cleanup_arena_ Arena *arena = arena_new((size_t)1 << 20);
    const char *folder = folder_new(arena);
    Error err = {0};
    file_put(arena, folder, "d.xml", document, strlen(document));
    bool ok = schema_validate_file(source_path(arena, "mappings/mhsds-6.0/mhsds-6.0.xsd"),
                                   arena_format(arena, "%s/d.xml", folder), &err);
    folder_remove(folder);
    if (ok)
        return "ok";
    ck_assert_int_eq(err.kind, ERROR_DATA);
    return strstr(error_said(&err), "d.xml:");
}

START_TEST(formats_order_and_version_are_checked)
{
    ck_assert_str_eq(validate(PATIENT("")), "ok");
    ck_assert_str_eq(
        validate(PATIENT("<NHSNumber>9990000018</NHSNumber><Postcode>ZZ99 3CZ</Postcode>")), "ok");
    ck_assert_str_eq(validate(PATIENT("<NHSNumber>99900000</NHSNumber>")),
                     "d.xml:4: a value is not written as its format says (1839)");
    ck_assert_str_eq(validate(PATIENT("<PersonBirthDate>1/2/1990</PersonBirthDate>")),
                     "d.xml:4: a value is not written as its format says (1839)");
    ck_assert_str_eq(validate(PATIENT("<EthnicCategory>ABC</EthnicCategory>")),
                     "d.xml:4: a value has a length that its format does not allow (1832)");
    ck_assert_str_eq(validate(PATIENT("<Gender>Q</Gender>")),
                     "ok"); /* only a warning, nationally */
    ck_assert_str_eq(validate(PATIENT("<Gender>1</Gender><NHSNumber>9990000018</NHSNumber>")),
                     "d.xml:4: an element that is not known, or not in its place (1871)");
    ck_assert_str_eq(validate(TOP HEADER("5.0") "</MHSDS>\n"),
                     "d.xml:3: a code that is not in its list (1840)");
    ck_assert_str_eq(validate(TOP HEADER("6.0") HEADER("6.0") "</MHSDS>\n"),
                     "d.xml:4: an element that is not known, or not in its place (1871)");
    ck_assert_ptr_nonnull(validate(TOP "</MHSDS>\n"));
}
END_TEST

START_TEST(hostile_documents_are_refused_here_too)
{
    ck_assert_str_eq(validate("<!DOCTYPE a [<!ENTITY b \"c\">]><MHSDS>&b;</MHSDS>"),
                     "d.xml:1: a DOCTYPE is never read");
    ck_assert_ptr_nonnull(strstr(validate(TOP), "cut off"));
}
END_TEST

SUITE("dataset/schema", the_committed_schema_is_the_packs, no_keys_and_no_large_bounds,
      formats_order_and_version_are_checked, hostile_documents_are_refused_here_too);
