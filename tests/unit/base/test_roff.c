/* SPDX-License-Identifier: Apache-2.0 */
/* Texts stand in a manual page as they are. */
#include "daemon/base/roff.h"

#include "tests/unit/suite.h"

#include <stdlib.h>
#include <string.h>

static char *text;
static size_t size;

static FILE *begin(void)
{
    return open_memstream(&text, &size);
}

static void is(FILE *out, const char *wanted)
{
    fclose(out);
    ck_assert_str_eq(text, wanted);
    free(text);
}

START_TEST(what_roff_would_take_for_a_command_is_text)
{
    FILE *out = begin();
    roff_paragraph(out, ".SH no heading\n'br\\fB --config");
    is(out, ".PP\n\\&.SH no heading\n\\&'br\\efB \\-\\-config\n");
}
END_TEST

START_TEST(words_between_backquotes_are_bold_and_end)
{
    FILE *out = begin();
    roff_item(out, "a", "see `mhsflow` and `this");
    is(out, ".TP\n.B \\&a\n\\&see \\fBmhsflow\\fR and \\fBthis\\fR\n");
}
END_TEST

SUITE("base/roff", what_roff_would_take_for_a_command_is_text,
      words_between_backquotes_are_bold_and_end);
