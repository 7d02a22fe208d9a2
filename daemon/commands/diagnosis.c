/* SPDX-License-Identifier: Apache-2.0 */
/* Prints the lines of a diagnosis. */
#include "daemon/commands/diagnosis.h"

#include <string.h>

static const ListingColumn columns[] = {{"result", "RESULT", LISTING_TEXT, 0},
                                        {"what", "WHAT", LISTING_TEXT, 0},
                                        {"detail", "DETAIL", LISTING_TEXT, 0},
                                        {"remedy", "REMEDY", LISTING_TEXT, 0}};

Diagnosis diagnosis_new(CommandContext *context)
{
    return (Diagnosis){.context = context, .listing = listing_new(context, columns, 4)};
}

static void say(Diagnosis *diagnosis, Colour colour, const char *result, const char *what,
                const char *detail, const char *remedy)
{
    CommandContext *context = diagnosis->context;
    const char *values[] = {result, what, detail, remedy};

    if (context->json) {
        listing_row(diagnosis->listing, values);
        return;
    }
    fprintf(context->out, "%s%*s%-26s %s\n", coloured(context, colour, result),
            8 - (int)strlen(result), "", what, detail ? detail : "");
    if (remedy)
        fprintf(context->out, "        do: %s\n", remedy);
}

void diagnosis_good(Diagnosis *diagnosis, const char *what, const char *detail)
{
    say(diagnosis, COLOUR_GOOD, "ok", what, detail, NULL);
}

void diagnosis_note(Diagnosis *diagnosis, const char *what, const char *detail, const char *remedy)
{
    say(diagnosis, COLOUR_WARN, "note", what, detail, remedy);
}

void diagnosis_bad(Diagnosis *diagnosis, const char *what, const Error *err, const char *remedy)
{
    char text[700];

    diagnosis->failed++;
    say(diagnosis, COLOUR_BAD, "failed", what, error_text(err, text, sizeof(text)), remedy);
}
