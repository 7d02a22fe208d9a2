/* SPDX-License-Identifier: Apache-2.0 */
/* Options declared once: parser, bounds, reload rule, help, sample file and reference come from the
 * table.
 *
 * The daemon's own options stand in options.def; an adapter brings a table of the
 * same type.  A Section holds the checked values of one table as read from one
 * place of the settings file; every value knows where it was written. */
#pragma once

#include "daemon/base/text.h"
#include "daemon/base/yaml.h"

#include <stdint.h>

typedef enum OptionType {
    OPTION_TEXT,
    OPTION_COUNT,    /* whole number */
    OPTION_DURATION, /* "30s", "5m", "24h", "7d": kept in milliseconds */
    OPTION_SIZE,     /* "64MiB", "8KiB", "512B": kept in bytes */
    OPTION_BOOL,     /* yes / no */
    OPTION_CHOICE,   /* one of the words in `choices`, separated by | */
    OPTION_PATH,     /* a file or folder; relative to the settings file's folder */
    OPTION_SECRET,   /* a path to a credential, or "credential:NAME"; never the secret itself */
    OPTION_URL,      /* https only, unless the table's `choices` says "http" */
    OPTION_MAP,      /* names to texts, e.g. lot to commissioner */
    OPTION_LIST,     /* texts */
    OPTION_SECTIONS, /* a map or list that has tables of its own: whoever calls section_read() reads
                        it */
} OptionType;

typedef enum OptionReload { OPTION_RELOAD, OPTION_RESTART } OptionReload;

typedef struct OptionDecl {
    const char *name; /* "poll_interval" */
    OptionType type;
    const char *fallback;  /* default as text; NULL: none */
    const char *min, *max; /* COUNT, DURATION, SIZE; NULL: no bound */
    const char *choices;
    bool required;
    OptionReload reload;
    const char *help; /* one or two sentences */
} OptionDecl;

typedef struct Section Section;

/* Check a YAML map against the tables (several may add up: common options and an adapter's own).
 * CONFIG errors name file, line, column, the nearest known name, and what is allowed. */
bool section_read(const YamlNode *map, const OptionDecl *const *tables, size_t table_count,
                  Arena *arena, const Section **ret, Error *err);

/* Asking for a name that no table declares, or as another type, ends the process (BUG). */
const char *section_text(const Section *section, const char *name); /* NULL when not set */
int64_t section_number(const Section *section,
                       const char *name); /* COUNT, DURATION (ms), SIZE (bytes) */
bool section_bool(const Section *section, const char *name);
const char *section_map(const Section *section, const char *name, const char *key);
size_t section_keys(const Section *section, const char *name,
                    const char *const **ret); /* of a MAP */
size_t section_list(const Section *section, const char *name, const char *const **ret);
bool section_set(const Section *section,
                 const char *name); /* written by a person, not the default */
const char *section_origin(const Section *section, const char *name,
                           Arena *arena); /* "FILE:14" or "default" */

/* Documentation from the same table.  The sample comments out what has a default or may stay away,
 * and writes `example` for what must be there; the reference is a Markdown table. */
typedef const char *(*OptionExample)(const OptionDecl *decl);
void option_sample(const OptionDecl *table, const char *indent, OptionExample example, Text *out);
void option_reference(const OptionDecl *table, Text *out);
const char *option_type_name(OptionType type);                    /* "duration" */
const char *option_limits(const OptionDecl *decl, Arena *arena);  /* in words; NULL: none */
const char *option_default(const OptionDecl *decl, Arena *arena); /* as written; NULL: none */
