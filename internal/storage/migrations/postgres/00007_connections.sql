-- +goose Up

-- Connections, by which a TPP calls in the name of a PSU, and what it has forwarded
-- by them. by_token: its use takes an access token that was issued for it.
ALTER TABLE consents
    ADD COLUMN given_by      uuid REFERENCES psus (id),
    ADD COLUMN connection_id uuid REFERENCES consents (id),
    ADD COLUMN by_token      boolean NOT NULL DEFAULT false;

-- What may end together.
CREATE INDEX consents_kin ON consents (tpp, given_by) WHERE rail = 'stet' AND status IN ('valid', 'suspended');

-- What a TPP has forwarded last for a PSU of a customer. Whoever forwards writes here
-- first and so waits for whoever was before. A token of the bank's own server that was
-- not issued after tokens_after opens nothing.
CREATE TABLE forwarded_consents (
    tpp          text NOT NULL,
    psu_id       uuid NOT NULL REFERENCES psus (id),
    customer_id  uuid NOT NULL REFERENCES customers (id),
    consent_id   uuid REFERENCES consents (id),
    tokens_after timestamptz,
    PRIMARY KEY (tpp, psu_id, customer_id)
);

-- Authorization requests under way. callback and code are digests.
CREATE TABLE oauth_requests (
    id         text PRIMARY KEY,
    callback   bytea UNIQUE,
    code       bytea UNIQUE,
    sealed     bytea NOT NULL,
    expires_at timestamptz NOT NULL
);

CREATE INDEX oauth_requests_expiry ON oauth_requests (expires_at);

-- An access token and the refresh token for it; of both, and of the code by which
-- they were issued, digests. Whether they are good for anything is for the consent to
-- say; forget_at is when nobody can want the row any more.
CREATE TABLE oauth_pairs (
    id           text PRIMARY KEY,
    consent_id   uuid NOT NULL REFERENCES consents (id),
    tpp          text NOT NULL,
    psu_id       uuid REFERENCES psus (id),
    scopes       text NOT NULL,
    active       text NOT NULL,
    access       bytea UNIQUE,
    refresh      bytea UNIQUE,
    code         bytea UNIQUE,
    access_until timestamptz,
    issued_at    timestamptz,
    certificate  text NOT NULL,
    sealed       bytea NOT NULL,
    version      integer NOT NULL,
    forget_at    timestamptz NOT NULL
);

CREATE INDEX oauth_pairs_consent ON oauth_pairs (consent_id);
CREATE INDEX oauth_pairs_forget ON oauth_pairs (forget_at);
