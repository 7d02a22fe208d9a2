/* SPDX-License-Identifier: Apache-2.0 */
/* Which rows belong to a month, and what of them is not said in it.
 *
 * Civil dates only: a timestamp counts with the date written in it.  A date that
 * is blank or cannot be read keeps no row out: the national rules will name it.
 * Only the row's own dates are looked at; that a row needs its parent is for
 * whoever has both. */
#pragma once

#include "daemon/dataset/dataset.h"

bool inclusion_holds(const Table *table, const Row *row, Month month);

/* Set to NULL what lies outside the month by the pack's "blank" and "blank_with", so that a closed
 * month, made again, says what was true in it.  Ask inclusion_holds() first, with the full row. */
void inclusion_blank(const Table *table, Row *row, Month month);
