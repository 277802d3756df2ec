-- Address book, what we must know of cases to tell people about them, and every message.

-- A person or a role mailbox as others may reach them. From `intake.contacts`; a tombstone deletes.
create table contact (
  person_id        uuid primary key,
  kind             text not null check (kind in ('person', 'mailbox')),
  name             text not null,
  email            text not null,
  language         text not null check (language in ('nb', 'nn', 'en')),
  organisation     text,
  roles            text[] not null,
  deputy_id        uuid,
  invitation_token text,
  updated_at       timestamptz not null default clock_timestamp()
);
create index contact_by_role on contact using gin (roles);
create index contact_by_address on contact (lower(email));

create table call (
  call_id text primary key,
  title   jsonb not null   -- by language
);

-- Known from the first fact that names the holder; complete from the first submission on.
create table case_file (
  application_id uuid primary key,
  call_id        text not null,
  holder_id      uuid not null,
  editor_ids     uuid[] not null default '{}',
  organisation   text,
  title          text,
  case_number    text
);

create table task (
  task_id  uuid primary key,
  kind     text not null,
  audience jsonb not null,  -- {role, organisation, person_id}
  closed   boolean not null default false
);

-- Whoever has a conflict of interest is told nothing about the case, not even as one of many; but applicants are told
-- what is theirs.
create table conflict (
  application_id uuid not null,
  person_id      uuid not null,
  noted_at       timestamptz not null default clock_timestamp(),
  primary key (application_id, person_id)
);

create table message (
  id             uuid primary key default gen_random_uuid(),
  event_id       uuid not null,
  recipient      text not null,   -- the person id, or what is waited for: `case`, `role:<role>:<organisation>`
  person_id      uuid,
  event_type     text not null,
  template       text not null,
  data           jsonb not null,  -- the fact: ids, codes, instants, amounts
  key            text not null,   -- of the audit chain: application id, call id, or person id
  application_id uuid,
  call_id        text,
  task_id        uuid,
  as_applicant   boolean not null default false,  -- told as the holder or a co-editor of the case
  status         text not null check (status in ('unaddressed', 'queued', 'sending', 'sent', 'failed', 'withheld')),
  reason         text,
  address        text,
  language       text,
  subject        text,
  relay          text,
  attempts       int not null default 0,
  created_at     timestamptz not null default clock_timestamp(),
  next_try_at    timestamptz not null default clock_timestamp(),
  sender_seen_at timestamptz,     -- renewed while its sender lives
  ended_at       timestamptz,
  traceparent    text,
  call_trace     text,            -- the call id of the request that began it all
  unique (event_id, recipient),
  check ((status in ('queued', 'sending', 'sent')) <= (person_id is not null)),
  check ((status in ('sent', 'failed', 'withheld')) = (ended_at is not null))
);
create index message_due on message (next_try_at) where status = 'queued';
create index message_sending on message (sender_seen_at) where status = 'sending';
create index message_unaddressed on message (created_at) where status = 'unaddressed';
create index message_by_case on message (application_id, created_at, id);
create index message_by_time on message (created_at, id);
create index message_of_task on message (task_id) where status = 'unaddressed';
create index message_by_person on message (person_id, ended_at) where status = 'sent';
