-- Events that came before the trade they change: they count once version 1 is known.
create view operations.waiting_trade_events as
select events.trade_id, events.version, events.event_type, events.source_system, events.business_date, events.file_id, events.line_no
from books.trade_versions as events
where events.version > 1
    and not exists (
        select from books.trade_versions as originals where originals.trade_id = events.trade_id and originals.version = 1
    );
