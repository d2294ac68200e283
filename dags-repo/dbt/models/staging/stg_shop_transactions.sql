{#- What the shop's database holds: history and later states. A deleted row has nothing but its key and is left out. -#}
select
  {{ schema_columns('shop_transactions') }},
  to_date(created_at) as created_date,
  source_time,
  loaded_at,
  batch_id
from {{ source('raw', 'shop_transactions') }}
where not is_deleted
