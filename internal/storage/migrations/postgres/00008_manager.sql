-- +goose Up

-- Why the bank has paused a consent; and when anything about it changed last, its use
-- apart: where that is missing, or earlier, when its status has changed.
ALTER TABLE consents
    ADD COLUMN suspend_reason text,
    ADD COLUMN updated_at     timestamptz;

-- In the order in which they have changed, with what lists are filtered by; and what goes
-- on with another one.
CREATE INDEX consents_updated ON consents ((CASE WHEN updated_at > status_changed_at THEN updated_at ELSE status_changed_at END), id) INCLUDE (kind, status, due_at, updated_at, status_changed_at, tpp, created_at);
CREATE INDEX consents_group ON consents (group_id, id) WHERE group_id <> id;

-- What a hub has staged, beside what every consent has. terms are those of payments.
CREATE TABLE staged_consents (
    consent_id   uuid PRIMARY KEY REFERENCES consents (id),
    tpp          text NOT NULL,
    reference    text NOT NULL,
    request      bytea NOT NULL,
    origin       bytea NOT NULL,
    extra        bytea,
    permissions  jsonb NOT NULL,
    on_behalf_of text NOT NULL,
    terms        jsonb,
    channel      text NOT NULL,
    approvals    jsonb NOT NULL,
    required     integer NOT NULL,
    token        bytea,
    changed_at   timestamptz,
    UNIQUE (tpp, reference)
);

CREATE INDEX staged_consents_reference ON staged_consents (reference);

-- Whom a line of staged consents belongs to; nobody, before one of them was given.
CREATE TABLE consent_groups (
    id     uuid PRIMARY KEY REFERENCES consents (id),
    psu_id uuid REFERENCES psus (id)
);

CREATE TABLE payments (
    id             uuid PRIMARY KEY,
    consent_id     uuid NOT NULL REFERENCES consents (id),
    key            text NOT NULL,
    file           boolean NOT NULL,
    minor          bigint NOT NULL,
    currency       text NOT NULL,
    status         text NOT NULL,
    created_at     timestamptz NOT NULL,
    changed_at     timestamptz NOT NULL,
    transaction_id text NOT NULL,
    rejections     jsonb NOT NULL,
    purpose        text NOT NULL,
    reference      text NOT NULL,
    parties        text NOT NULL,
    request        bytea NOT NULL,
    origin         bytea NOT NULL,
    UNIQUE (consent_id, key)
);

-- Who is logged in to the pages; of what their browser shows, a digest. A run opens one.
CREATE TABLE psu_sessions (
    key        bytea PRIMARY KEY,
    run_id     uuid NOT NULL UNIQUE,
    psu_id     uuid NOT NULL REFERENCES psus (id),
    created_at timestamptz NOT NULL,
    seen_at    timestamptz NOT NULL,
    ends_at    timestamptz NOT NULL
);

CREATE INDEX psu_sessions_end ON psu_sessions (ends_at);

-- Walks of those who log in or confirm, by when they are over.
CREATE INDEX flow_runs_visits ON flow_runs (COALESCE(ended_at, finish_by, open_by)) WHERE consent_id IS NULL;

-- What one of the bank's staff has proposed, for another to confirm.
CREATE TABLE proposals (
    id          uuid PRIMARY KEY,
    act         jsonb NOT NULL,
    proposed_by text NOT NULL,
    proposed_at timestamptz NOT NULL,
    decided_by  text NOT NULL DEFAULT '',
    decided_at  timestamptz,
    state       text NOT NULL,
    done        integer NOT NULL DEFAULT 0
);

CREATE INDEX proposals_open ON proposals (proposed_at, id) WHERE state = 'open';
