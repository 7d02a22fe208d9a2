/* SPDX-License-Identifier: Apache-2.0 */
/* The caseload as MYMUP's monthly dump shows one: eight files, their labels and their dirt.
 *
 * Columns, labels and slips are those observed in real exports of 2024 (no
 * content of any is here): two ways to write a date, several dates in a cell,
 * 0000-00-00, HTML entities, doubled and outer blanks, a doubled column, rows that
 * stand there twice, spellings. */
#include <string.h>
#include <sys/stat.h>

#include "tests/sandbox/calendar.h"
#include "tests/sandbox/export.h"

#define FLAGS "LAC,SEN,EHCP"
#define AGAIN_EVERY 40 /* one row in so many stands there a second time */
#define SPACE_EVERY 7

typedef struct Dump {
    json_t *people;    /* id of the caseload → global id */
    json_t *referrals; /* id → its record */
    Buffer clients, referral, rejections, contacts, two_contacts, goals, themes, closures;
    unsigned rows;
} Dump;

/* Organisation of the caseload → franchise, as it stands in the files. */
static const char *franchise_of(const char *org)
{
    if (strcmp(org, "O-L1") == 0)
        return "Sandbox Young People&#039;s Lead";
    if (strcmp(org, "O-L2") == 0)
        return " Sandbox  Lead Two";
    return "Sandbox Partner";
}

static const char *day_first(const char *iso, char text[16])
{
    (void)snprintf(text, 16, "%.2s/%.2s/%.4s", iso + 8, iso + 5, iso);
    return *iso != '\0' ? text : "";
}

/* A value as people leave it: now and then with blanks around it, or doubled inside. */
static void add_label(Dump *dump, Buffer *out, const char *label)
{
    BUFFER_AUTO text = {0};
    bool messy = dump->rows % SPACE_EVERY == 3;
    for (const char *at = label; *at != '\0'; at++) {
        buffer_char(&text, *at);
        if (messy && *at == ' ')
            buffer_char(&text, ' ');
    }
    buffer_text(&text, messy ? " " : "");
    export_field(out, text.data);
}

/* The row that begins at `from` is whole; one in forty stands there twice. */
static void end_row(Dump *dump, Buffer *out, size_t from)
{
    buffer_text(out, "\r\n");
    if (++dump->rows % AGAIN_EVERY == 0) {
        BUFFER_AUTO row = {0};
        buffer_add(&row, out->data + from, out->length - from);
        buffer_add(out, row.data, row.length);
    }
}

static const char *gender_label(const json_t *person)
{
    static const char *const labels[] = {"", "Man (including Transgender Man)",
                                         "Female (including Transgender Woman)", "Non-Binary",
                                         "Other (not listed)"};
    BUFFER_AUTO code = {0};
    export_value(person, "gender_identity", &code);
    if (code.length == 1 && code.data[0] >= '1' && code.data[0] <= '4')
        return labels[code.data[0] - '0'];
    if (code.length > 0 && strcmp(code.data, "~declined") == 0)
        return "Not Stated (patient asked but declined to provide a response)";
    return code.length > 0 ? "Not Known (not recorded)" : "";
}

static const char *ethnicity_label(const json_t *person)
{
    static const struct {
        const char *code, *label;
    } labels[] = {{"A", "White - British"},
                  {"C", "Central and Eastern European"},
                  {"H", "Asian or Asian British - Indian"},
                  {"J", "Asian or Asian British - Pakistani"},
                  {"K", "Asian or Asian British - Bangladeshi"},
                  {"L", "Asian or Asian British - Any other Asian background"},
                  {"N", "Black or Black British - African"},
                  {"S", "Arab"},
                  {"Z", "Not stated"}};
    BUFFER_AUTO code = {0};
    export_value(person, "ethnicity", &code);
    for (size_t i = 0; i < sizeof labels / sizeof labels[0]; i++)
        if (code.length > 0 && strcmp(code.data, labels[i].code) == 0)
            return labels[i].label;
    return "Not known";
}

