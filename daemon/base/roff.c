/* SPDX-License-Identifier: Apache-2.0 */
/* man(7) source, line by line. */
#include "daemon/base/roff.h"

#include <stdbool.h>

/* One character that means itself wherever it stands. */
static void put_plain(FILE *out, char c)
{
    if (c == '\\')
        fputs("\\e", out);
    else if (c == '-')
        fputs("\\-", out);
    else
        fputc(c, out);
}

static void put(FILE *out, const char *text)
{
    bool bold = false;
    fputs("\\&", out); /* a dot or an apostrophe that begins a line would be a command */
    for (; *text; text++) {
        if (*text == '`') {
            bold = !bold;
            fputs(bold ? "\\fB" : "\\fR", out);
        } else if (*text == '\n') {
            fputs("\n\\&", out);
        } else {
            put_plain(out, *text);
        }
    }
    fputs(bold ? "\\fR\n" : "\n", out);
}

void roff_begin(FILE *out, const char *name, int section, const char *summary)
{
    fprintf(out, ".TH \"%s\" \"%d\" \"\" \"mhsflow " MHSFLOW_VERSION "\" \"mhsflow\"\n.nh\n.ad l\n",
            name, section);
    roff_heading(out, "NAME");
    fprintf(out, "%s \\- ", name);
    put(out, summary);
}

void roff_heading(FILE *out, const char *title)
{
    fprintf(out, ".SH \"%s\"\n", title);
}

void roff_subheading(FILE *out, const char *title)
{
    fprintf(out, ".SS \"%s\"\n", title);
}

void roff_paragraph(FILE *out, const char *text)
{
    fputs(".PP\n", out);
    put(out, text);
}

void roff_item(FILE *out, const char *term, const char *text)
{
    fputs(".TP\n.B ", out);
    put(out, term);
    put(out, text);
}
