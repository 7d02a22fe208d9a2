/* SPDX-License-Identifier: Apache-2.0 */
/* The settings: one YAML file to one checked, immutable snapshot.
 *
 *   database: embedded
 *   state: /var/lib/mhsflow
 *   feeds:     [{name: …, adapter: mef, id_prefix: b, …}]
 *   routes:    [{name: …, adapter: https, url: …}]
 *   providers: [{code: …, submitter: …, route: …, legal_basis: consent, …}]
 *   signing:   {certificate: …, key: …}
 *
 * Top-level options are in options.def (table `config_options`), those of a feed,
 * route, provider and the signing section in tables of their own in the same
 * file; an adapter adds its table to its feed or route.  config does not know the
 * adapters: the caller hands in a function that finds an adapter's table. */
#pragma once

#include "daemon/config/option.h"

typedef struct NamedSection {
    const char *name;    /* feed and route name, provider code */
    const char *adapter; /* feeds and routes; NULL for providers */
    const Section *section;
} NamedSection;

typedef struct Config {
    const char *path;
    const Section *main;    /* state, database, dataset, mapping, … */
    const Section *signing; /* certificate, key, socket */
    NamedSection *feeds, *routes, *providers;
    size_t feed_count, route_count, provider_count;
} Config;

/* `kind` is "feed" or "route".  NULL with no such adapter. */
typedef const OptionDecl *(*AdapterOptions)(const char *kind, const char *adapter);

bool config_load(const char *path, AdapterOptions adapter_options, Arena *arena, const Config **ret,
                 Error *err);

const NamedSection *config_feed(const Config *config, const char *name);
const NamedSection *config_route(const Config *config, const char *name);
const NamedSection *config_provider(const Config *config, const char *code);

/* Where roles meet: PATH under the state folder. */
const char *config_state_path(const Config *config, Arena *arena, const char *relative);
/* libpq connection string for this settings file; for `embedded`, the private socket. */
const char *config_database(const Config *config, Arena *arena);
