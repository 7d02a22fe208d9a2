/* SPDX-License-Identifier: Apache-2.0 */
/* Who may log in to the embedded PostgreSQL: writes its pg_hba.conf and pg_ident.conf. */
#pragma once

#include "daemon/config/config.h"

/* Before every start: `folder` is the database folder. */
bool database_access_write(const Config *config, const char *folder, Error *err);
