-- +goose Up

-- SQLite knows no uuid, timestamptz or jsonb: they are text here, instants in a
-- fixed width in UTC, so that they sort as they follow one another.

-- Who: the bank's ids appear here and nowhere else, so that a person can be
-- erased without touching what refers to them.
CREATE TABLE psus (
    id         text PRIMARY KEY,
    bank_id    text NOT NULL UNIQUE,
    created_at text NOT NULL
);

CREATE TABLE customers (
    id         text PRIMARY KEY,
    bank_id    text NOT NULL UNIQUE,
    created_at text NOT NULL
);

CREATE TABLE accounts (
    id          text PRIMARY KEY,
    customer_id text NOT NULL REFERENCES customers (id),
    bank_id     text NOT NULL,
    reference   text NOT NULL,
    created_at  text NOT NULL,
    UNIQUE (customer_id, bank_id)
);

CREATE TABLE consents (
    id                text PRIMARY KEY,
    group_id          text NOT NULL,
    kind              text NOT NULL,
    rail              text NOT NULL,
    tpp               text NOT NULL,
    tpp_name          text NOT NULL,
    customer_id       text REFERENCES customers (id),
    status            text NOT NULL,
    status_changed_at text NOT NULL,
    ended_by          text,
    end_reason        text,
    replaced_by       text,
    scope             text NOT NULL,
    owner_name        boolean NOT NULL,
    rights            integer NOT NULL,
    asked             text NOT NULL,
    only_types        text NOT NULL,
    recurring         boolean NOT NULL,
    frequency_per_day integer NOT NULL,
    valid_until       text NOT NULL,
    ends_at           text NOT NULL,
    authorise_by      text NOT NULL,
    due_at            text,
    redirect_uri      text NOT NULL,
    nok_redirect_uri  text NOT NULL,
    created_at        text NOT NULL,
    last_sca_at       text,
    version           integer NOT NULL
);

-- What time will end next; consents that have ended are not in it.
CREATE INDEX consents_due ON consents (due_at) WHERE due_at IS NOT NULL;

-- A customer's consents; a consent that nobody has identified with is not in it.
CREATE INDEX consents_customer ON consents (customer_id, tpp) WHERE customer_id IS NOT NULL;

CREATE TABLE consent_grants (
    consent_id text NOT NULL REFERENCES consents (id),
    account_id text NOT NULL REFERENCES accounts (id),
    position   integer NOT NULL,
    rights     integer NOT NULL,
    PRIMARY KEY (consent_id, account_id)
);

CREATE INDEX consent_grants_account ON consent_grants (account_id);

CREATE TABLE authorisations (
    id         text PRIMARY KEY,
    consent_id text NOT NULL REFERENCES consents (id),
    run_id     text NOT NULL,
    status     text NOT NULL,
    approach   text NOT NULL,
    psu_id     text REFERENCES psus (id),
    created_at text NOT NULL,
    changed_at text NOT NULL,
    deadline   text NOT NULL
);

CREATE INDEX authorisations_consent ON authorisations (consent_id);

CREATE TABLE flow_runs (
    id               text PRIMARY KEY,
    purpose          text NOT NULL,
    consent_id       text REFERENCES consents (id),
    authorisation_id text,
    flow             text NOT NULL,
    handle           blob NOT NULL UNIQUE,
    browser          blob,
    stage            text NOT NULL,
    approved         boolean NOT NULL,
    returned         boolean NOT NULL,
    psu_id           text REFERENCES psus (id),
    customer_id      text REFERENCES customers (id),
    seq              integer NOT NULL,
    tries            integer NOT NULL,
    memo             blob,
    created_at       text NOT NULL,
    open_by          text NOT NULL,
    finish_by        text,
    poll_at          text,
    ended_at         text,
    outcome          text
);

CREATE INDEX flow_runs_poll ON flow_runs (poll_at) WHERE poll_at IS NOT NULL;

-- The one recurring consent of a TPP for a customer, per rail. Whoever makes a
-- consent valid writes here first and so waits for whoever was before.
CREATE TABLE current_consents (
    rail        text NOT NULL,
    tpp         text NOT NULL,
    customer_id text NOT NULL REFERENCES customers (id),
    consent_id  text REFERENCES consents (id),
    PRIMARY KEY (rail, tpp, customer_id)
);

-- What a flow keeps per PSU, sealed.
CREATE TABLE flow_store (
    flow  text NOT NULL,
    psu   text NOT NULL,
    key   text NOT NULL,
    value blob NOT NULL,
    PRIMARY KEY (flow, psu, key)
);
