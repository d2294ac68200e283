{{ config(fail_calc='coalesce(max(missing_per_mille), 0)', warn_if='>0', error_if='>50') }}
{#- Per mille of purchases, rounded up, whose transaction is in neither source. A rejected or late transaction leaves some. -#}
select
  count_if(t.transaction_id is null) as missing,
  ceil(1000 * count_if(t.transaction_id is null) / count(*)) as missing_per_mille
from {{ ref('events_cleaned') }} as e
left join {{ ref('int_transactions_all') }} as t on e.transaction_id = t.transaction_id
where
  e.event_type = 'purchase'
  and e.is_valid
  and {{ in_dates('e.event_date') }}
having count_if(t.transaction_id is null) > 0
