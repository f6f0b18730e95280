-- What the controls take as unusual for a product line; null in rows published before.
alter table books.product_lines
    add column stale_after_business_days integer,  -- a price this many business days old is stale
    add column outlier_move numeric(9,6);          -- fraction of the price before beyond which a price is checked
