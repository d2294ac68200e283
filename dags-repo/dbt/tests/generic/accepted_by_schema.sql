{#- Like accepted_values, with the values of schemas/. `also` are values that the model itself adds. -#}
{% test accepted_by_schema(model, column_name, table, field=none, also=[]) %}
select
  {{ column_name }} as unexpected,
  count(*) as records
from {{ model }}
where
  {{ column_name }} is null
  or {{ column_name }} not in (
    {{ schema_values(table, field or column_name) }}{% for value in also %}, '{{ value }}'{% endfor %}
  )
group by {{ column_name }}
{% endtest %}
