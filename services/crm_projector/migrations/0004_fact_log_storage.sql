-- The raw copy is written once for every fact and read again by rebuilds only: packing 25 kB of a priced offer cost
-- the live path more than folding it. It takes about four times the room on disk; rows written before stay packed.
ALTER TABLE fact_log ALTER COLUMN value SET STORAGE EXTERNAL;
