/* SPDX-License-Identifier: Apache-2.0 */
/* Local records to national rows, as a mapping file says.
 *
 * A mapping (mappings/…/mapping.yaml with codes/NAME.csv beside it) is compiled
 * once, never changes and lives in the arena it was given.  Mapping is a pure
 * function of a person's records, the references, the settings and the month: the
 * same in, the same rows out, byte for byte.
 *
 * A row belongs to a provider: the organisation of its referral, or that
 * organisation's lead when a partner has no ODS code.  A person with referrals at
 * two providers has rows of their own at each.  Every value knows where it came
 * from (Origin).  Nothing here judges a row: that is the checker's work. */
#pragma once

#include "daemon/mapping/finding.h"
#include "daemon/mapping/references.h"

typedef struct Mapping Mapping;
typedef struct MapLine MapLine;
typedef struct CodeRow CodeRow;

/* CONFIG with file, line and column for every word, path, element or code list it cannot
 * understand. */
bool mapping_open(const char *path, const Dataset *dataset, Arena *arena, const Mapping **ret,
                  Error *err);
const char *mapping_name(const Mapping *mapping);
const char *mapping_version(
    const Mapping *mapping); /* as written, and a digest of all its files: "1-3fa9…" */
const Dataset *mapping_dataset(const Mapping *mapping);

/* Where one value came from; for a blank element, where it would have come from.  line NULL: no
 * line of the mapping fills the element. */
typedef struct Origin {
    const MapLine *line;  /* the mapping's line */
    const Record *record; /* NULL: a literal, or a setting */
    const char *field;    /* path in the record */
    const CodeRow *code;  /* the row of a code list, or NULL */
} Origin;

typedef struct MappedRow MappedRow;
struct MappedRow {
    Row row;
    Origin *origins; /* beside row.values */
    const ProviderSettings *provider;
    const char *feed;        /* the person's; NULL for rows without a person */
    const Record *record;    /* what the row was made of; NULL for the header */
    const MappedRow *parent; /* in the same result; NULL: none */
    const char *key; /* stable within (provider, table): the national key, or link and record id */
};

typedef struct MappedRows {
    MappedRow **items;
    size_t count, capacity;
} MappedRows;

typedef struct MapPerson {
    const char *feed, *id;     /* as the feed has them */
    const RecordList *records; /* all live records of the person, the person's own among them; of
                                  other feeds too, where they go under this person's local id */
    const References *references;
    const MappingSettings *settings;
    const bool *open; /* beside settings->providers: the gate's answer; NULL: all open */
} MapPerson;

/* The person's local id at the providers: id_prefix and id. */
const char *mapping_person_key(const MapPerson *person, Arena *arena);

/* All rows of a person in `month`: mapping_make() and mapping_select() in one. */
bool mapping_person(const Mapping *mapping, const MapPerson *person, Month month, Arena *arena,
                    MappedRows *ret, MapFindings *findings, Error *err);

/* The two halves, for many months: between two effective dates of the mapping the raw rows are the
 * same, so they are made once and each month takes from them what belongs to it. */
typedef struct RawRows {
    MappedRows rows;
    MapFindings findings;
    Month first, last; /* the months that these rows are right for */
    const ProviderSettings *
        *withheld; /* providers with a referral of the person and a closed gate */
    size_t withheld_count;
} RawRows;
bool mapping_make(const Mapping *mapping, const MapPerson *person, Month month, Arena *arena,
                  RawRows *ret, Error *err);
/* Rows are copied only where the month blanks something; row numbers are set from 1. */
void mapping_select(const Mapping *mapping, const RawRows *raw, Month month, Arena *arena,
                    MappedRows *ret);

/* Rows without a person, made when a month is built: the header, group sessions, and the teams and
 * workers that the month's rows use.  Give every row of the month to mapping_use(); then ask table
 * by table. */
typedef struct UsedIds UsedIds;
UsedIds *mapping_used_new(const Mapping *mapping, Arena *arena);
void mapping_use(UsedIds *used, const Row *row);

typedef struct MapReference {
    const References *references; /* group sessions among them */
    const MappingSettings *settings;
    const ProviderSettings *provider;
    Month month;
    const char *created_at; /* "CCYY-MM-DDThh:mm:ss", London */
    const UsedIds *used;
} MapReference;
bool mapping_is_reference(const Mapping *mapping,
                          const Table *table); /* made here, not per person */
bool mapping_reference(const Mapping *mapping, const MapReference *reference, const Table *table,
                       Arena *arena, MappedRows *ret, MapFindings *findings, Error *err);

/* "mapping.yaml:14" and "codes/ethnicity.csv:7", relative to the mapping's folder. */
const char *origin_line(const Origin *origin, Arena *arena);
const char *origin_code(const Origin *origin, Arena *arena); /* NULL when no code list was used */
/* One row's lineage as compact JSON: the records it was made of, and for each element that has a
 * value [record, field, mapping line, code list row]:
 *   {"r":[["person","P1",3]],"e":{"EthnicCategory":[0,"ethnicity",45,"ethnicity:24"],"DatSetVer":[null,null,12]}}
 * A record is its place in "r", with its feed where that is not the row's; the mapping's version is
 * kept beside the row. */
char *mapping_lineage(const MappedRow *row, Arena *arena);

typedef struct LineageEntry {
    const char *element;
    const char *record_type, *record_id; /* NULL: a literal or a setting */
    const char *record_feed;             /* where it is not the row's; or NULL */
    int64_t record_version;
    const char *field;
    const char *line; /* "mapping.yaml:45" */
    const char *code; /* "codes/ethnicity.csv:24"; NULL */
} LineageEntry;
/* The way back, for `mhsflow trace`.  DATA "mapping.lineage" when it is not such a text. */
bool mapping_lineage_read(const char *json, Arena *arena, LineageEntry **ret, size_t *ret_count,
                          Error *err);
/* Which line fills an element, for coverage and documentation; NULL when none does. */
const MapLine *mapping_line(const Mapping *mapping, const Element *element);
const char *map_line_place(const MapLine *line, Arena *arena);
const char *map_line_text(const MapLine *line,
                          Arena *arena); /* "contact.medium by codes/medium.csv" */
