-- SPDX-License-Identifier: Apache-2.0
-- A view per type of record, so that a person with SQL can look.  Columns that every record has come
-- first; a field that shares a name with one of them is called record_NAME.

create view source_organisation as
select feed, id, version, recorded_at, deleted, restricted, owner, person as belongs_to,
       mhsflow.word(record -> 'name') as name,
       mhsflow.word(record -> 'ods_code') as ods_code,
       mhsflow.word(record -> 'role') as role,
       mhsflow.word(record -> 'parent') as parent,
       mhsflow.word(record -> 'submits_mhsds') as submits_mhsds,
       mhsflow.word(record -> 'submitting_org') as submitting_org
  from source_record where type = 'organisation';

create view source_area as
select feed, id, version, recorded_at, deleted, restricted, owner, person as belongs_to,
       mhsflow.word(record -> 'kind') as kind,
       mhsflow.word(record -> 'name') as name,
       mhsflow.word(record -> 'lot') as lot,
       mhsflow.word(record -> 'population') as population
  from source_record where type = 'area';

create view source_team as
select feed, id, version, recorded_at, deleted, restricted, owner, person as belongs_to,
       mhsflow.word(record -> 'org') as org,
       mhsflow.word(record -> 'name') as name,
       mhsflow.word(record -> 'mh_team_type') as mh_team_type,
       mhsflow.word(record -> 'age_group') as age_group,
       mhsflow.word(record -> 'area') as area
  from source_record where type = 'team';

create view source_worker as
select feed, id, version, recorded_at, deleted, restricted, owner, person as belongs_to,
       mhsflow.word(record -> 'org') as org,
       mhsflow.word(record -> 'job_role') as job_role,
       mhsflow.word(record -> 'staff_group') as staff_group,
       mhsflow.word(record -> 'active') as active
  from source_record where type = 'worker';

create view source_person as
select feed, id, version, recorded_at, deleted, restricted, owner, person as belongs_to,
       mhsflow.word(record -> 'global_id') as global_id,
       mhsflow.word(record -> 'nhs_number') as nhs_number,
       mhsflow.word(record -> 'nhs_number_status') as nhs_number_status,
       mhsflow.word(record -> 'birth_date') as birth_date,
       mhsflow.word(record -> 'birth_year') as birth_year,
       mhsflow.word(record -> 'postcode_outward') as postcode_outward,
       mhsflow.word(record -> 'postcode') as postcode,
       mhsflow.word(record -> 'gp_practice') as gp_practice,
       mhsflow.word(record -> 'pcn') as pcn,
       mhsflow.word(record -> 'lot') as lot,
       mhsflow.word(record -> 'gender_identity') as gender_identity,
       mhsflow.word(record -> 'ethnicity') as ethnicity,
       mhsflow.word(record -> 'main_language') as main_language,
       mhsflow.word(record -> 'interpreter_needed') as interpreter_needed,
       mhsflow.word(record -> 'died_on') as died_on,
       mhsflow.word(record -> 'status') as status
  from source_record where type = 'person';

create view source_consent as
select feed, id, version, recorded_at, deleted, restricted, owner, person as belongs_to,
       mhsflow.word(record -> 'person') as record_person,
       mhsflow.word(record -> 'purpose') as purpose,
       mhsflow.word(record -> 'status') as status,
       mhsflow.word(record -> 'basis') as basis,
       mhsflow.word(record -> 'valid_from') as valid_from,
       mhsflow.word(record -> 'valid_to') as valid_to,
       mhsflow.word(record -> 'method') as method,
       mhsflow.word(record -> 'notice_version') as notice_version
  from source_record where type = 'consent';

create view source_referral as
select feed, id, version, recorded_at, deleted, restricted, owner, person as belongs_to,
       mhsflow.word(record -> 'person') as record_person,
       mhsflow.word(record -> 'org') as org,
       mhsflow.word(record -> 'team') as team,
       mhsflow.word(record -> 'lot') as lot,
       mhsflow.word(record -> 'pcn') as pcn,
       mhsflow.word(record -> 'received_date') as received_date,
       mhsflow.word(record -> 'received_time') as received_time,
       mhsflow.word(record -> 'source') as source,
       mhsflow.word(record -> 'reason_primary') as reason_primary,
       mhsflow.word(record -> 'priority') as priority,
       mhsflow.word(record -> 'commissioner') as commissioner,
       mhsflow.word(record -> 'status') as status,
       mhsflow.word(record -> 'accepted_date') as accepted_date,
       mhsflow.word(record -> 'rejected_date') as rejected_date,
       mhsflow.word(record -> 'rejected_reason') as rejected_reason,
       mhsflow.word(record -> 'support_start_date') as support_start_date,
       mhsflow.word(record -> 'support_end_date') as support_end_date,
       mhsflow.word(record -> 'end_reason') as end_reason,
       mhsflow.word(record -> 'subcontracted_to') as subcontracted_to
  from source_record where type = 'referral';

create view source_contact as
select feed, id, version, recorded_at, deleted, restricted, owner, person as belongs_to,
       mhsflow.word(record -> 'referral') as referral,
       mhsflow.word(record -> 'date') as date,
       mhsflow.word(record -> 'time') as time,
       mhsflow.word(record -> 'utc_offset') as utc_offset,
       mhsflow.word(record -> 'duration_min') as duration_min,
       mhsflow.word(record -> 'medium') as medium,
       mhsflow.word(record -> 'attendance') as attendance,
       mhsflow.word(record -> 'cancel_date') as cancel_date,
       mhsflow.word(record -> 'cancel_reason') as cancel_reason,
       mhsflow.word(record -> 'worker') as worker,
       mhsflow.word(record -> 'team') as team,
       mhsflow.word(record -> 'administrative') as administrative,
       mhsflow.word(record -> 'indirect') as indirect,
       mhsflow.word(record -> 'with') as "with",
       mhsflow.word(record -> 'group_session') as group_session
  from source_record where type = 'contact';

