/* SPDX-License-Identifier: Apache-2.0 */
/* The sheet for the person who uploads. */
#include "adapters/submit/portal_checklist.h"

#include <inttypes.h>

static const char sheet[] =
    "MHSDS hand-over: provider %s, month %s, revision %d (mhsflow submission %" PRId64 ")\n"
    "\n"
    "This folder holds personal data of patients. Keep it where only you can read it.\n"
    "\n"
    "NHS England takes MHSDS through its submission portal (SDCS Cloud), as the Access\n"
    "template it publishes, from a registered person. It publishes no upload API, so the\n"
    "last step is yours.\n"
    "\n"
    "What lies here\n"
    "  tables/          one CSV for each table, empty ones too, in the template's order of\n"
    "                   tables and columns; tables/manifest.csv counts their rows\n"
    "  %s.xml\n"
    "                   the same rows as one document, in mhsflow's own XML format. It is\n"
    "                   the record of what was handed over; the portal does not take it.\n"
    "  %s.p7s\n"
    "                   its signature (CMS, detached)\n"
    "  manifest.sha256  the SHA-256 of every file\n"
    "\n"
    "Tick as you go\n"
    "  [ ] 1. Nothing was damaged on the way. In this folder: sha256sum -c manifest.sha256\n"
    "  [ ] 2. No newer revision of this month waits behind it: mhsflow queue list --period %s\n"
    "         If one does, do not upload this one; the newer takes its place when you say\n"
    "           mhsflow submission receipt %" PRId64 " --not-uploaded\n"
    "         A file replaces all that the portal held for the provider and the month.\n"
    "  [ ] 3. Take a new, empty copy of the template for this version of the data set and\n"
    "         import each CSV into the table of the same name. Every column is text: no\n"
    "         program on the way may turn codes into numbers or change dates. Do not open\n"
    "         the CSVs in a spreadsheet.\n"
    "  [ ] 4. Compare the rows of each table with tables/manifest.csv.\n"
    "  [ ] 5. Sign in to the portal with your own account; choose MHSDS, provider %s and\n"
    "         the month %s; upload the template.\n"
    "  [ ] 6. Write down the portal's reference here, in mhsflow:\n"
    "           mhsflow submission receipt %" PRId64 " --reference REFERENCE\n"
    "  [ ] 7. When the portal has checked it, download the Summary Reports (a zip) and hand\n"
    "         them in. Accepted or rejected is read from them:\n"
    "           mhsflow submission reports %" PRId64 " FILE.zip\n"
    "         Without them: mhsflow submission receipt %" PRId64 " --reference REFERENCE\n"
    "         with --accepted or --rejected.\n"
    "  [ ] 8. Delete this folder and your copy of the template. mhsflow can make it again:\n"
    "           mhsflow submission export %" PRId64 " --format idb-csv --out FOLDER\n";

const char *portal_checklist(const Submission *submission, const char *document, Arena *arena)
{
    int64_t id = submission->id;
    return arena_format(arena, sheet, submission->provider, submission->period,
                        submission->revision, id, document, document, submission->period, id,
                        submission->provider, submission->period, id, id, id, id);
}
