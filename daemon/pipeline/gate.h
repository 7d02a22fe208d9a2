/* SPDX-License-Identifier: Apache-2.0 */
/* May a person's rows flow to a provider?  A pure decision, made here when rows are made.
 *
 * The same is asked again when a month is built and in the transaction that
 * commits the intent to send (store).  Under `consent` only a decision "given"
 * that is in force today opens the gate; under the other bases the controller has
 * decided, and consent is not asked about.  A restricted person flows nowhere,
 * whatever the basis. */
#pragma once

#include "daemon/mapping/finding.h"
#include "daemon/store/source.h"

#define GATE_PURPOSE "mhsds"

/* `legal_basis`: "consent", "legal_obligation" or "public_task"; any other word is as strict as
 * consent. NULL: open.  Otherwise the reason, whose code is the withheld_… word that people see. */
const FindingKind *gate_reason(const PersonBasis *basis, const char *legal_basis);

/* The decision in force on `today` (London) among a person's consent records, the merged persons'
 * included: the rule of the store (source.h), for where there is no store. */
PersonBasis gate_basis(const RecordList *records, const char *purpose, Day today);
