-- Panels, their rounds, conflicts declared in them, assessments and the recommendation.

create table panel_member (
  call_id             text not null references call,
  panel               text not null,
  person_id           uuid not null,
  chair               boolean not null,
  user_representative boolean not null,
  primary key (call_id, panel, person_id),
  check (not (chair and user_representative))
);
create unique index panel_member_one_chair on panel_member (call_id, panel) where chair;
create index panel_member_by_person on panel_member (person_id);

-- The cases that were alive when the call closed: the round waits for these.
create table alive_at_closing (
  call_id        text not null references call,
  application_id uuid not null,
  straggler      boolean not null default false,  -- the round became complete without it
  primary key (call_id, application_id)
);

-- The versions that passed the formal check: a straggler without it is flagged.
create table formal_check (
  application_id uuid not null,
  version        int not null,
  primary key (application_id, version)
);

create table panel_round (
  id              text primary key,             -- {call}.{panel}, or {application}.r{n}
  call_id         text not null references call,
  panel           text not null,
  application_id  uuid references cases,        -- only where one case is assessed again
  state           text not null check (state in
                    ('gathering', 'declaring', 'short', 'settled', 'assessing', 'scored', 'met', 'signed')),
  standins_asked  int not null default 0,       -- times that stand-ins were asked for
  standins_wanted boolean not null default false,
  meeting_wanted  boolean not null default false,
  meetings        int not null default 0,       -- times that a meeting was called
  signing_wanted  boolean not null default false,
  signings        int not null default 0,       -- times that a signature was asked for
  led_by          uuid,                         -- whose task the meeting or signature is
  tie_breaks      uuid[] not null default '{}', -- the chair's order of tied cases
  met_at          timestamptz,
  signed_at       timestamptz,
  signed_by       uuid,
  check ((state = 'signed') = (signed_at is not null)),
  check (state not in ('met', 'signed') or met_at is not null)
);
create unique index panel_round_one_per_panel on panel_round (call_id, panel) where application_id is null;
create index panel_round_by_case on panel_round (application_id) where application_id is not null;

create table round_case (
  round_id       text not null references panel_round,
  application_id uuid not null references cases,
  flags          text[] not null default '{}',  -- what was missing when it went on as a straggler
  late           boolean not null default false, -- came when members were assigned: assessed in a round of its own
  entered_at     timestamptz not null,
  lead           uuid,                           -- who presents the case in the meeting
  invited_at     timestamptz,                    -- to pitch
  primary key (round_id, application_id)
);
create index round_case_by_case on round_case (application_id);

create table round_member (
  round_id            text not null references panel_round,
  person_id           uuid not null,
  chair               boolean not null,
  user_representative boolean not null,
  standin             boolean not null,
  declarations        int not null default 0,   -- times asked to declare
  declaring           boolean not null default false,
  judgings            int not null default 0,   -- times asked to score
  judging             boolean not null default false,
  locked_at           timestamptz,              -- own scores are final
  stood_down_at       timestamptz,              -- takes part no more
  away                boolean not null default false, -- gone since: the scores count, but somebody else leads
  primary key (round_id, person_id),
  check (not (judging and locked_at is not null)),
  check (stood_down_at is null or not (declaring or judging or chair or locked_at is not null)),
  check (not (away and chair))
);
create unique index round_member_one_chair on round_member (round_id) where chair;
create index round_member_by_person on round_member (person_id);

create table declaration (
  round_id       text not null,
  application_id uuid not null,
  person_id      uuid not null,
  conflict       boolean not null,
  declared_at    timestamptz not null,
  primary key (round_id, application_id, person_id),
  foreign key (round_id, application_id) references round_case,
  foreign key (round_id, person_id) references round_member
);

-- Who may read and score which case. A conflict deletes the row, and the scores with it.
create table assignment (
  round_id       text not null,
  application_id uuid not null,
  person_id      uuid not null,
  assigned_at    timestamptz not null,
  primary key (round_id, application_id, person_id),
  foreign key (round_id, application_id) references round_case,
  foreign key (round_id, person_id) references round_member
);
create index assignment_by_person on assignment (person_id, application_id);

create table assessment (
  round_id       text not null,
  application_id uuid not null,
  person_id      uuid not null,
  scores         jsonb not null,                -- criterion code -> whole number on the call's scale
  comment        text not null,
  saved_at       timestamptz not null,
  primary key (round_id, application_id, person_id),
  foreign key (round_id, application_id, person_id) references assignment on delete cascade
);

-- The panel's ranking and allocation, as the meeting left it.
create table ranking_place (
  round_id       text not null,
  application_id uuid not null,
  place          int not null check (place > 0), -- order in the list
  rank           int,                            -- null: below the threshold
  outcome        text not null check (outcome in
                   ('awarded', 'reserve', 'declined_ranking', 'declined_threshold')),
  amount         int not null,
  pot_left       int,                            -- when its turn came
  mean           text not null,                  -- exact, as numerator/denominator
  averages       jsonb not null,                 -- criterion -> exact average
  spread         jsonb not null,                 -- criterion -> [lowest, highest]
  below          text[] not null,                -- criteria not above the threshold
  priority_hit   boolean not null,
  tied_with      uuid[] not null,
  tie_decided_by text,
  comment        text not null,
  primary key (round_id, application_id),
  unique (round_id, place),
  foreign key (round_id, application_id) references round_case,
  check ((rank is null) = (outcome = 'declined_threshold'))
);
