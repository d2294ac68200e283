{#- Valid events as sessions are made of them; on a purchase, what it brought. -#}
select
  e.event_id,
  e.user_id,
  e.session_id,
  e.event_type,
  e.timestamp,
  e.event_date,
  e.device_type,
  e.browser,
  t.total_amount as spent,
  t.quantity as items
from {{ ref('events_cleaned') }} as e
left join {{ ref('int_transactions_all') }} as t
  on
    e.transaction_id = t.transaction_id
    and t.is_completed
where e.is_valid