static void visit_person(void *user, const json_t *record)
{
    Dump *dump = user;
    size_t from = dump->clients.length;
    const char *outward = export_text(record, "postcode_outward");
    const char *whole = export_text(record, "postcode");
    json_object_set_new(dump->people, export_text(record, "id"),
                        json_string(export_text(record, "global_id")));
    buffer_format(&dump->clients, "%s,U%u,%s,%d,", export_text(record, "global_id"), dump->rows,
                  "Bradford District", (int)(dump->rows % 113) - 1);
    add_label(dump, &dump->clients, gender_label(record));
    buffer_char(&dump->clients, ',');
    add_label(dump, &dump->clients, ethnicity_label(record));
    buffer_format(&dump->clients, ",%s,No,,No", *whole != '\0' ? whole : outward);
    end_row(dump, &dump->clients, from);
}

static void visit_referral(void *user, const json_t *record)
{
    Dump *dump = user;
    char text[16];
    const char *person = export_text(dump->people, export_text(record, "person"));
    const char *ended = export_text(record, "support_end_date");
    const char *rejected = export_text(record, "rejected_date");
    const char *franchise = franchise_of(export_text(record, "org"));
    size_t from = dump->referral.length;
    json_object_set_new(dump->referrals, export_text(record, "id"), json_deep_copy(record));
    buffer_format(&dump->referral, "%s,%s,%s,", person, franchise,
                  export_text(record, "received_date"));
    add_label(dump, &dump->referral, export_text(record, "source"));
    buffer_text(&dump->referral, ",No,,No");
    end_row(dump, &dump->referral, from);
    buffer_format(&dump->two_contacts, "%s,0000-00-00,Yes,,,%s,,Online,Face to face,No,,No\r\n",
                  export_text(record, "received_date"), ended);
    if (*rejected != '\0')
        buffer_format(&dump->rejections, "%s,%s,%s,No,,No\r\n", person, franchise,
                      day_first(rejected, text));
    else if (*ended != '\0') {
        /* Now and then the cell lists the day twice, in one of the two ways. */
        buffer_format(&dump->closures, "%s,%s,", person, franchise);
        if (dump->rows % 3 == 0)
            buffer_format(&dump->closures, "\"%s, %s\",", ended, day_first(ended, text));
        else
            buffer_format(&dump->closures, "%s,", day_first(ended, text));
        add_label(dump, &dump->closures, "Planned ending met outcomes at Review Point");
        buffer_text(&dump->closures, ",No,,No\r\n");
    }
}

/* Client and franchise of the referral that a record names; NULL when the dump does not have it. */
static const json_t *referral_of(const Dump *dump, const json_t *record, const char **ret_client)
{
    const json_t *referral = json_object_get(dump->referrals, export_text(record, "referral"));
    *ret_client = export_text(dump->people, export_text(referral, "person"));
    return referral;
}

static void visit_contact(void *user, const json_t *record)
{
    static const char *const spellings[] = {"Talk Type", "Type talk",
                                            "Talk type for a person unable to speak"};
    Dump *dump = user;
    const char *client, *medium = export_text(record, "medium");
    const json_t *referral = referral_of(dump, record, &client);
    char text[16];
    BUFFER_AUTO attendance = {0};
    if (referral == NULL || json_is_true(json_object_get(record, "indirect")))
        return;
    size_t from = dump->contacts.length;
    export_value(record, "attendance", &attendance);
    buffer_format(&dump->contacts, "%s,%s,%s,", client, franchise_of(export_text(referral, "org")),
                  day_first(export_text(record, "date"), text));
    add_label(dump, &dump->contacts, dump->rows % 50 == 1 ? spellings[dump->rows % 3] : medium);
    buffer_char(&dump->contacts, ',');
    add_label(dump, &dump->contacts, attendance.length > 0 ? attendance.data : "");
    buffer_format(&dump->contacts, ",CYP Core,%s,No,,No",
                  json_is_true(json_object_get(record, "administrative")) ? "Administrative"
                                                                          : "Support Session");
    end_row(dump, &dump->contacts, from);
}

