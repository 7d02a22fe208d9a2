/* SPDX-License-Identifier: Apache-2.0 */
/* Manual pages from the program's own tables, as man(7) source.
 *
 * Texts are plain: whatever roff would read as a command is written so that it
 * stands there as it is; `words` between backquotes become bold. */
#pragma once

#include <stdio.h>

/* The head of a page: roff_begin(out, "mhsflow", 1, "looks at and steers the flow"). */
void roff_begin(FILE *out, const char *name, int section, const char *summary);
void roff_heading(FILE *out, const char *title);    /* capitals by custom */
void roff_subheading(FILE *out, const char *title); /* within a heading */
void roff_paragraph(FILE *out, const char *text);
/* A term with what it means behind it, indented. */
void roff_item(FILE *out, const char *term, const char *text);
