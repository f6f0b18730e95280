-- The number that the source of a corporate action gives its messages: as of trades, the highest counts whenever it came, and one number has
-- one content. Empty: the latest message counts.

alter table books.corporate_actions
    add column announcement_no integer;

create unique index on books.corporate_actions (event_id, announcement_no) where announcement_no is not null;
