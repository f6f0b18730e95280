-- Executions are looked up by the venue's id when a correction or cancellation refers to them.
create index on books.trade_versions (execution_id) where source_system = 'FIX';

-- A row that is delivered again with the same fault is found by its text.
create index on operations.exceptions using hash (raw);

-- Events that came before the trade they change: they count once version 1 is known. An event that waited under an execution
-- of the middle of a chain, and has since been recorded in the trade of that chain, waits no more under its first name.
create view operations.waiting_trade_events as
select events.trade_id, events.version, events.event_type, events.source_system, events.business_date, events.file_id, events.line_no
from books.trade_versions as events
where events.version > 1
    and not exists (
        select from books.trade_versions as originals where originals.trade_id = events.trade_id and originals.version = 1
    )
    and not (
        events.source_system = 'FIX' and exists (
            select from books.trade_versions as adopted
            where adopted.source_system = 'FIX' and adopted.execution_id = events.execution_id
                and adopted.file_id = events.file_id and adopted.line_no = events.line_no and adopted.version > events.version
        )
    );
