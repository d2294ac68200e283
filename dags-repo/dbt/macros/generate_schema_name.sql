{#- STAGING and MARTS are the schemas' whole names: without this macro dbt would put the target's schema before them. -#}
{% macro generate_schema_name(custom_schema_name, node) -%}
  {{ custom_schema_name | trim if custom_schema_name is not none else target.schema }}
{%- endmacro %}
