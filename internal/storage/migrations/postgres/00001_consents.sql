-- +goose Up

-- Who: the bank's ids appear here and nowhere else, so that a person can be
-- erased without touching what refers to them.
CREATE TABLE psus (
    id         uuid PRIMARY KEY,
    bank_id    text NOT NULL UNIQUE,
    created_at timestamptz NOT NULL
);

CREATE TABLE customers (
    id         uuid PRIMARY KEY,
    bank_id    text NOT NULL UNIQUE,
    created_at timestamptz NOT NULL
);

CREATE TABLE accounts (
    id          uuid PRIMARY KEY,
    customer_id uuid NOT NULL REFERENCES customers (id),
    bank_id     text NOT NULL,
    reference   jsonb NOT NULL,
    created_at  timestamptz NOT NULL,
    UNIQUE (customer_id, bank_id)
);

CREATE TABLE consents (
    id                uuid PRIMARY KEY,
    group_id          uuid NOT NULL,
    kind              text NOT NULL,
    rail              text NOT NULL,
    tpp               text NOT NULL,
    tpp_name          text NOT NULL,
    customer_id       uuid REFERENCES customers (id),
    status            text NOT NULL,
    status_changed_at timestamptz NOT NULL,
    ended_by          text,
    end_reason        text,
    replaced_by       uuid,
    scope             text NOT NULL,
    owner_name        boolean NOT NULL,
    rights            integer NOT NULL,
    asked             jsonb NOT NULL,
    only_types        jsonb NOT NULL,
    recurring         boolean NOT NULL,
    frequency_per_day integer NOT NULL,
    valid_until       date NOT NULL,
    ends_at           timestamptz NOT NULL,
    authorise_by      timestamptz NOT NULL,
    due_at            timestamptz,
    redirect_uri      text NOT NULL,
    nok_redirect_uri  text NOT NULL,
    created_at        timestamptz NOT NULL,
    last_sca_at       timestamptz,
    version           integer NOT NULL
);

-- What time will end next; consents that have ended are not in it.
CREATE INDEX consents_due ON consents (due_at) WHERE due_at IS NOT NULL;

-- A customer's consents; a consent that nobody has identified with is not in it.
CREATE INDEX consents_customer ON consents (customer_id, tpp) WHERE customer_id IS NOT NULL;

CREATE TABLE consent_grants (
    consent_id uuid NOT NULL REFERENCES consents (id),
    account_id uuid NOT NULL REFERENCES accounts (id),
    position   integer NOT NULL,
    rights     integer NOT NULL,
    PRIMARY KEY (consent_id, account_id)
);

CREATE INDEX consent_grants_account ON consent_grants (account_id);

CREATE TABLE authorisations (
    id         uuid PRIMARY KEY,
    consent_id uuid NOT NULL REFERENCES consents (id),
    run_id     uuid NOT NULL,
    status     text NOT NULL,
    approach   text NOT NULL,
    psu_id     uuid REFERENCES psus (id),
    created_at timestamptz NOT NULL,
    changed_at timestamptz NOT NULL,
    deadline   timestamptz NOT NULL
);

CREATE INDEX authorisations_consent ON authorisations (consent_id);

CREATE TABLE flow_runs (
    id               uuid PRIMARY KEY,
    purpose          text NOT NULL,
    consent_id       uuid REFERENCES consents (id),
    authorisation_id uuid,
    flow             text NOT NULL,
    handle           bytea NOT NULL UNIQUE,
    browser          bytea,
    stage            text NOT NULL,
    approved         boolean NOT NULL,
    returned         boolean NOT NULL,
    psu_id           uuid REFERENCES psus (id),
    customer_id      uuid REFERENCES customers (id),
    seq              integer NOT NULL,
    tries            integer NOT NULL,
    memo             bytea,
    created_at       timestamptz NOT NULL,
    open_by          timestamptz NOT NULL,
    finish_by        timestamptz,
    poll_at          timestamptz,
    ended_at         timestamptz,
    outcome          text
);

CREATE INDEX flow_runs_poll ON flow_runs (poll_at) WHERE poll_at IS NOT NULL;

-- The one recurring consent of a TPP for a customer, per rail. Whoever makes a
-- consent valid writes here first and so waits for whoever was before.
CREATE TABLE current_consents (
    rail        text NOT NULL,
    tpp         text NOT NULL,
    customer_id uuid NOT NULL REFERENCES customers (id),
    consent_id  uuid REFERENCES consents (id),
    PRIMARY KEY (rail, tpp, customer_id)
);

-- What a flow keeps per PSU, sealed.
CREATE TABLE flow_store (
    flow  text NOT NULL,
    psu   text NOT NULL,
    key   text NOT NULL,
    value bytea NOT NULL,
    PRIMARY KEY (flow, psu, key)
);
