/* SPDX-License-Identifier: Apache-2.0 */
/* What one value of a national row must look like, without its neighbours.
 *
 * Pure functions over text that is not blank.  Sources: the formats of the
 * national specification; NHS number: modulus 11 of the NHS Data Dictionary;
 * SNOMED CT identifiers: the release file specification, section on SCTID. */
#pragma once

#include "daemon/base/civil.h"
#include "daemon/dataset/dataset.h"

bool value_blank(const char *text); /* NULL, empty, or spaces only */

/* Characters, not bytes; bad UTF-8 counts a character for each stray byte. */
size_t value_length(const char *text);

bool value_is_digits(const char *text, size_t min, size_t max);
/* Digits before the point between the first two numbers, after it between the last two; no sign. */
bool value_is_decimal(const char *text, const int64_t bounds[4]);

bool value_is_date(const char *text);      /* a real CCYY-MM-DD, from 1890-01-01 on */
bool value_is_time(const char *text);      /* HH:MM:SS */
bool value_is_datetime(const char *text);  /* CCYY-MM-DDThh:mm:ss */
bool value_is_timestamp(const char *text); /* the same and Z, +00:00, +01:00 or -00:00 */
bool value_is_postcode(const char *text);  /* the shape only; a space before the inward half */
bool value_is_version(const char *text);   /* 6.0 */

/* The civil date that a date, datetime or timestamp begins with, as written: its
 * offset moves nothing, because a month is decided by civil dates. */
bool value_day(const char *text, Day *ret);
/* Seconds since 1970 of a datetime read as if in UTC: for comparing two of them. */
bool value_moment(const char *text, int64_t *ret);

bool value_is_nhs_number(const char *text);        /* ten digits, modulus 11 */
bool value_is_snomed(const char *text);            /* a concept: length, partition, Verhoeff */
bool value_is_snomed_expression(const char *text); /* concepts joined by + : = , { } ( ) */
bool value_is_icd10(const char *text);             /* the shape only: F320, F32.0, F32X */

/* Whether the scale can give this score: no leading zero, at most one decimal, in
 * range or in the list.  True where the pack does not know what the scale gives. */
bool value_fits_scale(const char *text, const Scale *scale);
