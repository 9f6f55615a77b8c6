-- +goose Up

-- What the bank has noted of TPPs as clients of OAuth2: where they may have a
-- browser led back to, and certificates of their seals (base64), each a line.
ALTER TABLE tpps ADD COLUMN redirect_uris text NOT NULL DEFAULT '';
ALTER TABLE tpps ADD COLUMN seals text NOT NULL DEFAULT '';

-- A client id may be the organizationIdentifier alone.
CREATE INDEX tpps_organisation ON tpps (organisation);
