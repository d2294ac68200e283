{#- Per mille, rounded up, of the run's rows whose reference is not there: `severity` and thresholds say how much is too much. -#}
{% test refers_to(model, column_name, to, field, date_column=none) %}
{{ config(fail_calc='coalesce(max(missing_per_mille), 0)') }}
select
  count_if(parent.{{ field }} is null) as missing,
  ceil(1000 * count_if(parent.{{ field }} is null) / count(*)) as missing_per_mille
from {{ model }} as child
left join {{ to }} as parent on child.{{ column_name }} = parent.{{ field }}
where
  child.{{ column_name }} is not null
  {%- if date_column is not none %}
  and {{ in_dates('child.' ~ date_column) }}
  {%- endif %}
having count_if(parent.{{ field }} is null) > 0
{% endtest %}
