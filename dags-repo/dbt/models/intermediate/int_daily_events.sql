{{
  config(
    materialized='incremental',
    incremental_strategy='replace_dates',
    tmp_relation_type='view',
    event_time='event_date',
    on_schema_change='append_new_columns',
  )
}}

select
  event_date,
  count(*) as events,
  {%- for type in event_types() %}
  count_if(event_type = '{{ type }}') as {{ event_count(type) }},
  {%- endfor %}
  count(distinct user_id) as unique_users
from {{ ref('events_cleaned') }}
where
  is_valid
  {%- if is_incremental() %}
  and {{ in_dates('event_date') }}
  {%- endif %}
group by event_date
