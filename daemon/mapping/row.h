/* SPDX-License-Identifier: Apache-2.0 */
/* What is known while one row is made: the record, its links, the provider; and what a transform is
 * told. */
#pragma once

#include "daemon/mapping/plan.h"

/* A person's records by type, and by type and id. */
typedef struct IndexEntry {
    const Record *record;
    struct IndexEntry *next;
} IndexEntry;

typedef struct PersonIndex {
    const Record **by_type[TYPE_COUNT];
    size_t counts[TYPE_COUNT];
    IndexEntry **buckets;
    size_t bucket_count;
} PersonIndex;

void index_build(PersonIndex *index, const RecordList *records, Arena *arena);
/* Ids are a feed's own: two feeds may each have a contact of that id. */
const Record *index_find(const PersonIndex *index, const char *feed, RecordType type,
                         const char *id);

/* Which provider a referral's rows are sent for; NULL: none, and a finding says why. */
typedef struct ReferralProvider {
    const Record *referral;
    const ProviderSettings *provider;
} ReferralProvider;

typedef struct MapContext {
    const Mapping *mapping;
    const MappingSettings *settings;
    const References *references;
    const char *feed, *person_id;
    PersonIndex index;
    const Record *person;
    Month month;
    const char *created_at; /* only for rows without a person */
    Arena *arena;
    MapFindings *findings;
    ReferralProvider *referrals;
    size_t referral_count;
    const ProviderSettings **providers; /* those with a referral and an open gate, each once */
    bool *held;                         /* beside providers: the person does not go there */
    size_t provider_count;
    const ProviderSettings **withheld;
    size_t withheld_count;
} MapContext;

typedef struct RowContext {
    MapContext *map;
    const Block *block;
    const Record *record; /* NULL for the header */
    const Field *item;    /* the entry of a list; NULL */
    size_t number;        /* of the item, from 1; 0 without */
    const ProviderSettings *provider;
    const Record *links[LINK_COUNT];
    bool known[LINK_COUNT]; /* links[] holds the answer, which may be NULL */
} RowContext;

const char *row_feed(const RowContext *row); /* of the record, else of the person */
const Record *row_link(RowContext *row, Link link);
/* Never NULL.  ret_record: whose field it is; NULL when a link leads nowhere. */
const Field *row_field(RowContext *row, const Path *path, const Record **ret_record);
const char *row_text(RowContext *row, const Path *path);
bool row_conditions_hold(RowContext *row, const Conditions *conditions);

struct TransformCall {
    RowContext *row;
    const MapLine *line;
    const Field *field;   /* what was found; of kind ABSENT when nothing was */
    const char *text;     /* its text; NULL when it has none */
    const Record *source; /* whose field; NULL */
    const char *path;     /* of the field in that record; NULL */
    const char **with;    /* the texts of `with`; NULL where there is none */
    Arena *arena;
};

void transform_finding(TransformCall *call, MapFindingId id);

/* Providers of the person's referrals: fills referrals, providers and held. */
void provider_choose(MapContext *map, const bool *open);
const ProviderSettings *provider_of_referral(const MapContext *map, const Record *referral);

/* Fill a row by its block's items.  GOT_HOLD: something in it must not go at all. */
Transformed row_fill(RowContext *row, MappedRow *ret);
bool row_has_needs(const Block *block, const MappedRow *row);
const char *row_key(const RowContext *context, const MappedRow *row);
