-- Instructions that were cancelled before they left the house, and their cancellations: neither is sent, and neither is open.
create view operations.instructions_withdrawn as
select withdrawn.instruction_id, cancellations.business_date as withdrawn_date
from operations.settlement_instructions as cancellations
cross join lateral (values (cancellations.instruction_id), (cancellations.cancels_instruction_id)) as withdrawn (instruction_id)
where cancellations.function = 'CANC' and not exists (
    select from operations.outbox_items as items
    where items.channel = 'settlement' and items.item_id = cancellations.cancels_instruction_id
);

create index on operations.settlement_instructions (cancels_instruction_id);
