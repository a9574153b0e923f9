-- Every ask for a price and what became of it, so that another book can be tried on it. Made by who answers.
CREATE TABLE asks (
    seq           bigserial   PRIMARY KEY,
    ask_id        text        NOT NULL UNIQUE,
    deal_id       uuid        NOT NULL,
    quote_id      uuid        NOT NULL,
    number        text,
    revision      integer     NOT NULL,
    answered_at   timestamptz NOT NULL,
    day           date        NOT NULL,
    account_id    text        NOT NULL,
    tier          text        NOT NULL,
    region        text        NOT NULL,
    currency      text        NOT NULL,
    selling_unit  text,
    products      text[]      NOT NULL,
    lines         integer     NOT NULL CHECK (lines >= 0),
    outcome       text        NOT NULL CHECK (outcome IN ('priced', 'failed')),
    book_id       text,
    book_version  integer,
    fx_id         text,
    fx_version    integer,
    skus          text[]      NOT NULL,
    figures       jsonb,
    content       bytea       NOT NULL,
    superseded_by bigint,
    CHECK ((outcome = 'failed') = (book_id IS NULL) AND (book_id IS NULL) = (fx_id IS NULL)),
    CHECK ((outcome = 'failed') = (figures IS NULL))
);
CREATE INDEX asks_of_quote ON asks (quote_id, seq);

COMMENT ON TABLE asks IS 'One row per ask for a price that was answered; the facts are the truth, this is for what-if';
COMMENT ON COLUMN asks.content IS 'What the price hangs on besides book and rates, as JSON';
COMMENT ON COLUMN asks.figures IS 'What the answer came to, by product, in millionths; NULL without a price';
COMMENT ON COLUMN asks.superseded_by IS 'The next ask of the same quote; NULL for the latest';

-- Keep an ask, once; the one before it of the same quote is the latest no more.
CREATE FUNCTION ask_kept(one jsonb, content bytea) RETURNS void
LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
DECLARE
    row_ asks := jsonb_populate_record(NULL::asks, one);
BEGIN
    row_.seq := nextval('asks_seq_seq');
    row_.content := content;
    INSERT INTO asks SELECT row_.* ON CONFLICT (ask_id) DO NOTHING;
    IF FOUND THEN
        UPDATE asks SET superseded_by = row_.seq
        WHERE quote_id = row_.quote_id AND seq < row_.seq AND superseded_by IS NULL;
    END IF;
END $$;
