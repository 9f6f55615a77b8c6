-- +goose Up

-- Who has called, and whom the bank has shut out. A TPP may be blocked before it
-- has called: then nothing is known but its id.
CREATE TABLE tpps (
    id                  text PRIMARY KEY,
    name                text NOT NULL,
    organisation        text NOT NULL,
    nca_id              text NOT NULL,
    nca_name            text NOT NULL,
    roles               text NOT NULL,
    certificate         text NOT NULL,
    first_seen_at       text,
    certificate_seen_at text,
    blocked_at          text,
    blocked_until       text,
    blocked_by          text NOT NULL DEFAULT '',
    block_reason        text NOT NULL DEFAULT '',
    ends_consents       boolean NOT NULL DEFAULT false,
    end_request_id      text NOT NULL DEFAULT '',
    search              text NOT NULL -- id and name in small letters
);

-- Those whose consents are to be ended.
CREATE INDEX tpps_ends_consents ON tpps (id) WHERE ends_consents;

-- A TPP's consents that have not ended.
CREATE INDEX consents_tpp ON consents (tpp, id) WHERE due_at IS NOT NULL;

-- The tokens of the bank's own callers; of their secrets, a MAC.
CREATE TABLE bank_tokens (
    id         text PRIMARY KEY,
    name       text NOT NULL,
    role       text NOT NULL,
    mac        blob NOT NULL UNIQUE,
    seal       blob NOT NULL, -- a MAC over the rest of the row
    created_at text NOT NULL,
    expires_at text,
    revoked_at text
);
