{#-
  The dates a run is about: --vars '{date: D}' for one, '{date: D, to: E}' for D … E (both included), every date without.
  They are read while a node runs, never while it is parsed.
-#}

{% macro has_dates() -%}
  {{ return(var('date', none) is not none) }}
{%- endmacro %}

{#- Midnight (UTC) at which the dates begin, as SQL. -#}
{% macro dates_begin() -%}
  '{{ checked_date(var('date')) }}'::timestamp_ntz
{%- endmacro %}

{#- Midnight (UTC) at which they have passed. -#}
{% macro dates_end() -%}
  dateadd('day', 1, '{{ checked_date(var('to', none) or var('date')) }}'::timestamp_ntz)
{%- endmacro %}

{#- A condition on a DATE: it is one of the run's dates. -#}
{% macro in_dates(column) -%}
  {%- if has_dates() -%}
    {{ column }} between '{{ checked_date(var('date')) }}'::date and '{{ checked_date(var('to', none) or var('date')) }}'::date
  {%- else -%}
    true
  {%- endif -%}
{%- endmacro %}

{#- A condition on a TIMESTAMP, which lets the warehouse skip what is stored elsewhere. -#}
{% macro at_dates(column) -%}
  {%- if has_dates() -%}
    {{ column }} >= {{ dates_begin() }} and {{ column }} < {{ dates_end() }}
  {%- else -%}
    true
  {%- endif -%}
{%- endmacro %}

{#- YAML makes a date of 2026-11-20; what is no date must not reach a statement. -#}
{% macro checked_date(value) -%}
  {%- set text = value | string | trim -%}
  {%- set digits = text.split('-') -%}
  {%- if digits | map('length') | list != [4, 2, 2] or not (digits | join).isdigit() -%}
    {%- do exceptions.raise_compiler_error("var date: expected YYYY-MM-DD, got '" ~ text ~ "'") -%}
  {%- endif -%}
  {{ return(text) }}
{%- endmacro %}
