-- +goose Up

-- Why the bank has paused a consent; and when anything about it changed last, its use
-- apart: where that is missing, or earlier, when its status has changed.
ALTER TABLE consents ADD COLUMN suspend_reason text;
ALTER TABLE consents ADD COLUMN updated_at text;

-- In the order in which they have changed, with what lists are filtered by; and what goes
-- on with another one.
CREATE INDEX consents_updated ON consents ((CASE WHEN updated_at > status_changed_at THEN updated_at ELSE status_changed_at END), id, kind, status, due_at, updated_at, status_changed_at, tpp, created_at);
CREATE INDEX consents_group ON consents (group_id, id) WHERE group_id <> id;

-- What a hub has staged, beside what every consent has. terms are those of payments.
CREATE TABLE staged_consents (
    consent_id   text PRIMARY KEY REFERENCES consents (id),
    tpp          text NOT NULL,
    reference    text NOT NULL,
    request      blob NOT NULL,
    origin       blob NOT NULL,
    extra        blob,
    permissions  text NOT NULL,
    on_behalf_of text NOT NULL,
    terms        text,
    channel      text NOT NULL,
    approvals    text NOT NULL,
    required     integer NOT NULL,
    token        blob,
    changed_at   text,
    UNIQUE (tpp, reference)
);

CREATE INDEX staged_consents_reference ON staged_consents (reference);

-- Whom a line of staged consents belongs to; nobody, before one of them was given.
CREATE TABLE consent_groups (
    id     text PRIMARY KEY REFERENCES consents (id),
    psu_id text REFERENCES psus (id)
);

CREATE TABLE payments (
    id             text PRIMARY KEY,
    consent_id     text NOT NULL REFERENCES consents (id),
    key            text NOT NULL,
    file           boolean NOT NULL,
    minor          integer NOT NULL,
    currency       text NOT NULL,
    status         text NOT NULL,
    created_at     text NOT NULL,
    changed_at     text NOT NULL,
    transaction_id text NOT NULL,
    rejections     text NOT NULL,
    purpose        text NOT NULL,
    reference      text NOT NULL,
    parties        text NOT NULL,
    request        blob NOT NULL,
    origin         blob NOT NULL,
    UNIQUE (consent_id, key)
);

-- Who is logged in to the pages; of what their browser shows, a digest. A run opens one.
CREATE TABLE psu_sessions (
    key        blob PRIMARY KEY,
    run_id     text NOT NULL UNIQUE,
    psu_id     text NOT NULL REFERENCES psus (id),
    created_at text NOT NULL,
    seen_at    text NOT NULL,
    ends_at    text NOT NULL
);

CREATE INDEX psu_sessions_end ON psu_sessions (ends_at);

-- Walks of those who log in or confirm, by when they are over.
CREATE INDEX flow_runs_visits ON flow_runs (COALESCE(ended_at, finish_by, open_by)) WHERE consent_id IS NULL;

-- What one of the bank's staff has proposed, for another to confirm.
CREATE TABLE proposals (
    id          text PRIMARY KEY,
    act         text NOT NULL,
    proposed_by text NOT NULL,
    proposed_at text NOT NULL,
    decided_by  text NOT NULL DEFAULT '',
    decided_at  text,
    state       text NOT NULL,
    done        integer NOT NULL DEFAULT 0
);

CREATE INDEX proposals_open ON proposals (proposed_at, id) WHERE state = 'open';
