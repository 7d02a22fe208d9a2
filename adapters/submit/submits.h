/* SPDX-License-Identifier: Apache-2.0 */
/* The submit adapters that are built in. */
#pragma once

#include "adapters/adapter.h"

extern const SubmitAdapter submit_https;  /* MSR/1, the signed upload */
extern const SubmitAdapter submit_mesh;   /* NHS MESH, as a client */
extern const SubmitAdapter submit_portal; /* a folder for the person who uploads */
