/* SPDX-License-Identifier: Apache-2.0 */
/* Our inbox: every report and answer that is ours is kept, then acknowledged; others stay. */
#pragma once

#include "adapters/submit/mesh_call.h"

/* False in *ret_whole: something could not be looked at; *ret says what. */
bool mesh_inbox_drain(const MeshClient *client, const char *state, Arena *arena, bool *ret_whole,
                      SubmitAnswer *ret, Error *err);
