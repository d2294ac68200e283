{{ config(materialized='table') }}

{#- Every transaction once: the stream's and the shop's own. Both may know one; the later state wins, then the shop's. -#}
with everything as (
  select
    {{ schema_columns('transactions') }},
    created_date,
    'stream' as origin
  from {{ ref('stg_transactions') }}
  union all
  select
    {{ schema_columns('transactions') }},
    created_date,
    'shop' as origin
  from {{ ref('stg_shop_transactions') }}
)

select
  *,
  status = 'completed' as is_completed
from everything
qualify row_number() over (
  partition by transaction_id
  order by updated_at desc, origin asc, created_at asc, status asc
) = 1
