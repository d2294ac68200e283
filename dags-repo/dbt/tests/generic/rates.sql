{#- Shares lie within 0 and 1, or are null where there was nothing to divide. -#}
{% test rates(model, columns) %}
select {{ columns | join(', ') }}
from {{ model }}
where
  {%- for column in columns %}
  {{ column }} not between 0 and 1{{ ' or' if not loop.last }}
  {%- endfor %}
{% endtest %}
