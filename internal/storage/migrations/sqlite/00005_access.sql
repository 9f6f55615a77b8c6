-- +goose Up

-- How often was read what, on which day: at most allowed times. A one-off consent
-- counts for good, on a day of its own (0001-01-01). account_id is the nil id for lists.
-- former is what n was before the last statement, so that one statement can count
-- for several callers and tell how many of them were in time.
CREATE TABLE access_counts (
    day        text NOT NULL,
    consent_id text NOT NULL,
    account_id text NOT NULL,
    operation  text NOT NULL,
    n          integer NOT NULL,
    former     integer NOT NULL,
    allowed    integer NOT NULL,
    walked     integer NOT NULL DEFAULT 0, -- further pages since
    lists      text NOT NULL DEFAULT '', -- what was listed: fingerprints, the last four
    at         text NOT NULL,
    PRIMARY KEY (day, consent_id, account_id, operation)
);

-- When data was last shared by a consent. Written for many at once, at most a
-- minute late; a table of its own, so that it holds no lock of a consent.
CREATE TABLE consent_uses (
    consent_id     text PRIMARY KEY,
    last_shared_at text NOT NULL
);
