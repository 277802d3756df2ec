-- What the starter knows of runs. Temporal forgets an ended run after its retention; this does not.

-- A workflow that was started, once and for all. A row here means: never start it again.
create table run (
  workflow_id   text primary key check (workflow_id ~ '^(application|call|grant|task):.'),
  started_event uuid not null,
  started_at    timestamptz not null default clock_timestamp(),
  ended_at      timestamptz check (ended_at >= started_at)   -- nobody acts on a fact that comes after this
);
create index run_open on run (started_at) where ended_at is null;

-- A fact that came before the one that starts its run (a clarification answered while the case was a draft).
create table early_fact (
  seq         bigint generated always as identity primary key,
  workflow_id text not null,
  event_id    uuid not null unique,
  type        text not null,
  traceparent text,
  data        jsonb not null,
  at          timestamptz not null default clock_timestamp()
);
create index early_fact_by_workflow on early_fact (workflow_id, seq);

-- A fact that came when its run had ended; an adviser was told of each.
create table late_fact (
  event_id    uuid primary key,
  workflow_id text not null,
  type        text not null,
  at          timestamptz not null default clock_timestamp()
);
