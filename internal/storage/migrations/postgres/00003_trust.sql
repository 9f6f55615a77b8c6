-- +goose Up

-- Who has called, and whom the bank has shut out. A TPP may be blocked before it
-- has called: then nothing is known but its id. Read in the order of the bytes of
-- the ids, whatever the database's own is.
CREATE TABLE tpps (
    id                  text COLLATE "C" PRIMARY KEY,
    name                text NOT NULL,
    organisation        text NOT NULL,
    nca_id              text NOT NULL,
    nca_name            text NOT NULL,
    roles               text NOT NULL,
    certificate         text NOT NULL,
    first_seen_at       timestamptz,
    certificate_seen_at timestamptz,
    blocked_at          timestamptz,
    blocked_until       timestamptz,
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
    id         uuid PRIMARY KEY,
    name       text NOT NULL,
    role       text NOT NULL,
    mac        bytea NOT NULL UNIQUE,
    seal       bytea NOT NULL, -- a MAC over the rest of the row
    created_at timestamptz NOT NULL,
    expires_at timestamptz,
    revoked_at timestamptz
);
