-- +goose Up

-- Whom the TPP named and what it says of its card; digests of what it named.
ALTER TABLE consents
    ADD COLUMN approach       text NOT NULL DEFAULT '',
    ADD COLUMN card           jsonb NOT NULL DEFAULT '{}',
    ADD COLUMN psu_named      bytea,
    ADD COLUMN corporate_named bytea,
    ADD COLUMN audit_count    integer NOT NULL DEFAULT 0,
    ADD COLUMN audit_head     bytea;

ALTER TABLE authorisations
    ADD COLUMN redirect_uri     text NOT NULL DEFAULT '',
    ADD COLUMN nok_redirect_uri text NOT NULL DEFAULT '',
    ADD COLUMN psu_named bytea,
    ADD COLUMN corporate_named bytea;

-- The consents to confirmation of funds that name an account, in their own words
-- or by the bank's.
CREATE INDEX consents_funds ON consents USING gin ((asked->0->'reference') jsonb_path_ops) WITH (fastupdate = off)
    WHERE kind = 'fundsConfirmation' AND status = 'valid';

CREATE INDEX accounts_reference ON accounts USING gin (reference jsonb_path_ops) WITH (fastupdate = off);

-- What happened, each line signed together with the signature of the one
-- before. How many there are, and the last signature, stand on the consent.
-- Chains are read in the order of their bytes, whatever the database's own is.
CREATE TABLE audit_entries (
    chain            text COLLATE "C" NOT NULL,
    seq              integer NOT NULL,
    at               timestamptz NOT NULL,
    actor            text NOT NULL,
    who              text NOT NULL,
    on_behalf        text NOT NULL,
    certificate      text NOT NULL,
    request_id       text NOT NULL,
    authorisation_id uuid,
    from_status      text NOT NULL,
    to_status        text NOT NULL,
    reason           text NOT NULL,
    operation        text NOT NULL,
    mac              bytea NOT NULL,
    PRIMARY KEY (chain, seq)
);

-- The same for chains that are no consent's: what a TPP was refused on a day.
CREATE TABLE audit_chains (
    chain text COLLATE "C" PRIMARY KEY,
    count integer NOT NULL,
    head  bytea NOT NULL
);

-- What callers were told, sealed, so that a repeated call is told the same.
CREATE TABLE receipts (
    key         bytea PRIMARY KEY,
    fingerprint bytea NOT NULL,
    answer      bytea NOT NULL,
    expires_at  timestamptz NOT NULL
);

CREATE INDEX receipts_expiry ON receipts (expires_at);
