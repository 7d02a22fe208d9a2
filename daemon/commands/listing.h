/* SPDX-License-Identifier: Apache-2.0 */
/* Rows for people and for programs: the same columns as an aligned table or as JSON lines.
 *
 * With --json each row is one object on one line, written at once, with every
 * column under its key.  Without it rows are kept until the end, so that columns
 * align; columns whose title is NULL are left out.  What came from outside cannot
 * move the cursor or change colours: control and direction characters show as "?". */
#pragma once

#include "daemon/base/json.h"
#include "daemon/commands/command.h"

#include <stdint.h>

typedef enum ListingKind {
    LISTING_TEXT,
    LISTING_NUMBER, /* right-aligned; a JSON number */
    LISTING_BOOL,   /* "yes" / "no"; JSON true / false */
} ListingKind;

typedef struct ListingColumn {
    const char *key;   /* in JSON */
    const char *title; /* over the column; NULL: only in JSON */
    ListingKind kind;
    size_t most; /* characters shown on a terminal, 0 for all; never cuts JSON or a pipe */
} ListingColumn;

typedef struct Listing Listing;

/* `columns` must outlive the listing. */
Listing *listing_new(CommandContext *context, const ListingColumn *columns, size_t count);
/* As many values as columns, copied; NULL is blank, and null in JSON. */
void listing_row(Listing *listing, const char *const *values);
/* Prints the table, or `empty` (a sentence) when there was no row.  Returns the number of rows. */
size_t listing_end(Listing *listing, const char *empty);

/* One thing as "Title  value" lines, or as one JSON object.  A NULL value is left out for people.
 */
typedef struct Details Details;
Details *details_new(CommandContext *context);
void details_text(Details *details, const char *key, const char *title, const char *value);
void details_number(Details *details, const char *key, const char *title, int64_t value);
/* JSON only: `value` is taken over. */
void details_json(Details *details, const char *key, json_t *value);
void details_end(Details *details);

/* For the terminal: a colour around text, or the text alone when colours are off.  In the arena. */
typedef enum Colour { COLOUR_GOOD, COLOUR_WARN, COLOUR_BAD, COLOUR_DIM, COLOUR_STRONG } Colour;
const char *coloured(const CommandContext *context, Colour colour, const char *text);

/* "2026-11-23 02:20" in London, in the arena; NULL for 0. */
const char *shown_time(const CommandContext *context, int64_t wall_us);
/* "3 s", "5 min", "2 h", "4 days": a distance, never negative. */
const char *shown_distance(const CommandContext *context, int64_t us);
const char *shown_number(const CommandContext *context, int64_t number);
