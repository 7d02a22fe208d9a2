/* SPDX-License-Identifier: Apache-2.0 */
/* The functions behind the rows of page.def. */
#pragma once

#include "daemon/console/page.h"

#define PAGE(method, path, title, roles, group, render) bool render(Page *page, Error *err);
#include "daemon/console/page.def"
#undef PAGE
