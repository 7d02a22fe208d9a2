/* SPDX-License-Identifier: Apache-2.0 */
/* Differences of structure in words. */
#include "daemon/dataset/structure.h"

#include "daemon/base/text.h"

/* Where it is: "MHS101Referral.csv, column 3", "month.xml, line 7". */
static void place_add(Text *text, const StructureFault *fault)
{
    text_add(text, fault->file);
    if (fault->line)
        text_addf(text, ", line %d", fault->line);
    if (fault->column)
        text_addf(text, ", column %d", fault->column);
    text_add(text, ": ");
}

/* A name from outside, safe for a terminal. */
static void name_add(Text *text, const char *name)
{
    size_t size = 0;
    text_add(text, " \"");
    for (const char *c = name; *c && size < 64; c++, size++)
        text_addf(text, "%c", *c >= 0x20 && *c < 0x7f ? *c : '?');
    text_add(text, "\"");
}

const char *structure_text(const StructureFault *fault, bool show, Arena *arena)
{
    Text text = text_new(arena, 1024);
    place_add(&text, fault);
    const char *table = fault->table ? fault->table->name : "the data set";
    switch (fault->kind) {
    case STRUCTURE_TABLE_UNKNOWN:
        text_add(&text, "a table that the data set does not have");
        break;
    case STRUCTURE_TABLE_MISSING:
        text_addf(&text, "the table %s is missing", table);
        break;
    case STRUCTURE_TABLE_ORDER:
        text_addf(&text, "%s stands after a table that should follow it", table);
        break;
    case STRUCTURE_COLUMN_UNKNOWN:
        text_addf(&text, "a column that %s does not have", table);
        break;
    case STRUCTURE_COLUMN_MISSING:
        text_addf(&text, "the column %s of %s is missing", fault->element->name, table);
        break;
    case STRUCTURE_COLUMN_ORDER:
        text_addf(&text, "%s stands after a column of %s that should follow it",
                  fault->element->name, table);
        break;
    case STRUCTURE_COLUMN_AGAIN:
        text_addf(&text, "%s stands twice in %s", fault->element->name, table);
        break;
    }
    if (fault->name && show)
        name_add(&text, fault->name);
    if (fault->near)
        text_addf(&text, "; did you mean %s?", fault->near);
    return text_get(&text);
}
