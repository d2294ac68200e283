{{
  config(
    materialized='incremental',
    incremental_strategy='replace_dates',
    tmp_relation_type='view',
    event_time='event_date',
  )
}}

select
  event_date,
  product_id,
  count_if(event_type = 'product_view') as views,
  count_if(event_type = 'add_to_cart') as carts,
  count_if(event_type = 'remove_from_cart') as removals
from {{ ref('events_cleaned') }}
where
  is_valid
  and product_id is not null
  {%- if is_incremental() %}
  and {{ in_dates('event_date') }}
  {%- endif %}
group by event_date, product_id
