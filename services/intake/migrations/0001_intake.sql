-- Intake: calls, people, applications with their versions, attachments, endorsements, and the applicant's status.

create table person (
  id           uuid primary key,
  kind         text not null check (kind in ('person', 'mailbox')),
  issuer       text,                    -- null: not signed in yet (invited or entered by an adviser), or a mailbox
  subject      text,
  name         text not null,
  email        text not null,
  language     text not null default 'nb' check (language in ('nb', 'nn', 'en')),
  organisation text,
  roles        text[] not null default '{}',
  deputy_id    uuid references person (id),
  bound_to     uuid references person (id),  -- the signed-in person who accepted this invitation
  created_at   timestamptz not null default clock_timestamp(),
  updated_at   timestamptz not null default clock_timestamp(),
  unique (issuer, subject),
  check ((issuer is null) = (subject is null)),
  check (deputy_id <> id)
);
create index person_by_email on person (lower(email));

-- A single-use way in for somebody known by address alone. The token itself is never stored.
create table invitation (
  id             uuid primary key,
  token_hash     text not null unique,
  person_id      uuid not null references person (id),
  application_id uuid,                   -- null: an invitation into the directory alone
  as_editor      boolean not null default false,
  invited_by     uuid not null,
  created_at     timestamptz not null default clock_timestamp(),
  expires_at     timestamptz not null,
  accepted_at    timestamptz,
  accepted_by    uuid references person (id)
);
create index invitation_by_person on invitation (person_id) where accepted_at is null;

create table call (
  id             text primary key,
  version        int not null,
  definition     jsonb not null,
  opens_at       timestamptz not null,
  deadline       timestamptz not null,
  closes_at      timestamptz not null,
  straggler_at   timestamptz not null,
  draft_warnings timestamptz[] not null,
  published_at   timestamptz not null default clock_timestamp(),
  published_by   uuid not null,
  closed_at      timestamptz,
  check (opens_at < deadline and deadline <= closes_at)
);

-- Every deadline a call has had: what was received is judged by the one that held then.
create table deadline_move (
  call_id      text not null references call (id),
  n            int not null,
  old_deadline timestamptz not null,
  new_deadline timestamptz not null,
  reason       text not null,
  moved_by     uuid not null,
  moved_at     timestamptz not null default clock_timestamp(),
  primary key (call_id, n)
);

-- Case numbers 2023-0001, 2023-0002 ... without gaps, per year of the deadline.
create table case_counter (
  year int primary key,
  last int not null
);

create table application (
  id                        uuid primary key,
  call_id                   text not null references call (id),
  category                  text not null,
  organisation              text not null,
  holder_id                 uuid not null references person (id),
  state                     text not null check (state in ('draft', 'submitted', 'returned', 'withdrawn', 'withdrawn_returned',
                                                           'withdrawn_not_recommended', 'rejected', 'rejected_returned',
                                                           'rejected_not_recommended', 'not_recommended', 'expired', 'decided')),
  version                   int not null default 0,   -- submitted versions so far
  revision                  int not null default 1,   -- the ETag: changes with every save
  case_number               text unique,
  title                     text not null default '',
  statement                 text not null default '',
  form                      jsonb not null default '{}',
  budget_lines              jsonb not null default '{}',
  own_share                 bigint not null default 0 check (own_share >= 0),
  applied_amount            bigint not null default 0 check (applied_amount >= 0),
  priority_areas            text[] not null default '{}',
  patient_groups            text[] not null default '{}',
  touches                   text[] not null default '{}',
  consulted                 text[] not null default '{}',  -- organisations to be asked, fixed by the submission
  leader_employment_percent int,
  earlier_awards            int,
  after_internal_deadline   boolean not null default false,
  first_submitted_at        timestamptz,
  submitted_at              timestamptz,
  stage                     text not null default 'draft',
  stage_owner               text not null default 'holder',
  expected_at               timestamptz,
  created_at                timestamptz not null default clock_timestamp(),
  saved_at                  timestamptz not null default clock_timestamp(),
  check ((version = 0) = (case_number is null)),
  check ((version = 0) = (submitted_at is null))
);
create index application_by_holder on application (holder_id, created_at desc, id);
create index application_by_call on application (call_id, state);
create index application_by_organisation on application (organisation, created_at desc, id);

create table editor (
  application_id uuid not null references application (id),
  person_id      uuid not null references person (id),
  added_at       timestamptz not null default clock_timestamp(),
  primary key (application_id, person_id)
);
create index editor_by_person on editor (person_id);

create table attachment (
  id             uuid primary key,
  application_id uuid not null references application (id),
  kind           text not null,
  filename       text not null,
  content_type   text not null,
  size           bigint not null check (size > 0),
  sha256         text not null check (sha256 ~ '^[0-9a-f]{64}$'),
  object_key     text not null unique,
  state          text not null check (state in ('uploading', 'verified', 'clean', 'refused')),
  reason         text,
  pages          int,
  object_version text,                   -- of the documents bucket, once clean
  uploaded_by    uuid not null,
  created_at     timestamptz not null default clock_timestamp(),
  verified_at    timestamptz,
  cleaned_at     timestamptz,
  lease_until    timestamptz,            -- a cleaner is at work on it until then
  deleted_at     timestamptz,
  check ((state = 'refused') = (reason is not null))
);
create index attachment_by_application on attachment (application_id, created_at);
create index attachment_to_clean on attachment (verified_at) where state = 'verified' and deleted_at is null;

