/* SPDX-License-Identifier: Apache-2.0 */
/* The sheet for the person who uploads: what lies here, and what to do, in order. */
#pragma once

#include "adapters/adapter.h"

const char *portal_checklist(const Submission *submission, const char *document, Arena *arena);
