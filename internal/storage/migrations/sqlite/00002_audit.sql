-- +goose Up

-- Whom the TPP named and what it says of its card; digests of what it named.
ALTER TABLE consents ADD COLUMN approach text NOT NULL DEFAULT '';
ALTER TABLE consents ADD COLUMN card text NOT NULL DEFAULT '{}';
ALTER TABLE consents ADD COLUMN psu_named blob;
ALTER TABLE consents ADD COLUMN corporate_named blob;
ALTER TABLE consents ADD COLUMN audit_count integer NOT NULL DEFAULT 0;
ALTER TABLE consents ADD COLUMN audit_head blob;

ALTER TABLE authorisations ADD COLUMN redirect_uri text NOT NULL DEFAULT '';
ALTER TABLE authorisations ADD COLUMN nok_redirect_uri text NOT NULL DEFAULT '';
ALTER TABLE authorisations ADD COLUMN psu_named blob;
ALTER TABLE authorisations ADD COLUMN corporate_named blob;

-- The consents to confirmation of funds of a TPP.
CREATE INDEX consents_funds ON consents (tpp) WHERE kind = 'fundsConfirmation' AND status = 'valid';

-- What happened, each line signed together with the signature of the one
-- before. How many there are, and the last signature, stand on the consent.
CREATE TABLE audit_entries (
    chain            text NOT NULL,
    seq              integer NOT NULL,
    at               text NOT NULL,
    actor            text NOT NULL,
    who              text NOT NULL,
    on_behalf        text NOT NULL,
    certificate      text NOT NULL,
    request_id       text NOT NULL,
    authorisation_id text,
    from_status      text NOT NULL,
    to_status        text NOT NULL,
    reason           text NOT NULL,
    operation        text NOT NULL,
    mac              blob NOT NULL,
    PRIMARY KEY (chain, seq)
);

-- The same for chains that are no consent's: what a TPP was refused on a day.
CREATE TABLE audit_chains (
    chain text PRIMARY KEY,
    count integer NOT NULL,
    head  blob NOT NULL
);

-- What callers were told, sealed, so that a repeated call is told the same.
CREATE TABLE receipts (
    key         blob PRIMARY KEY,
    fingerprint blob NOT NULL,
    answer      blob NOT NULL,
    expires_at  text NOT NULL
);

CREATE INDEX receipts_expiry ON receipts (expires_at);
