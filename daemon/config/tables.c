/* SPDX-License-Identifier: Apache-2.0 */
/* The tables of options.def: one for each section of the settings file. */
#include "daemon/config/config.h"

#define ROW(name, type, fallback, min, max, choices, required, reload, help)                       \
    {#name, OPTION_##type, fallback, min, max, choices, required, OPTION_##reload, help},
#define NO_ROW(...)

#define OPTION(section, ...) OPTION_IN_##section(__VA_ARGS__)

#define OPTION_IN_MAIN ROW
#define OPTION_IN_FEED NO_ROW
#define OPTION_IN_ROUTE NO_ROW
#define OPTION_IN_PROVIDER NO_ROW
#define OPTION_IN_SIGNING NO_ROW
#define OPTION_IN_CONSOLE NO_ROW
const OptionDecl config_options[] = {
#include "daemon/config/options.def"
    {"signing", OPTION_SECTIONS, NULL, NULL, NULL, NULL, false, OPTION_RESTART,
     "What the role `sign` signs with."},
    {"console", OPTION_SECTIONS, NULL, NULL, NULL, NULL, false, OPTION_RESTART,
     "The pages for people, when they are wanted: an empty section (console: {}) has them on this "
     "machine only."},
    {"feeds", OPTION_SECTIONS, NULL, NULL, NULL, NULL, false, OPTION_RESTART,
     "Where records come from: one item for each export feed."},
    {"routes", OPTION_SECTIONS, NULL, NULL, NULL, NULL, false, OPTION_RESTART,
     "Where submissions go: one item for each receiver."},
    {"providers", OPTION_SECTIONS, NULL, NULL, NULL, NULL, false, OPTION_RESTART,
     "For whom: one item for each provider that submits."},
    {0},
};
#undef OPTION_IN_MAIN
#define OPTION_IN_MAIN NO_ROW

#undef OPTION_IN_FEED
#define OPTION_IN_FEED ROW
const OptionDecl feed_options[] = {
#include "daemon/config/options.def"
    {0},
};
#undef OPTION_IN_FEED
#define OPTION_IN_FEED NO_ROW

#undef OPTION_IN_ROUTE
#define OPTION_IN_ROUTE ROW
const OptionDecl route_options[] = {
#include "daemon/config/options.def"
    {0},
};
#undef OPTION_IN_ROUTE
#define OPTION_IN_ROUTE NO_ROW

#undef OPTION_IN_PROVIDER
#define OPTION_IN_PROVIDER ROW
const OptionDecl provider_options[] = {
#include "daemon/config/options.def"
    {0},
};
#undef OPTION_IN_PROVIDER
#define OPTION_IN_PROVIDER NO_ROW

#undef OPTION_IN_SIGNING
#define OPTION_IN_SIGNING ROW
const OptionDecl signing_options[] = {
#include "daemon/config/options.def"
    {0},
};
#undef OPTION_IN_SIGNING
#define OPTION_IN_SIGNING NO_ROW

#undef OPTION_IN_CONSOLE
#define OPTION_IN_CONSOLE ROW
const OptionDecl console_options[] = {
#include "daemon/config/options.def"
    {0},
};
