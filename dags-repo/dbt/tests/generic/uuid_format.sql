{#- All of the columns are UUIDs or null. -#}
{% test uuid_format(model, columns) %}
select {{ columns | join(', ') }}
from {{ model }}
where
  {%- for column in columns %}
  not {{ is_uuid(column) }}{{ ' or' if not loop.last }}
  {%- endfor %}
{% endtest %}
