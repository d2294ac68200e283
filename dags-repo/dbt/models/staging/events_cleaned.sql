{{
  config(
    materialized='incremental',
    incremental_strategy='replace_dates',
    tmp_relation_type='view',
    event_time='event_date',
    cluster_by=['event_date', 'event_type'],
    on_schema_change='append_new_columns',
  )
}}

{%- set checks = (
  schema_checks('user_events')
  + event_type_checks()
  + [{'error': 'malformed_json: properties', 'condition': 'properties_parsed is null'}]
) %}

{#- The one scan of RAW's events, and the one parse of their properties: everything behind reads from here. -#}
with raw_events as (
  select
    {{ schema_columns('user_events') }},
    batch_id,
    loaded_at,
    to_date(timestamp) as event_date,
    try_parse_json(properties) as properties_parsed
  from {{ source('raw', 'user_events') }}
  {%- if is_incremental() %}
  where {{ at_dates('timestamp') }}
  {%- endif %}
),

checked as (
  select
    *,
    not coalesce(
      {%- for check in checks %}
      {{ '' if loop.first else 'or ' }}({{ check['condition'] }})
      {%- endfor %},
      false
    ) as is_valid
  from raw_events
)

-- What is wrong is spelt out for the few rows that need it: a list a row would take longer than all the checks.
select
  *,
  iff(
    is_valid,
    array_construct(),
    array_construct_compact(
      {%- for check in checks %}
      case when {{ check['condition'] }} then '{{ check["error"] }}' end{{ ',' if not loop.last }}
      {%- endfor %}
    )
  ) as validation_errors
from checked
