{#- A key is there once among the run's dates (all of the table without dates, and without a date column). -#}
{% test unique_in_scope(model, key, date_column=none) %}
select
  {{ key | join(', ') }},
  count(*) as records
from {{ model }}
{%- if date_column is not none %}
where {{ in_dates(date_column) }}
{%- endif %}
group by {{ key | join(', ') }}
having count(*) > 1
{% endtest %}
