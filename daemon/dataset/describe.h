/* SPDX-License-Identifier: Apache-2.0 */
/* The data set in words: what a table, element, rule, code list or scale is.
 *
 * Two forms of the same facts: plain text about one thing, for a terminal, and
 * Markdown pages about all of it, for the pack's docs folder. */
#pragma once

#include "daemon/base/text.h"
#include "daemon/dataset/dataset.h"

/* Which line of a mapping fills an element, as text; NULL when none does. */
typedef const char *(*DescribeFill)(void *context, const Element *element);

/* `what` is a rule ("MHS20168"), a table by either name, an element ("AttendStatus", all tables
 * that have it; "MHS201.AttendStatus", that one), an item number ("M201901"), a code list or the
 * code of a scale.  False when it is none.  Without `fill` nothing is said of the mapping. */
bool describe(const Dataset *dataset, const char *what, DescribeFill fill, void *context,
              Text *text);

/* The name that `what` is most like, or NULL. */
const char *describe_near(const Dataset *dataset, const char *what, Arena *arena);

/* The elements that `what` means: the element by name in all tables, or the one by TABLE.NAME or
 * item number.  At most `most`; returns how many. */
size_t describe_elements(const Dataset *dataset, const char *what, const Element **ret,
                         size_t most);

/* When rows of the table belong to a month, in a sentence. */
void describe_inclusion(const Table *table, Text *text);

/* Markdown: README.md, one page per table, codes.md and scales.md; written whole or not at all,
 * page by page. */
bool describe_markdown(const Dataset *dataset, const char *folder, Error *err);
