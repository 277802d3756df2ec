-- Calls with their pots, cases as the other services' facts tell of them, recommendations, decisions, letters.
-- Nothing here refers to `call` or `cases` by foreign key where the facts may arrive in any order.

create table call (
  id           text primary key,
  definition   jsonb not null,
  deadline     timestamptz not null,
  pot          bigint not null check (pot >= 0),
  awarded      bigint not null default 0 check (awarded >= 0),
  published_at timestamptz,                      -- the list of recipients is public from here on
  kickoff_at   timestamptz,
  check (awarded <= pot)
);

-- One pot per panel: its row is the lock under which all money of the panel moves. Whole NOK.
create table pot (
  call_id      text not null references call,
  panel        text not null,
  amount       bigint not null check (amount >= 0),
  awarded      bigint not null default 0 check (awarded >= 0),
  held         bigint not null default 0 check (held >= 0),   -- set aside for an offer to the reserve
  reserve_size int not null check (reserve_size >= 0),
  primary key (call_id, panel),
  check (awarded + held <= amount)
);

create table cases (
  id               uuid primary key,             -- the application id
  call_id          text not null,
  state            text not null check (state in ('received', 'in_decision', 'awarded', 'reserve', 'offered', 'moving',
                     'declined', 'referred', 'upheld', 'lost', 'reserve_expired', 'ended')),
  version          int not null default 0,       -- of the application; 0: only heard of
  case_number      text,
  category         text,
  panel            text,
  organisation     text,
  title            text,
  statement        text,                         -- publishable
  holder_id        uuid,
  editor_ids       uuid[] not null default '{}',
  applied          bigint,
  total_budget     bigint,
  decision_version int not null default 0,       -- of the newest decision; 0: none yet
  held             bigint not null default 0 check (held >= 0),
  reserve_position int,                          -- kept for ever, so that the order can be explained
  held_back        boolean not null default false,
  offers           int not null default 0,
  reserve_until    timestamptz,
  ended_as         text check (ended_as in ('withdrawn', 'rejected', 'expired', 'not_recommended')),
  ended_from       text,
  check (version = 0 or (case_number is not null and category is not null and panel is not null
         and organisation is not null and title is not null and statement is not null and holder_id is not null
         and applied is not null and total_budget is not null)),
  check ((state = 'ended') = (ended_as is not null)),
  check (held = 0 or state in ('offered', 'moving', 'in_decision'))
);
create index cases_by_call on cases (call_id, panel);
create unique index cases_reserve_order on cases (call_id, panel, reserve_position)
  where reserve_position is not null;

-- The person has a conflict of interest: the case does not exist for them.
create table conflict (
  application_id uuid not null,
  person_id      uuid not null,
  primary key (application_id, person_id)
);
create index conflict_by_person on conflict (person_id);

-- Who may become a project leader: an id and no more, never a name or an address.
create table person (
  id        uuid primary key,
  signed_in boolean not null                     -- false: invited, and another id once they sign in
);

create table recommendation (
  application_id uuid not null,
  round_id       text not null,
  call_id        text not null,
  panel          text not null,
  outcome        text not null,
  amount         bigint not null,
  rank           int,
  averages       jsonb not null,
  conditions     text[] not null,
  received_seq   bigint generated always as identity,
  primary key (application_id, round_id)
);

-- A panel's signed list: complete when a recommendation of each named case is here.
create table panel_round (
  round_id        text primary key,
  call_id         text not null,
  panel           text not null,
  application_id  uuid,
  application_ids uuid[] not null,
  signed_by       uuid  -- null: the panel had no case to recommend on
);

create table decision_round (
  id             text primary key,
  call_id        text not null references call,
  application_id uuid references cases,
  kind           text not null check (kind in ('call', 'move', 'complaint')),
  state          text not null check (state in ('open', 'prepared', 'decided')),
  attempt        int not null default 1,
  opened_at      timestamptz not null,
  prepared_by    uuid,
  prepared_at    timestamptz,
  decided_by     uuid,
  decided_at     timestamptz,
  back_reason    text,
  presented_at   timestamptz,
  check ((kind = 'call') = (application_id is null)),
  check (state = 'open' or prepared_by is not null),
  check ((state = 'decided') = (decided_by is not null)),
  check (decided_by <> prepared_by)
);
create unique index decision_round_one_live on decision_round (application_id)
  where application_id is not null and state <> 'decided';

-- What is laid before the leader: the panel's word, and what the adviser made of it.
create table proposal (
  decision_round_id   text not null references decision_round,
  application_id      uuid not null references cases,
  panel               text not null,
  rank                int,
  recommended_outcome text not null,
  recommended_amount  bigint not null,
  proposed_outcome    text not null,
  proposed_amount     bigint not null,
  outcome             text not null,
  amount              bigint not null check (amount >= 0),
  reason              text,
  conditions          text[] not null,
  averages            jsonb not null,
  primary key (decision_round_id, application_id),
  check (reason is not null or (outcome = proposed_outcome and amount = proposed_amount))
);
create index proposal_by_case on proposal (application_id);

-- Every decision on a case; a later version supersedes, nothing is overwritten.
create table decision (
  application_id    uuid not null references cases,
  version           int not null check (version > 0),
  decision_round_id text not null references decision_round,
  call_id           text not null,
  outcome           text not null check (outcome in
                      ('awarded', 'reserve', 'declined_ranking', 'declined_threshold', 'referred')),
  amount            bigint not null check (amount >= 0),
  conditions        text[] not null,
  averages          jsonb not null,
  rank              int,
  reason            text,
  prepared_by       uuid not null,
  decided_by        uuid not null,
  decided_at        timestamptz not null,
  primary key (application_id, version),
  check (prepared_by <> decided_by),
  check ((outcome in ('awarded', 'reserve')) = (amount > 0))
);
create index decision_by_round on decision (decision_round_id);

-- The letter as it was sent: its contents for ever, the archived PDF per language once it was made.
create table letter (
  application_id  uuid not null,
  version         int not null,
  sent_at         timestamptz not null,
  complaint_until timestamptz not null,
  reserve_until   timestamptz,
  contents        jsonb not null,
  primary key (application_id, version),
  foreign key (application_id, version) references decision
);

create table document (
  subject  text not null,                        -- <application id>.<version>, or a decision round id
  kind     text not null check (kind in ('letter', 'presentation')),
  language text not null check (language in ('nb', 'nn', 'en')),
  pdf      bytea not null,
  sha256   text not null,
  made_at  timestamptz not null,
  primary key (subject, kind, language)
);
-- What was sent is never made anew.
do $$ begin
  execute format('revoke update, delete on document, letter from %I', current_schema() || '_app');
end $$;

create table complaint (
  application_id uuid not null references cases,
  n              int not null,                   -- the version of the decision complained of
  state          text not null check (state in ('asked', 'granted', 'refused')),
  error          text not null,                  -- the kind of procedural error
  ground         text not null,
  organisation   text not null,
  complained_by  uuid not null,
  received_at    timestamptz not null,
  stage          text check (stage in ('assessment', 'decision')),
  answer         text,
  answered_by    uuid,
  answered_at    timestamptz,
  primary key (application_id, n),
  foreign key (application_id, n) references decision,
  check ((state = 'granted') = (stage is not null)),
  check ((state = 'asked') = (answered_by is null))
);
