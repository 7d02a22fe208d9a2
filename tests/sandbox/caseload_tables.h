/* SPDX-License-Identifier: Apache-2.0 */
/* The value tables of the made-up caseload, with how often each value occurs. Weights are relative.
 */
#ifndef SANDBOX_CASELOAD_TABLES_H
#define SANDBOX_CASELOAD_TABLES_H

#include "tests/sandbox/random.h"

/* Census 2021 shares of the district for the two largest groups; the rest are our own assumptions.
 * Codes of 2001. */
static const Weighted ethnicity_table[] = {
    {567, "A"}, {6, "B"},  {44, "C"}, {9, "D"}, {3, "E"},  {10, "F"}, {5, "G"}, {26, "H"},
    {255, "J"}, {23, "K"}, {16, "L"}, {7, "M"}, {11, "N"}, {2, "P"},  {4, "R"}, {12, "S"},
};
/* Labels that real exports use and the 2001 codes do not have. */
static const Weighted extra_ethnicity_table[] = {
    {1, "Gypsy/Roma/Traveller"},
    {1, "Central and Eastern European"},
    {1, "Arab"},
    {1, "Latin America"},
};
static const Weighted gender_table[] = {{410, "1"}, {560, "2"}, {12, "3"},
                                        {3, "4"},   {8, "X"},   {7, "Z"}};
static const Weighted religion_table[] = {{334, "Christian"}, {305, "Muslim"}, {280, "No religion"},
                                          {12, "Sikh"},       {9, "Hindu"},    {5, "Other"}};
static const Weighted orientation_table[] = {
    {930, "Heterosexual or Straight"},
    {20, "Gay"},
    {15, "Lesbian"},
    {25, "Bisexual"},
    {4, "Pansexual"},
    {3, "Asexual"},
};
static const Weighted marital_table[] = {{42, "S"}, {33, "M"}, {10, "D"},
                                         {4, "P"},  {3, "W"},  {8, "N"}};
static const Weighted language_table[] = {{840, "en"}, {50, "ur"}, {40, "pa"}, {15, "pl"},
                                          {10, "bn"},  {7, "ar"},  {7, "sk"},  {31, "fa"}};
static const Weighted age_table[] = {{15, "1624"}, {23, "2534"}, {22, "3544"},
                                     {18, "4554"}, {14, "5564"}, {8, "6585"}};
static const Weighted disability_table[] = {{20, "01"}, {6, "02"}, {6, "03"}, {12, "04"},
                                            {18, "05"}, {4, "06"}, {6, "07"}, {14, "08"},
                                            {6, "09"},  {3, "10"}, {5, "XX"}};
static const Weighted accommodation_table[] = {{20, "01"}, {34, "02"}, {22, "03"}, {14, "04"},
                                               {3, "05"},  {3, "14"},  {2, "18"},  {2, "98"}};
static const Weighted employment_table[] = {{24, "01"}, {22, "02"}, {8, "03"}, {28, "04"},
                                            {7, "05"},  {4, "06"},  {2, "07"}, {5, "08"}};

static const Weighted source_table[] = {
    {40, "Primary Health Care: General Medical Practitioner Practice"},
    {16, "Self-Referral: Self"},
    {15, "Other Primary Health Care"},
    {12, "Self-Referral: Carer/Relative"},
    {7, "Local Authority and Other Public Services: Social Services"},
    {6, "Local Authority and Other Public Services: Housing Service"},
    {4, "Justice System: Police"},
};
static const Weighted reason_table[] = {
    {28, "Anxiety"},
    {26, "Depression"},
    {8, "Post-traumatic stress disorder"},
    {8, "Relationship difficulties"},
    {7, "In crisis"},
    {6, "Self harm behaviours"},
    {6, "Adjustment to health issues"},
    {4, "Ongoing or Recurrent Psychosis"},
    {4, "Drug and alcohol difficulties"},
    {3, "Personality disorders"},
};
static const Weighted end_reason_table[] = {
    {30, "Planned ending met outcomes at Review Point"},
    {25, "Treatment completed"},
    {12, "Client disengages"},
    {8, "Client did not attend"},
    {7, "Client requested discharge"},
    {6, "No further treatment required"},
    {12, "Referred to other speciality/service"},
};
static const Weighted medium_table[] = {
    {58, "Face to Face"},
    {28, "Telephone"},
    {6, "Video consultation"},
    {3, "Text Message (Asynchronous)"},
    {3, "Email"},
    {2, "Other (not listed)"},
};
static const Weighted attendance_table[] = {{860, "Attended"},
                                            {100, "Did not Attend"},
                                            {30, "Cancelled By Client"},
                                            {10, "Cancelled By Professional"}};
static const Weighted theme_table[] = {
    {3, "Finances / debt /poverty"},
    {2, "Homelessness"},
    {2, "Domestic abuse"},
    {2, "Hearing voices"},
    {4, "Low confidence / self worth"},
};
static const Weighted goal_theme_table[] = {
    {3, "Reducing my isolation"},
    {4, "Being better at managing my emotional wellbeing"},
    {2, "Feeling safer at home"},
};
/* Local code, then the SNOMED CT concept; consultation, signposting, discussion, psychosocial and
 * behavioural therapy. */
static const Weighted intervention_table[] = {
    {30, "support_session|11429006"},
    {20, "signposting|975131000000104"},
    {15, "discussion|2386021000000108"},
    {25, "psychosocial|314034001"},
    {10, "cbt|228557008"},
};
static const Weighted diagnosis_table[] = {
    {40, "35489007"}, {35, "197480006"}, {10, "47505003"}, {8, "13746004"}, {7, "58214004"}};
static const Weighted circumstance_table[] = {
    {4, "isolation|422650009"}, {3, "housing|32911000"}, {4, "employment|73438004"}, {5, "debt|"},
    {2, "domestic_abuse|"},     {2, "caring|"},
};
static const Weighted need_table[] = {
    {3, "housing advice"}, {2, "debt advice"}, {2, "bereavement support"}};
static const Weighted need_cause_table[] = {
    {3, "waiting_list"}, {2, "no_service"}, {1, "language"}, {1, "distance"}, {1, "digital"}};

/* How many contacts an engaged referral has. */
static const uint8_t contact_counts[] = {1, 2, 3, 4, 5, 6, 6, 7, 7, 8, 9, 10, 11, 12, 14, 18};

#endif
