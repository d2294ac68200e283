{{
  config(
    materialized='incremental',
    incremental_strategy='replace_dates',
    tmp_relation_type='table',
    meta={'replaces': 'sessions_near_dates'},
    cluster_by=['session_date', 'user_id'],
    on_schema_change='append_new_columns',
  )
}}

{#-
  Events of one user and session_id with no gap longer than the timeout, as the speed layer's sessions_realtime: first and last
  event of every ten minutes; inside these no such gap fits, so that joining neighbours is exact. A session may cross midnight: a
  run of one date reads as far back and ahead as the sessions near it reach, and no farther.
-#}
{%- set reach = sessions_reach(this) if is_incremental() and has_dates() %}

with fragments as (
  select
    user_id,
    session_id,
    floor(date_part('epoch_second', timestamp) / 600) as ten_minutes,
    min(timestamp) as first_event,
    max(timestamp) as last_event,
    count(*) as events,
    {%- for type in event_types() %}
    count_if(event_type = '{{ type }}') as {{ event_count(type) }},
    {%- endfor %}
    sum(spent) as spent,
    sum(items) as items,
    min(device_type) as device_type,
    min(browser) as browser
  from {{ ref('int_session_events') }}
  {%- if reach %}
  where
    timestamp >= '{{ reach['first'] }}'::timestamp_ntz
    and timestamp <= '{{ reach['last'] }}'::timestamp_ntz
  {%- endif %}
  group by user_id, session_id, ten_minutes
),

begun as (
  select
    *,
    lag(last_event) over (partition by user_id, session_id order by first_event) as previous_event
  from fragments
),

numbered as (
  select
    *,
    sum(iff(first_event > dateadd('minute', {{ session_timeout() }}, previous_event), 1, 0)) over (
      partition by user_id, session_id
      order by first_event
      rows between unbounded preceding and current row
    ) as island
  from begun
),

sessions as (
  select
    user_id,
    session_id,
    min(first_event) as session_start,
    max(last_event) as session_end,
    sum(events) as events,
    {%- for type in event_types() %}
    sum({{ event_count(type) }}) as {{ event_count(type) }},
    {%- endfor %}
    coalesce(sum(spent), 0) as total_spent,
    coalesce(sum(items), 0) as items_purchased,
    min(device_type) as device_type,
    min(browser) as browser
  from numbered
  group by user_id, session_id, island
)

select
  {{ session_key() }} as session_key,
  session_id,
  user_id,
  to_date(session_start) as session_date,
  session_start,
  session_end,
  round(datediff('millisecond', session_start, session_end) / 60000, 2)::number(10, 2) as duration_minutes,
  events::number(10, 0) as events,
  {%- for type in event_types() %}
  {{ event_count(type) }}::number(10, 0) as {{ event_count(type) }},
  {%- endfor %}
  total_spent::number(18, 2) as total_spent,
  items_purchased::number(10, 0) as items_purchased,
  device_type,
  browser,
  purchases > 0 as converted
from sessions
{%- if is_incremental() %}
where {{ sessions_near_dates() }}
{%- endif %}
