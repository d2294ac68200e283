{#- A longer gap between two events begins a new session; as the speed layer's. -#}
{% macro session_timeout() -%}
  {{ return(env_var('LAMBDA_SESSION_TIMEOUT_MINUTES', '30') | int) }}
{%- endmacro %}

{#-
  Sessions that events of the run's dates can begin, end, join or split: those that come within a timeout of the dates. Any other
  session is the same whatever the dates hold, so that replacing these, and no others, leaves what a full refresh would give.
-#}
{% macro sessions_near_dates() -%}
  {%- if has_dates() -%}
    session_end >= dateadd('minute', -{{ session_timeout() }}, {{ dates_begin() }})
    and session_start < dateadd('minute', {{ session_timeout() }}, {{ dates_end() }})
  {%- else -%}
    true
  {%- endif -%}
{%- endmacro %}

{#- Names a session: one session_id has a session for every pause longer than the timeout. -#}
{% macro session_key() -%}
  md5(user_id || '/' || session_id || '/' || date_part('epoch_millisecond', session_start)::varchar)
{%- endmacro %}

{#-
  {first, last}: events between these are all that the sessions near the run's dates have or may get. Asked for beforehand: as constants
  they let the warehouse skip what is stored elsewhere.
-#}
{% macro sessions_reach(relation) -%}
  {%- set query -%}
    select
      least(
        coalesce(min(session_start), {{ dates_begin() }}),
        dateadd('minute', -{{ session_timeout() }}, {{ dates_begin() }})
      ) as first_event,
      greatest(
        coalesce(max(session_end), {{ dates_end() }}),
        dateadd('minute', {{ session_timeout() }}, {{ dates_end() }})
      ) as last_event
    from {{ relation }}
    where {{ sessions_near_dates() }}
  {%- endset -%}
  {%- if execute -%}
    {%- set row = run_query(query).rows[0] -%}
    {{ return({'first': row[0] | string, 'last': row[1] | string}) }}
  {%- endif -%}
{%- endmacro %}
