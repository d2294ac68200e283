{#-
  Every check of the table's schema (required, uuid, ipv4, accepted values, minimum) in one scan; a row for each that fails, with how
  many records. One test instead of one a column: a warehouse is asked, and paid, once.
-#}
{% test fits_schema(model, table, date_column=none) %}
with counted as (
  select
    {%- for check in schema_checks(table) %}
    count_if({{ check['condition'] }}) as check_{{ loop.index }}{{ ',' if not loop.last }}
    {%- endfor %}
  from {{ model }}
  {%- if date_column is not none %}
  where {{ in_dates(date_column) }}
  {%- endif %}
)
{% for check in schema_checks(table) %}
select
  '{{ check["error"] }}' as error,
  check_{{ loop.index }} as failures
from counted
where check_{{ loop.index }} > 0
{{ 'union all' if not loop.last }}
{%- endfor %}
{% endtest %}
