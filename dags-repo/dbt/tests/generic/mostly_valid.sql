{#- Per mille of invalid rows among the run's dates, rounded up. Some are to be looked at, many are a failure. -#}
{% test mostly_valid(model, date_column) %}
{{ config(fail_calc='coalesce(max(invalid_per_mille), 0)', warn_if='>0', error_if='>50') }}
select
  count_if(not is_valid) as invalid,
  ceil(1000 * count_if(not is_valid) / count(*)) as invalid_per_mille
from {{ model }}
where {{ in_dates(date_column) }}
having count_if(not is_valid) > 0
{% endtest %}
