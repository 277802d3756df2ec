-- The kernel's tables, the same in every schema. Runs as <schema>_owner with the schema as search_path.

-- What the app role may do with tables created from here on; the exceptions follow each table below.
do $$
declare
  app text := current_schema() || '_app';
begin
  execute format('grant usage on schema %I to %I, inspector', current_schema(), app);
  execute format('alter default privileges in schema %I grant select, insert, update, delete on tables to %I',
                 current_schema(), app);
  execute format('alter default privileges in schema %I grant usage, select on sequences to %I', current_schema(), app);
  execute format('alter default privileges in schema %I grant select on tables to inspector', current_schema());
end $$;

-- Events on their way to the broker. Kept after they are sent: this is the record of what we said.
create table outbox (
  seq          bigint generated always as identity primary key,
  id           uuid not null unique,
  key          text not null check (key <> ''),
  topic        text not null,
  type         text not null,
  payload      text,                    -- JSON; null is a tombstone, or personal data forgotten after the ack
  traceparent  text,
  call_id      text,
  causation_id text,
  created_at   timestamptz not null default clock_timestamp(),
  published_at timestamptz,
  attempts     int not null default 0,  -- sends of this row that failed so far
  retry_at     timestamptz              -- until then the row, and with it its key, is left out
);
create index outbox_unsent on outbox (seq) where published_at is null;
create index outbox_by_key on outbox (key, seq);

-- Who did what to which case: one hash chain per key, append-only.
create table audit (
  seq        bigint generated always as identity primary key,
  key        text not null check (key <> ''),
  n          bigint not null check (n > 0),
  at         timestamptz not null,
  actor_kind text not null check (actor_kind in ('person', 'service', 'workflow')),
  actor_id   text not null check (actor_id <> ''),
  action     text not null check (action <> ''),
  body       text not null,
  prev       text not null,
  hash       text not null,
  unique (key, n)
);

create table audit_head (
  key  text primary key,
  n    bigint not null,
  hash text not null
);

-- Refused attempts, and reads of other organisations' cases: kept, but not chained.
create table access_log (
  seq        bigint generated always as identity primary key,
  at         timestamptz not null default clock_timestamp(),
  actor_kind text not null,
  actor_id   text not null,
  action     text not null,
  key        text not null,
  outcome    text not null check (outcome in ('denied', 'read')),
  reason     text not null default ''
);
create index access_log_by_key on access_log (key, seq);

-- Events taken in. The row is the lock: a second delivery waits for the first and then finds it there.
create table inbox (
  consumer text not null,
  event_id uuid not null,
  key      text not null,
  type     text not null,
  at       timestamptz not null default clock_timestamp(),
  primary key (consumer, event_id)
);
create index inbox_by_key on inbox (key);

-- Events set aside with everything that follows for the same (consumer, key), until a human retries or skips.
create table parked (
  id          bigint generated always as identity primary key,
  consumer    text not null,
  key         text not null,
  event_id    uuid not null,
  type        text not null,
  topic       text not null,
  partition   int not null,
  "offset"    bigint not null,
  value       bytea,
  headers     jsonb not null,
  behind      boolean not null,         -- nothing wrong with it: it waits behind an earlier one
  reason      text not null,            -- error class and known refusal, never personal data
  parked_at   timestamptz not null default clock_timestamp(),
  resolved_at timestamptz,
  resolution  text check (resolution in ('retried', 'skipped')),
  note        text,
  unique (consumer, event_id)
);
create index parked_open on parked (consumer, key, id) where resolved_at is null;

-- A consumer that has stopped because too much was parked: then the fault is ours, not the events'.
create table halted (
  consumer text primary key,
  at       timestamptz not null default clock_timestamp(),
  reason   text not null
);

-- First answers to requests that carry an Idempotency-Key.
create table idempotency (
  person_id   uuid not null,
  route       text not null,
  key         text not null,
  fingerprint text not null,
  status      int not null check (status between 200 and 299),
  headers     jsonb not null,
  response    text not null,
  at          timestamptz not null default clock_timestamp(),
  primary key (person_id, route, key)
);

do $$
declare
  app text := current_schema() || '_app';
begin
  execute format('revoke update, delete on audit, access_log from %I', app);
  execute format('revoke delete on outbox, audit_head, inbox, parked from %I', app);
end $$;

