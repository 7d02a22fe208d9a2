/* SPDX-License-Identifier: Apache-2.0 */
/* Writes rows as an aligned table or as JSON lines. */
#include "daemon/commands/listing.h"

#include "daemon/base/civil.h"
#include "daemon/base/clock.h"

#include <string.h>

enum { ROW_LIMIT = 1 << 20 };

struct Listing {
    CommandContext *context;
    const ListingColumn *columns;
    size_t count;
    const char ***rows;
    size_t row_count, capacity;
    Text line;
};

Listing *listing_new(CommandContext *context, const ListingColumn *columns, size_t count)
{
    Listing *listing = arena_alloc(context->arena, sizeof(*listing));

    *listing = (Listing){.context = context, .columns = columns, .count = count};
    listing->line = text_new(context->arena, ROW_LIMIT);
    return listing;
}

static void add_json_value(Text *line, ListingKind kind, const char *value)
{
    if (!value)
        text_add(line, "null");
    else if (kind == LISTING_NUMBER)
        text_add(line, value);
    else if (kind == LISTING_BOOL)
        text_add(line, text_equal(value, "yes") ? "true" : "false");
    else
        text_add_json(line, value);
}

static void write_json_row(Listing *listing, const char *const *values)
{
    text_clear(&listing->line);
    for (size_t i = 0; i < listing->count; i++) {
        text_add(&listing->line, i ? "," : "{");
        text_add_json(&listing->line, listing->columns[i].key);
        text_add(&listing->line, ":");
        add_json_value(&listing->line, listing->columns[i].kind, values[i]);
    }
    fprintf(listing->context->out, "%s}\n", text_get(&listing->line));
}

/* Length in bytes of the UTF-8 character at `at`, or 0 when it must not reach a terminal. */
static size_t safe_character(const unsigned char *at)
{
    if (*at < 0x20 || *at == 0x7f)
        return 0;
    if (*at < 0x80)
        return 1;
    if (*at < 0xc2)
        return 0;
    size_t size = *at < 0xe0 ? 2 : *at < 0xf0 ? 3 : 4;
    for (size_t i = 1; i < size; i++)
        if ((at[i] & 0xc0) != 0x80)
            return 0;
    if (size == 2 && at[0] == 0xc2 && at[1] < 0xa0)
        return 0; /* C1 controls */
    if (size == 3 && at[0] == 0xe2 &&
        ((at[1] == 0x80 && (at[2] & 0xe0) == 0xa0 && at[2] >= 0xaa) ||
         (at[1] == 0x81 && at[2] >= 0xa6 && at[2] <= 0xa9)))
        return 0; /* direction marks */
    return size;
}

/* A copy that a terminal shows as it stands, cut to `most` characters (0: all). */
static const char *shown(Arena *arena, const char *value, size_t most, size_t *ret_width)
{
    Text text = text_new(arena, ROW_LIMIT);
    size_t width = 0;

    for (const unsigned char *at = (const unsigned char *)value; *at; width++) {
        size_t size = safe_character(at);

        if (most && width + 1 == most && at[size ? size : 1]) {
            text_add(&text, "…");
            width++;
            break;
        }
        text_add_bytes(&text, size ? (const char *)at : "?", size ? size : 1);
        at += size ? size : 1;
    }
    *ret_width = width;
    return text_get(&text);
}

void listing_row(Listing *listing, const char *const *values)
{
    Arena *arena = listing->context->arena;
    const char **row;

    if (listing->context->json) {
        write_json_row(listing, values);
        listing->row_count++;
        return;
    }
    row = arena_array(arena, listing->count, sizeof(*row));
    for (size_t i = 0; i < listing->count; i++)
        row[i] = arena_text(arena, values[i]);
    listing->rows = arena_grow(arena, listing->rows, listing->row_count, &listing->capacity,
                               sizeof(*listing->rows));
    listing->rows[listing->row_count++] = row;
}

typedef struct Cell {
    const char *text;
    size_t width;
} Cell;

static Cell cell(Listing *listing, size_t column, const char *value, bool title)
{
    size_t most = title || !listing->context->terminal ? 0 : listing->columns[column].most;
    Cell ret;

    ret.text = shown(listing->context->arena, value ? value : "", most, &ret.width);
    return ret;
}

