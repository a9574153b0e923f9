-- What a service of the load has heard, per deal. Doubled or reordered facts stay visible in it for ever.
CREATE TABLE tally (
    deal_id uuid PRIMARY KEY,
    n integer NOT NULL,
    last integer NOT NULL,
    in_order boolean NOT NULL
);
-- Every fact as it came, for who copies everything.
CREATE TABLE copies (
    seq bigserial,
    id text NOT NULL,
    deal_id uuid NOT NULL,
    type text NOT NULL,
    causation text
);
