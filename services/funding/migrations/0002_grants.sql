-- The grant from the letter to its close, and everything owed or asked on the way. Amounts in whole NOK.

-- Every move of a case, a grant or another machine, written by the same statement as the state itself.
create table history (
  seq     bigint generated always as identity primary key,
  machine text not null,                         -- case | grant | decision_round | report | plan | ...
  subject text not null,
  before  text,
  action  text not null,
  after   text not null,
  actor   text not null,
  at      timestamptz not null default clock_timestamp()
);
create index history_by_subject on history (machine, subject, seq);
do $$ begin
  execute format('revoke update, delete on history from %I', current_schema() || '_app');
end $$;

create table award (
  application_id        uuid primary key references cases,
  call_id               text not null,
  panel                 text not null,
  version               int not null,            -- of the decision that made it
  state                 text not null check (state in ('awarded', 'refused', 'acceptance_lapsing', 'accepted',
                          'start_lapsing', 'started', 'closed', 'lost')),
  amount                bigint not null check (amount > 0),
  organisation          text not null,
  holder_id             uuid not null,
  made_at               timestamptz not null,
  accept_due_at         timestamptz not null,
  acceptance_lapses_at  timestamptz not null,
  first_start_due_at    timestamptz not null,    -- before any extension
  start_due_at          timestamptz not null,
  start_lapses_at       timestamptz not null,
  answered_at           timestamptz,
  started_at            timestamptz,
  started_late          boolean,
  first_report_ask_at   timestamptz,
  ends_at               timestamptz,
  final_report_due_at   timestamptz,
  invoicing_due_at      timestamptz,
  invoicing_expired_at   timestamptz,             -- by the deadline, where the trust named no last invoice
  lost_as               text check (lost_as in ('lapsed', 'not_accepted')),
  closed_at             timestamptz,
  foreign key (application_id, version) references decision,
  check ((state = 'lost') = (lost_as is not null)),
  check ((state = 'closed') = (closed_at is not null)),
  check (state not in ('started', 'closed') or (started_at is not null and ends_at is not null
         and final_report_due_at is not null and invoicing_due_at is not null and started_late is not null))
);
create index award_by_call on award (call_id);

create table loss (
  application_id uuid not null references award,
  n              int not null,
  outcome        text not null check (outcome in ('lapsed', 'not_accepted')),
  proposed_at    timestamptz not null,
  confirmed      boolean,
  reason         text,
  decided_by     uuid,
  decided_at     timestamptz,
  primary key (application_id, n),
  check ((confirmed is null) = (decided_at is null))
);
create unique index loss_one_open on loss (application_id) where confirmed is null;

-- An offer of free money to a place on the reserve list.
create table offer (
  application_id uuid not null references cases,
  n              int not null,
  amount         bigint not null check (amount > 0),
  freed_by       uuid,
  offered_at     timestamptz not null,
  confirmed      boolean,                        -- null: open
  reason         text,
  decided_by     uuid,
  decided_at     timestamptz,
  primary key (application_id, n)
);

create table plan (
  application_id uuid not null references award,
  organisation   text not null,
  state          text not null check (state in ('owed', 'delivered', 'returned', 'confirmed')),
  n              int not null default 0,         -- deliveries so far
  primary key (application_id, organisation)
);

create table plan_delivery (
  application_id uuid not null,
  organisation   text not null,
  n              int not null,
  statement      text not null,
  delivered_by   uuid not null,
  delivered_at   timestamptz not null,
  confirmed      boolean,
  reason         text,
  judged_by      uuid,
  judged_at      timestamptz,
  primary key (application_id, organisation, n),
  foreign key (application_id, organisation) references plan
);

create table extension (
  application_id uuid not null references award,
  n              int not null,
  state          text not null check (state in ('asked', 'granted', 'refused', 'overtaken')),
  until          timestamptz not null,
  reason         text not null,
  asked_by       uuid not null,
  asked_at       timestamptz not null,
  answer         text,
  decided_by     uuid,
  decided_at     timestamptz,
  primary key (application_id, n)
);
create unique index extension_one_open on extension (application_id) where state = 'asked';

create table report (
  application_id uuid not null references award,
  kind           text not null check (kind in ('yearly', 'final')),
  n              int not null check (n > 0),
  state          text not null check (state in ('requested', 'submitted', 'returned', 'approved')),
  attempt        int not null default 1,
  requested_at   timestamptz not null,
  due_at         timestamptz not null,           -- of the present attempt
  next_ask_at    timestamptz,
  primary key (application_id, kind, n)
);

create table report_delivery (
  application_id uuid not null,
  kind           text not null,
  n              int not null,
  attempt        int not null,
  summary        text not null,
  results        text not null,
  next_steps     text not null,
  spent          bigint not null check (spent >= 0),
  late           boolean not null,
  submitted_by   uuid not null,
  submitted_at   timestamptz not null,
  approved       boolean,
  reason         text,
  judged_by      uuid,
  judged_at      timestamptz,
  primary key (application_id, kind, n, attempt),
  foreign key (application_id, kind, n) references report
);

create table change (
  application_id uuid not null references award,
  n              int not null,
  kind           text not null check (kind in ('leader', 'plan', 'budget', 'end_date')),
  state          text not null check (state in ('asked', 'granted', 'refused')),
  reason         text not null,
  new_holder_id  uuid,
  new_end        date,
  asked_by       uuid not null,
  asked_at       timestamptz not null,
  answer         text,
  decided_by     uuid,
  decided_at     timestamptz,
  primary key (application_id, n),
  check ((kind = 'leader') = (new_holder_id is not null)),
  check ((kind = 'end_date') = (new_end is not null))
);
create unique index change_one_open_of_kind on change (application_id, kind) where state = 'asked';

create table invoice (
  application_id uuid not null references award,
  n              int not null,
  amount         bigint not null check (amount >= 0),
  invoiced_on    date not null,
  last           boolean not null,
  registered_by  uuid not null,
  registered_at  timestamptz not null,
  primary key (application_id, n),
  check (amount > 0 or last)                     -- with nothing more to invoice, the last one is of nothing
);
create unique index invoice_one_last on invoice (application_id) where last;
