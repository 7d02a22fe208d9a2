/* SPDX-License-Identifier: Apache-2.0 */
/* The seal's copy once more, in a folder that is somebody else's: another disk, another machine's
 * share. */
#pragma once

#include "daemon/base/error.h"

/* Adds what `mirror` lacks of `folder`'s keys.pem, leaves and checkpoints, in this order, each
 * synced.  Only ever appends: what does not continue what is there is DATA "seal.mirror". */
bool seal_mirror(const char *folder, const char *mirror, Error *err);