static void visit_goal(void *user, const json_t *record)
{
    Dump *dump = user;
    const char *client;
    const json_t *referral = referral_of(dump, record, &client);
    size_t index;
    json_t *score;
    int64_t number = json_integer_value(json_object_get(record, "number"));
    if (referral == NULL || number < 1 || number > 3)
        return;
    json_array_foreach(json_object_get(record, "scores"), index, score)
    {
        static const char *const points[] = {"Initial", "Follow  up", "Initial or Follow up"};
        size_t from = dump->goals.length;
        char text[16];
        buffer_format(&dump->goals, "%s,%s,%s,", client, franchise_of(export_text(referral, "org")),
                      day_first(export_text(score, "date"), text));
        for (int place = 1; place <= 3; place++) {
            if (place == number)
                export_value(score, "score", &dump->goals);
            buffer_char(&dump->goals, ',');
        }
        buffer_format(&dump->goals, "%s,No,,No",
                      points[index == 0            ? 0
                             : dump->rows % 9 == 0 ? 2
                                                   : 1]);
        end_row(dump, &dump->goals, from);
        buffer_format(&dump->themes, "%s, Low confidence / self worth,No,,No\r\n", text);
    }
}

static void begin(Dump *dump)
{
    dump->people = json_object();
    dump->referrals = json_object();
    buffer_text(&dump->clients, "Global ID,UserID,Client Area,Age,Gender Name,Ethnicity Name,"
                                "Postcode,LAC,SEN,EHCP\r\n");
    buffer_text(&dump->referral, "global_id,Franchise,Referral Date,Referral Source," FLAGS "\r\n");
    buffer_text(&dump->rejections, "global_id,Franchise,Referral Rejection," FLAGS "\r\n");
    buffer_text(&dump->contacts, "Global ID,Franchise, Contact Date,Contact Approach,Attendance,"
                                 "Service Type,Contact Session Option," FLAGS "\r\n");
    buffer_text(&dump->two_contacts,
                "Referral Date,First Contact / Indirect Date,Is First Contact / Indirect,Second "
                "Contact / Indirect Date,Is Second Contact / Indirect,File Closures,Referral "
                "Rejections,ServiceType,ServiceType," FLAGS "\r\n");
    buffer_text(&dump->goals, "Global ID,Franchise,Goal Date,Score 1,Score 2,Score 3,Initial or "
                              "Follow up," FLAGS "\r\n");
    buffer_text(&dump->themes, "Goal Date,Goal Theme," FLAGS "\r\n");
    buffer_text(&dump->closures,
                "Global ID,Franchise,File Closure,File Closure Reason," FLAGS "\r\n");
}

static bool finish(Dump *dump, const char *out, CivilDate day)
{
    const struct {
        const char *name;
        Buffer *text;
    } files[] = {{"clients_all", &dump->clients},
                 {"referrals", &dump->referral},
                 {"referral_rejections_all", &dump->rejections},
                 {"contacts_all", &dump->contacts},
                 {"two_contacts", &dump->two_contacts},
                 {"plans_and_goals_all", &dump->goals},
                 {"goal_themes_all", &dump->themes},
                 {"file_closures_all", &dump->closures}};
    char name[80];
    BUFFER_AUTO folder = {0};
    buffer_format(&folder, "%s/dump-%02d%02d%04d", out, day.day, day.month, day.year);
    (void)mkdir(out, 0755);
    (void)mkdir(folder.data, 0755);
    bool done = true;
    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
        (void)snprintf(name, sizeof name, "cypmh_%s_%02d%02d%04d.csv", files[i].name, day.day,
                       day.month, day.year);
        done = done && export_file(folder.data, name, files[i].text);
        buffer_free(files[i].text);
    }
    return done;
}

int export_mymup(const ChangeLog *log, const char *out)
{
    Dump dump = {0};
    begin(&dump);
    export_each(log, TYPE_PERSON, visit_person, &dump);
    export_each(log, TYPE_REFERRAL, visit_referral, &dump);
    export_each(log, TYPE_CONTACT, visit_contact, &dump);
    export_each(log, TYPE_GOAL, visit_goal, &dump);
    bool done = finish(&dump, out, calendar_civil(log->plan.today));
    json_decref(dump.people);
    json_decref(dump.referrals);
    if (!done)
        (void)fprintf(stderr, "mhsflow-sandbox: could not write below \"%s\"\n", out);
    return done ? 0 : 3;
}