-- Fields are written as a JSON array, so that no two different rows have the same text.
create function audit_hash(
  prev text, key text, n bigint, at timestamptz, actor_kind text, actor_id text, action text, body text
) returns text language sql immutable parallel safe as $$
  select encode(sha256(convert_to(
    json_build_array(prev, key, n, to_char(at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US'),
                     actor_kind, actor_id, action, body)::text, 'UTF8')), 'hex')
$$;

-- The only writer of audit and outbox; the last statement of a command, once per transaction.
-- entries: [{key, kind, actor, action, body, events: [{id, topic, type, payload}]}], body and payload as JSON *text*.
-- The lock on the key is taken before any sequence number and kept until the commit, so that for one key
-- the order of seq is the order of commits, also between commands that lock no row in common.
create function record(entries jsonb, trace text, call text, cause text) returns void
language plpgsql as $$
declare
  schema constant text := current_schema();
  entry  jsonb;
  head   audit_head;
  lock   bigint;
  moment timestamptz;
begin
  if current_setting('innoflyt.recorded', true) = 'yes' then
    raise exception 'record was called twice in one transaction' using errcode = 'raise_exception';
  end if;
  perform set_config('innoflyt.recorded', 'yes', true);

  for lock in
    select distinct hashtextextended(schema || '/record/' || (e ->> 'key'), 0)
    from jsonb_array_elements(entries) e order by 1
  loop
    perform pg_advisory_xact_lock(lock);
  end loop;

  for entry in select * from jsonb_array_elements(entries) loop
    select * into head from audit_head where key = entry ->> 'key';
    moment := clock_timestamp();
    head.n := coalesce(head.n, 0) + 1;
    insert into audit (key, n, at, actor_kind, actor_id, action, body, prev, hash)
    values (entry ->> 'key', head.n, moment, entry ->> 'kind', entry ->> 'actor', entry ->> 'action', entry ->> 'body',
            coalesce(head.hash, ''),
            audit_hash(coalesce(head.hash, ''), entry ->> 'key', head.n, moment, entry ->> 'kind',
                       entry ->> 'actor', entry ->> 'action', entry ->> 'body'))
    returning hash into head.hash;
    insert into audit_head (key, n, hash) values (entry ->> 'key', head.n, head.hash)
    on conflict (key) do update set n = excluded.n, hash = excluded.hash;

    insert into outbox (id, key, topic, type, payload, traceparent, call_id, causation_id)
    select (e ->> 'id')::uuid, entry ->> 'key', e ->> 'topic', e ->> 'type', e ->> 'payload', trace, call, cause
    from jsonb_array_elements(entry -> 'events') with ordinality as t (e, position) order by position;
  end loop;
end $$;

-- One row per damaged chain: the first bad n, and what is wrong. A null key asks about all chains.
create function broken_links(wanted text default null)
returns table (key text, n bigint, reason text) language sql stable as $$
  with linked as (
    select a.key, a.n, a.hash = audit_hash(a.prev, a.key, a.n, a.at, a.actor_kind, a.actor_id, a.action, a.body) as intact,
           a.prev = coalesce(lag(a.hash) over chain, '') as joined,
           a.n = row_number() over chain as dense
    from audit a where wanted is null or a.key = wanted
    window chain as (partition by a.key order by a.n)
  ), bad as (
    select l.key, l.n, case when not l.intact then 'the row was changed' when not l.dense then 'a row before it is missing'
                            else 'it does not continue the row before it' end as reason
    from linked l where not (l.intact and l.joined and l.dense)
    union all
    select coalesce(h.key, t.key), coalesce(h.n, t.n), 'the chain does not end where its head says'
    from (select * from audit_head where wanted is null or audit_head.key = wanted) h
    full join (select distinct on (a.key) a.key, a.n, a.hash from audit a
               where wanted is null or a.key = wanted order by a.key, a.n desc) t using (key)
    where (h.n, h.hash) is distinct from (t.n, t.hash)
  )
  select distinct on (bad.key) bad.key, bad.n, bad.reason from bad order by bad.key, bad.n
$$;

-- First half of a request with an Idempotency-Key, in one round trip. `free` is false while the same
-- request is in progress elsewhere. The answer is looked up after the lock is held, in a new snapshot.
create function begin_once(person uuid, on_route text, with_key text)
returns table (free boolean, fingerprint text, status int, headers jsonb, response text) language plpgsql as $$
begin
  free := pg_try_advisory_xact_lock(
    hashtextextended(concat_ws('/', current_schema(), 'once', person, on_route, with_key), 0));
  if free then
    select i.fingerprint, i.status, i.headers, i.response into begin_once.fingerprint, begin_once.status,
           begin_once.headers, begin_once.response
    from idempotency i where i.person_id = person and i.route = on_route and i.key = with_key;
  end if;
  return next;
end $$;