create table endorsement (
  id             uuid primary key,
  application_id uuid not null references application (id),
  n              int not null,
  position       text not null,
  person_id      uuid not null references person (id),
  covers         text not null,          -- fingerprint of the budget and plan the word is about
  state          text not null check (state in ('asked', 'endorsed', 'declined', 'voided')),
  reason         text,
  asked_at       timestamptz not null default clock_timestamp(),
  decided_at     timestamptz,
  unique (application_id, n)
);
create unique index endorsement_standing on endorsement (application_id, position) where state in ('asked', 'endorsed');
create index endorsement_by_person on endorsement (person_id);

create table clarification (
  id             uuid primary key,
  application_id uuid not null references application (id),
  n              int not null,
  organisation   text not null,
  question       text not null,
  asked_by       uuid not null,
  asked_at       timestamptz not null default clock_timestamp(),
  outcome        text check (outcome in ('covered', 'adjust', 'feasible')),
  answered_by    uuid,
  answered_at    timestamptz,
  unique (application_id, n)
);
create index clarification_by_organisation on clarification (organisation);

-- A submitted version, frozen: what was received, when, and with which findings acknowledged.
create table submission (
  application_id uuid not null references application (id),
  version        int not null,
  submitted_at   timestamptz not null,   -- when the request reached us
  recorded_at    timestamptz not null default clock_timestamp(),
  deadline       timestamptz not null,   -- that held then
  submitted_by   uuid not null,
  revision       int not null,
  call_version   int not null,
  content        jsonb not null,
  attachment_ids uuid[] not null,
  findings       jsonb not null,
  accepted       text[] not null,
  primary key (application_id, version)
);

create function refuse_change() returns trigger language plpgsql as $$
begin
  raise exception 'a row of % is never changed', tg_table_name using errcode = 'restrict_violation';
end $$;
create trigger submission_is_final before update or delete on submission
  for each row execute function refuse_change();

create table formal_check (
  application_id uuid not null,
  version        int not null,
  state          text not null check (state in ('proposed', 'passed', 'rejected', 'undone')),
  rules          text[] not null,
  findings       jsonb not null,
  judged_at      timestamptz not null default clock_timestamp(),
  decided_by     uuid,
  reason         text,
  decided_at     timestamptz,
  undo_until     timestamptz,
  primary key (application_id, version),
  foreign key (application_id, version) references submission (application_id, version)
);

create table withdrawal (
  application_id uuid not null references application (id),
  n              int not null,
  withdrawn_by   uuid not null,
  reason         text not null,
  withdrawn_at   timestamptz not null default clock_timestamp(),
  undo_until     timestamptz not null,
  undone_at      timestamptz,
  primary key (application_id, n)
);

create table draft_warning (
  application_id uuid not null references application (id),
  n              int not null,
  deadline       timestamptz not null,
  warned_at      timestamptz not null default clock_timestamp(),
  primary key (application_id, n, deadline)
);

-- Every stage the case has been in, as the workflow entered it.
create table stage_history (
  application_id uuid not null references application (id),
  n              bigint generated always as identity,
  stage          text not null,
  owner          text not null,
  expected_at    timestamptz,
  entered_at     timestamptz not null default clock_timestamp(),
  primary key (application_id, n)
);

-- The open tasks of a case that its stages wait for: when who has the case should be done. No foreign key: the facts of
-- review may come in any order.
create table task_due (
  task_id        uuid primary key,
  application_id uuid not null,
  kind           text not null,
  due_at         timestamptz not null
);
create index task_due_by_application on task_due (application_id);

-- Every state the application has had: a path in the state machine, each step with its actor.
create table state_history (
  application_id uuid not null references application (id),
  n              bigint generated always as identity,
  action         text not null,
  from_state     text,
  to_state       text not null,
  actor_kind     text not null,
  actor_id       text not null,
  at             timestamptz not null default clock_timestamp(),
  primary key (application_id, n)
);

-- What the applicant sees has happened; codes only.
create table timeline (
  application_id uuid not null references application (id),
  n              bigint generated always as identity,
  at             timestamptz not null,
  code           text not null,
  detail         jsonb not null default '{}',
  primary key (application_id, n)
);

create table outcome (
  application_id uuid not null references application (id),
  n              bigint generated always as identity,
  outcome        text not null check (outcome in ('awarded', 'lapsed', 'not_accepted', 'declined_threshold', 'declined_ranking',
                                                  'reserve', 'referred', 'rejected', 'not_recommended', 'withdrawn', 'expired')),
  reached_at     timestamptz not null,
  undone_at      timestamptz,
  primary key (application_id, n)
);

-- Questions on the case that its holder owes an answer to.
create table holder_question (
  question_id    uuid primary key,
  application_id uuid not null,
  asked_at       timestamptz not null,
  answered_at    timestamptz
);
create index holder_question_by_application on holder_question (application_id);

-- Committee members who may read the content, and people for whom the case does not exist. No foreign keys: the facts
-- of review may come in any order.
create table content_access (
  application_id uuid not null,
  person_id      uuid not null,
  granted        boolean not null,
  changed_at     timestamptz not null,
  primary key (application_id, person_id)
);
create index content_access_by_person on content_access (person_id) where granted;

create table conflict (
  application_id uuid not null,
  person_id      uuid not null,
  declared_at    timestamptz not null,
  primary key (application_id, person_id)
);
create index conflict_by_person on conflict (person_id);
