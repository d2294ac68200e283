{#- The stream of purchases, as they were made. -#}
select
  {{ schema_columns('transactions') }},
  to_date(created_at) as created_date,
  loaded_at,
  batch_id
from {{ source('raw', 'transactions') }}
