/* SPDX-License-Identifier: Apache-2.0 */
/* The settings: one YAML file to one checked, immutable snapshot.
 *
 *   database: embedded            # or a libpq connection string
 *   state: /var/lib/mhsflow
 *   feeds:     [{name: …, adapter: mef, id_prefix: b, …}]
 *   routes:    [{name: …, adapter: https, …}]
 *   providers: [{code: …, submitter: …, route: …, legal_basis: consent, …}]
 *   signing:   {certificate: …, key: …}
 *   console:   {listen: …}
 *
 * Top-level options are in options.def (table `config_options`), those of a feed,
 * route, provider, the signing and the console section in tables of their own in the same
 * file; an adapter adds its table to its feed or route.  config does not know the
 * adapters: the caller hands in a function that finds an adapter's table. */
#pragma once

#include "daemon/config/option.h"

extern const OptionDecl config_options[], feed_options[], route_options[], provider_options[],
    signing_options[], console_options[];

typedef struct NamedSection {
    const char *name;    /* feed and route name, provider code */
    const char *adapter; /* feeds and routes; NULL for providers */
    const Section *section;
} NamedSection;

typedef struct Config {
    const char *path;
    const Section *main;    /* state, database, dataset, mapping, … */
    const Section *signing; /* certificate, key, socket; NULL when nothing is to be sent */
    const Section *console; /* listen, … ; NULL: no pages */
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
bool config_database_embedded(const Config *config);
/* Folder of the embedded database's socket: run/database in the state folder. */
const char *config_database_socket(const Config *config, Arena *arena);
/* libpq connection string for this settings file; for `embedded`, the private socket, database
 * mhsflow and user mhsflow (the owner that initdb was told). */
const char *config_database(const Config *config, Arena *arena);
/* The same for one login with rights of its own ("mhsflow_poll"): where the settings give each role
 * one (config_database_own_logins()), else config_database(). */
const char *config_database_as(const Config *config, const char *login, Arena *arena);
bool config_database_own_logins(const Config *config);
const char *config_sign_socket(const Config *config, Arena *arena);
const char *config_sign_log(const Config *config, Arena *arena);
/* Folder of the seal's copy outside the database: seal in the state folder. */
const char *config_seal_folder(const Config *config, Arena *arena);

/* NULL when `fresh` may replace `old` in a running role; else the first option that needs a
 * restart, as "FILE:LINE: NAME".  Feeds, routes or providers that come or go need one too. */
const char *config_needs_restart(const Config *old, const Config *fresh, Arena *arena);

/* What is built in, for the sample file and the reference; from the registry. */
/* The parts of the settings file, in its order; ends with a zero entry. */
typedef struct ConfigSection {
    const char *title;
    const OptionDecl *table;
} ConfigSection;
extern const ConfigSection config_sections[];

typedef struct AdapterInfo {
    const char *kind, *name, *summary; /* "feed" or "route" */
    const OptionDecl *options;
} AdapterInfo;
void config_sample(const AdapterInfo *adapters, size_t count, Text *out);
void config_reference(const AdapterInfo *adapters, size_t count, Text *out);
