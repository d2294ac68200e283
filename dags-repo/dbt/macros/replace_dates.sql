{#-
  Incremental strategy replace_dates: in one transaction, the rows of the run's dates go and the model's rows come. A rerun
  gives the same table, and a date that has become empty is emptied, which delete+insert by key would not do.
  `event_time` of the model's config names its DATE column; `meta.replaces` names a macro that gives another condition.
-#}
{% macro get_incremental_replace_dates_sql(arg_dict) -%}
  {%- set target = arg_dict['target_relation'] -%}
  {%- set columns = get_quoted_csv(arg_dict['dest_columns'] | map(attribute='name')) -%}
  {%- set replaces = config.get('meta', {}).get('replaces') -%}
  {%- set condition = context[replaces]() if replaces else in_dates(config.require('event_time')) -%}
  {%- set dml -%}
    delete from {{ target }} where {{ condition }};
    insert into {{ target }} ({{ columns }}) select {{ columns }} from {{ arg_dict['temp_relation'] }}
  {%- endset -%}
  {{ return(snowflake_dml_explicit_transaction(dml)) }}
{%- endmacro %}