static void write_cells(Listing *listing, const Cell *cells, const size_t *widths, bool title)
{
    size_t last = listing->count, pending = 0;
    Text *line = &listing->line;

    text_clear(line);
    for (size_t i = 0; i < last; i++) {
        size_t fill = widths[i] - cells[i].width;
        bool right = listing->columns[i].kind == LISTING_NUMBER;

        if (!listing->columns[i].title)
            continue;
        pending += right ? fill : 0;
        if (cells[i].width) { /* no blanks at the end of a line */
            text_addf(line, "%*s%s", (int)pending, "", cells[i].text);
            pending = 0;
        } else {
            pending += cells[i].width;
        }
        pending += (right ? 0 : fill) + 2;
    }
    fprintf(listing->context->out, "%s\n",
            title ? coloured(listing->context, COLOUR_STRONG, text_get(line)) : text_get(line));
}

static void write_table(Listing *listing)
{
    Arena *arena = listing->context->arena;
    Cell *cells = arena_array(arena, (listing->row_count + 1) * listing->count, sizeof(*cells));
    size_t *widths = arena_array(arena, listing->count, sizeof(*widths));

    for (size_t row = 0; row <= listing->row_count; row++)
        for (size_t i = 0; i < listing->count; i++) {
            Cell *at = &cells[row * listing->count + i];

            if (!listing->columns[i].title)
                continue;
            *at = row ? cell(listing, i, listing->rows[row - 1][i], false)
                      : cell(listing, i, listing->columns[i].title, true);
            widths[i] = at->width > widths[i] ? at->width : widths[i];
        }
    for (size_t row = 0; row <= listing->row_count; row++)
        write_cells(listing, &cells[row * listing->count], widths, row == 0);
}

size_t listing_end(Listing *listing, const char *empty)
{
    if (!listing->context->json && listing->row_count)
        write_table(listing);
    else if (!listing->context->json && empty)
        fprintf(listing->context->out, "%s\n", empty);
    return listing->row_count;
}

struct Details {
    CommandContext *context;
    json_t *object;
};

Details *details_new(CommandContext *context)
{
    Details *details = arena_alloc(context->arena, sizeof(*details));

    *details = (Details){.context = context, .object = context->json ? json_object() : NULL};
    return details;
}

void details_text(Details *details, const char *key, const char *title, const char *value)
{
    size_t width;

    if (details->object)
        json_object_set_new(details->object, key, value ? json_string(value) : json_null());
    else if (value && title)
        fprintf(details->context->out, "%-14s  %s\n", title,
                shown(details->context->arena, value, 0, &width));
}

void details_number(Details *details, const char *key, const char *title, int64_t value)
{
    if (details->object)
        json_object_set_new(details->object, key, json_integer(value));
    else if (title)
        fprintf(details->context->out, "%-14s  %s\n", title, shown_number(details->context, value));
}

void details_json(Details *details, const char *key, json_t *value)
{
    if (details->object)
        json_object_set_new(details->object, key, value);
    else
        json_decref(value);
}

void details_end(Details *details)
{
    char *text;

    if (!details->object)
        return;
    text = json_dumps(details->object, JSON_COMPACT);
    fprintf(details->context->out, "%s\n", text ? text : "{}");
    free(text);
    json_decref(details->object);
    details->object = NULL;
}

const char *coloured(const CommandContext *context, Colour colour, const char *text)
{
    static const char *const codes[] = {[COLOUR_GOOD] = "32",
                                        [COLOUR_WARN] = "33",
                                        [COLOUR_BAD] = "31",
                                        [COLOUR_DIM] = "2",
                                        [COLOUR_STRONG] = "1"};

    if (!context->colour)
        return text;
    return arena_format(context->arena, "\033[%sm%s\033[0m", codes[colour], text);
}

const char *shown_time(const CommandContext *context, int64_t wall_us)
{
    char day[CIVIL_TEXT_SIZE];
    int64_t local, seconds;

    if (!wall_us)
        return NULL;
    local = wall_us + civil_london_offset_minutes(wall_us) * 60 * CLOCK_SECOND;
    seconds = local / CLOCK_SECOND % 86400;
    return arena_format(context->arena, "%s %02d:%02d",
                        civil_format_day(civil_london_day(wall_us), day), (int)(seconds / 3600),
                        (int)(seconds / 60 % 60));
}

const char *shown_distance(const CommandContext *context, int64_t us)
{
    int64_t seconds = us > 0 ? us / CLOCK_SECOND : 0;

    if (seconds < 120)
        return arena_format(context->arena, "%d s", (int)seconds);
    if (seconds < 7200)
        return arena_format(context->arena, "%d min", (int)(seconds / 60));
    if (seconds < 48 * 3600)
        return arena_format(context->arena, "%d h", (int)(seconds / 3600));
    return arena_format(context->arena, "%lld days", (long long)(seconds / 86400));
}

const char *shown_number(const CommandContext *context, int64_t number)
{
    return arena_format(context->arena, "%lld", (long long)number);
}