create view source_intervention as
select feed, id, version, recorded_at, deleted, restricted, owner, person as belongs_to,
       mhsflow.word(record -> 'contact') as contact,
       mhsflow.word(record -> 'referral') as referral,
       mhsflow.word(record -> 'code') as code,
       mhsflow.word(record -> 'snomed') as snomed,
       mhsflow.word(record -> 'duration_min') as duration_min
  from source_record where type = 'intervention';

create view source_goal as
select feed, id, version, recorded_at, deleted, restricted, owner, person as belongs_to,
       mhsflow.word(record -> 'referral') as referral,
       mhsflow.word(record -> 'number') as number,
       mhsflow.word(record -> 'theme') as theme,
       mhsflow.word(record -> 'set_date') as set_date,
       mhsflow.word(record -> 'status') as status,
       mhsflow.word(record -> 'closed_date') as closed_date,
       mhsflow.word(record -> 'scores') as scores
  from source_record where type = 'goal';

create view source_assessment as
select feed, id, version, recorded_at, deleted, restricted, owner, person as belongs_to,
       mhsflow.word(record -> 'referral') as referral,
       mhsflow.word(record -> 'contact') as contact,
       mhsflow.word(record -> 'tool') as tool,
       mhsflow.word(record -> 'version') as record_version,
       mhsflow.word(record -> 'completed_at') as completed_at,
       mhsflow.word(record -> 'rater') as rater,
       mhsflow.word(record -> 'items') as items,
       mhsflow.word(record -> 'total') as total
  from source_record where type = 'assessment';

create view source_care_plan as
select feed, id, version, recorded_at, deleted, restricted, owner, person as belongs_to,
       mhsflow.word(record -> 'person') as record_person,
       mhsflow.word(record -> 'referral') as referral,
       mhsflow.word(record -> 'type') as type,
       mhsflow.word(record -> 'created_date') as created_date,
       mhsflow.word(record -> 'updated_date') as updated_date,
       mhsflow.word(record -> 'agreed_by') as agreed_by,
       mhsflow.word(record -> 'review_date') as review_date
  from source_record where type = 'care_plan';

create view source_diagnosis as
select feed, id, version, recorded_at, deleted, restricted, owner, person as belongs_to,
       mhsflow.word(record -> 'person') as record_person,
       mhsflow.word(record -> 'referral') as referral,
       mhsflow.word(record -> 'source') as source,
       mhsflow.word(record -> 'scheme') as scheme,
       mhsflow.word(record -> 'code') as code,
       mhsflow.word(record -> 'diagnosed_on') as diagnosed_on,
       mhsflow.word(record -> 'primary') as "primary"
  from source_record where type = 'diagnosis';

create view source_circumstance as
select feed, id, version, recorded_at, deleted, restricted, owner, person as belongs_to,
       mhsflow.word(record -> 'person') as record_person,
       mhsflow.word(record -> 'referral') as referral,
       mhsflow.word(record -> 'factor') as factor,
       mhsflow.word(record -> 'snomed') as snomed,
       mhsflow.word(record -> 'noted_on') as noted_on,
       mhsflow.word(record -> 'resolved_on') as resolved_on,
       mhsflow.word(record -> 'exacerbating') as exacerbating
  from source_record where type = 'circumstance';

create view source_onward as
select feed, id, version, recorded_at, deleted, restricted, owner, person as belongs_to,
       mhsflow.word(record -> 'referral') as referral,
       mhsflow.word(record -> 'date') as date,
       mhsflow.word(record -> 'to_kind') as to_kind,
       mhsflow.word(record -> 'to_org') as to_org,
       mhsflow.word(record -> 'direction') as direction,
       mhsflow.word(record -> 'reason') as reason,
       mhsflow.word(record -> 'outcome') as outcome
  from source_record where type = 'onward';

create view source_unmet_need as
select feed, id, version, recorded_at, deleted, restricted, owner, person as belongs_to,
       mhsflow.word(record -> 'referral') as referral,
       mhsflow.word(record -> 'pcn') as pcn,
       mhsflow.word(record -> 'date') as date,
       mhsflow.word(record -> 'need') as need,
       mhsflow.word(record -> 'cause') as cause,
       mhsflow.word(record -> 'resolved') as resolved
  from source_record where type = 'unmet_need';

create view source_group_session as
select feed, id, version, recorded_at, deleted, restricted, owner, person as belongs_to,
       mhsflow.word(record -> 'org') as org,
       mhsflow.word(record -> 'date') as date,
       mhsflow.word(record -> 'duration_min') as duration_min,
       mhsflow.word(record -> 'type') as type,
       mhsflow.word(record -> 'participants') as participants
  from source_record where type = 'group_session';

create view source_case_study as
select feed, id, version, recorded_at, deleted, restricted, owner, person as belongs_to,
       mhsflow.word(record -> 'org') as org,
       mhsflow.word(record -> 'date') as date,
       mhsflow.word(record -> 'title') as title,
       mhsflow.word(record -> 'consent') as consent,
       mhsflow.word(record -> 'approved_by') as approved_by,
       mhsflow.word(record -> 'anonymised') as anonymised
  from source_record where type = 'case_study';
