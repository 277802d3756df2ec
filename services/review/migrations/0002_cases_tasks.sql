-- The calls and cases as review knows them from intake's facts, and every wait on a person.

create table call (
  id                  text primary key,
  definition          jsonb not null,
  opens_at            timestamptz not null,
  deadline            timestamptz not null,
  closes_at           timestamptz not null,
  straggler_at        timestamptz not null,
  closed_at           timestamptz,
  straggler_passed_at timestamptz,       -- from then on the round starts with who is there
  round_complete_at   timestamptz
);

-- One row per application that review has heard of; a draft appears with its first task.
create table cases (
  id                      uuid primary key,     -- the application id
  call_id                 text not null,
  state                   text not null check (state in
                            ('draft', 'prescreening', 'returned', 'consulting', 'in_round',
                             'decided', 'ended')),
  version                 int not null default 0,
  case_number             text,
  category                text,
  panel                   text,
  organisation            text,                 -- the applicant's; unknown while a draft
  title                   text not null,
  holder_id               uuid not null,
  editor_ids              uuid[] not null default '{}',
  amount                  int,
  total_budget            int,
  priority_areas          text[] not null default '{}',
  touches                 text[] not null default '{}',   -- organisations to be consulted
  after_internal_deadline boolean not null default false, -- judged on the first version
  submitted_at            timestamptz,
  ended_as                text check (ended_as in ('withdrawn', 'rejected', 'expired', 'not_recommended')),
  ended_from              text,                 -- the state an undo returns to
  ended_at                timestamptz,
  lost_as                 text,                 -- its award is lost, and what the grant waits for with it
  check ((state = 'ended') = (ended_as is not null)),
  check ((state = 'ended') = (ended_at is not null)),
  check (state = 'draft' or version > 0)
);
create index cases_by_call on cases (call_id, state);
create index cases_by_holder on cases (holder_id);

-- The person has a conflict of interest: the case does not exist for them.
create table conflict (
  application_id uuid not null,
  person_id      uuid not null,
  call_id        text not null,
  ground         text,
  declared_at    timestamptz not null default clock_timestamp(),
  primary key (application_id, person_id)
);
create index conflict_by_person on conflict (person_id);

-- What review needs to know of people: never names or addresses.
create table person (
  id           uuid primary key,
  organisation text,
  roles        text[] not null default '{}',
  deputy_id    uuid,
  signed_in    boolean not null default true  -- false: invited, and another id once they sign in
);
create index person_by_deputy on person (deputy_id) where deputy_id is not null;

-- Every wait on a person. A row without opened_at is a tombstone: it was closed before it opened.
create table task (
  id                    uuid primary key,
  subject               text not null,
  kind                  text not null,
  n                     text not null,
  incarnation           int not null default 1,  -- counts reopenings, after the undo of an ending
  call_id               text not null,
  application_id        uuid,
  state                 text not null check (state in ('open', 'paused', 'done', 'cancelled')),
  audience_role         text,
  audience_organisation text,
  audience_person       uuid,
  not_person            uuid,                    -- two-person rule: who must not be the one to act
  claimed_by            uuid,
  claimed_at            timestamptz,
  opened_at             timestamptz,
  due_at                timestamptz,
  may_pause             boolean not null default false,
  act_path              text,
  closed_at             timestamptz,
  closed_by             text,                    -- person id, service or workflow
  closed_because        text,                    -- done, or what ended the case
  unique (subject, kind, n, incarnation),
  check ((state in ('done', 'cancelled')) = (closed_at is not null)),
  check ((closed_at is null) = (closed_by is null)),
  check (opened_at is not null or state = 'done'),
  check (opened_at is null or (due_at is not null and audience_role is not null and act_path is not null))
);
create unique index task_one_open on task (subject, kind, n) where closed_at is null;
create index task_open_by_role on task (audience_role, audience_organisation, due_at, id)
  where closed_at is null and audience_person is null;
create index task_open_by_person on task (audience_person, due_at, id) where closed_at is null;
create index task_open_by_due on task (due_at, id) where closed_at is null;
create index task_by_case on task (application_id);
create index task_by_call on task (call_id);

-- The ladder of a task. A moved due instant is a new clock with new rows; those of an older clock do nothing.
create table ladder_step (
  task_id    uuid not null references task,
  due_at     timestamptz not null,
  n          int not null check (n > 0),
  kind       text not null check (kind in ('reminder', 'escalation')),
  level      int not null check (level >= 0),    -- counts escalations from 1; 0 for a reminder
  at         timestamptz not null,
  recipients text[] not null,
  taken_at   timestamptz,
  primary key (task_id, due_at, n),
  check ((kind = 'escalation') = (level > 0))
);

-- When a task's clock stood still: the other side owed an answer.
create table pause (
  task_id     uuid not null references task,
  n           int not null check (n > 0),
  cause       text not null,                     -- question:<id> or extension:<n>
  paused_at   timestamptz not null,
  resumed_at  timestamptz check (resumed_at >= paused_at),
  primary key (task_id, n)
);
create unique index pause_one_open on pause (task_id) where resumed_at is null;

-- What a fact said of the clock of a task that was not open yet (the workflow engine was away): kept until it opens.
create table early_clock (
  subject text not null,
  kind    text not null,
  n       text not null,
  cause   text,                                  -- of a pause that lasts
  due_at  timestamptz,                           -- where the task was moved to
  primary key (subject, kind, n)
);

create table prescreening (
  application_id uuid not null references cases,
  version        int not null check (version > 0),
  outcome        text not null check (outcome in ('recommended', 'not_recommended', 'returned')),
  reason         text not null,
  decided_by     uuid not null,
  organisation   text not null,
  decided_at     timestamptz not null,
  primary key (application_id, version)
);

create table consultation (
  application_id uuid not null references cases,
  organisation   text not null,
  outcome        text not null check (outcome in ('covered', 'adjust', 'feasible')),
  reason         text not null,
  answered_by    uuid not null,
  answered_at    timestamptz not null,
  primary key (application_id, organisation)
);

-- An adviser lets the case go on without an answer that is overdue; its panel sees what is missing.
create table waiver (
  application_id uuid not null references cases,
  organisation   text not null,
  reason         text not null,
  waived_by      uuid not null,
  waived_at      timestamptz not null,
  primary key (application_id, organisation)
);

-- Asked from the draft, answered here; the answer may stand in for the consultation later.
create table clarification (
  id             uuid primary key,
  application_id uuid not null references cases,
  n              int not null,
  organisation   text not null,
  asked_at       timestamptz not null,
  outcome        text check (outcome in ('covered', 'adjust', 'feasible')),
  reason         text,
  answered_by    uuid,
  answered_at    timestamptz,
  unique (application_id, n),
  check ((outcome is null) = (answered_at is null)),
  check ((outcome is null) = (answered_by is null)),
  check ((outcome is null) = (reason is null))
);

create table question (
  id                 uuid primary key,
  application_id     uuid not null references cases,
  task_id            uuid references task,       -- whose clock stands still meanwhile
  asked_by           uuid not null,
  asked_at           timestamptz not null,
  of_role            text not null,
  of_organisation    text,
  of_person          uuid,
  text               text not null,
  answered_by        uuid,
  answered_at        timestamptz,
  answer             text,
  check ((answered_at is null) = (answer is null)),
  check ((answered_at is null) = (answered_by is null))
);
create index question_by_case on question (application_id, asked_at);
create index question_by_task on question (task_id) where answered_at is null;
