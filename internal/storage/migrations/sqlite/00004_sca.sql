-- +goose Up

-- A run that went on, on another device: how it was reached before, and by whom.
ALTER TABLE flow_runs ADD COLUMN former_handle blob;
ALTER TABLE flow_runs ADD COLUMN former_browser blob;
CREATE UNIQUE INDEX flow_runs_former_handle ON flow_runs (former_handle) WHERE former_handle IS NOT NULL;

-- Wrong answers in a row of a PSU, over all authorisations; who they are stands
-- as a MAC. Forgotten at until, or with a right answer.
CREATE TABLE psu_failures (
    psu      blob PRIMARY KEY,
    failures integer NOT NULL,
    until    text NOT NULL
);

CREATE INDEX psu_failures_until ON psu_failures (until);

-- Ways to a person's consents, the newest first: of the customers for whom they
-- act; of those whose authorisation they have begun, and nobody has finished; by
-- an account of theirs.
CREATE INDEX consents_customer_newest ON consents (customer_id, id) WHERE customer_id IS NOT NULL;
CREATE INDEX authorisations_begun ON authorisations (psu_id, consent_id)
    WHERE psu_id IS NOT NULL AND status NOT IN ('finalised', 'exempted');
CREATE INDEX accounts_bank_id ON accounts (bank_id);
