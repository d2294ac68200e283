{#- The checks of schemas/*.schema.json as SQL, one list for staging and for tests. -#}

{% macro schema_columns(table) -%}
  {{ return(schema_fields(table) | map(attribute='name') | join(', ')) }}
{%- endmacro %}

{#- Accepted values of a field, quoted. -#}
{% macro schema_values(table, field) -%}
  {%- set found = schema_fields(table) | selectattr('name', 'equalto', field) | first -%}
  {{ return("'" ~ found['accepted'] | join("', '") ~ "'") }}
{%- endmacro %}

{#- False for what is not a UUID in its canonical form; no backslashes, which string literals would swallow. -#}
{% macro is_uuid(column) -%}
  regexp_like({{ column }}, '^[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}$')
{%- endmacro %}

{% macro is_ipv4(column) -%}
  {%- set byte = '(25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])' -%}
  regexp_like({{ column }}, '^{{ byte }}[.]{{ byte }}[.]{{ byte }}[.]{{ byte }}$')
{%- endmacro %}

{#- [{error, condition}]: a row has the error when the condition is true. Errors are 'class: text', as in the speed layer. -#}
{% macro schema_checks(table) -%}
  {%- set checks = [] -%}
  {%- for field in schema_fields(table) -%}
    {%- set name = field['name'] -%}
    {%- if field['required'] -%}
      {%- do checks.append({'error': 'missing_field: ' ~ name, 'condition': name ~ ' is null'}) -%}
    {%- endif -%}
    {%- if field['kind'] == 'uuid' -%}
      {%- do checks.append({'error': 'wrong_type: ' ~ name ~ ' is not a uuid', 'condition': 'not ' ~ is_uuid(name)}) -%}
    {%- elif field['kind'] == 'ipv4' -%}
      {%- do checks.append({'error': 'wrong_type: ' ~ name ~ ' is not an ipv4 address', 'condition': 'not ' ~ is_ipv4(name)}) -%}
    {%- endif -%}
    {%- if field['accepted'] is defined -%}
      {%- do checks.append({'error': 'unknown_value: ' ~ name, 'condition': name ~ ' not in (' ~ schema_values(table, name) ~ ')'}) -%}
    {%- endif -%}
    {%- if field['minimum'] is defined -%}
      {%- do checks.append({'error': 'out_of_range: ' ~ name, 'condition': name ~ ' < ' ~ field['minimum']}) -%}
    {%- endif -%}
  {%- endfor -%}
  {{ return(checks) }}
{%- endmacro %}

{#- Fields that an event type cannot do without, beyond those that every event has. -#}
{% macro event_type_checks() -%}
  {%- set needs = {
    'product_view': 'product_id',
    'add_to_cart': 'product_id',
    'remove_from_cart': 'product_id',
    'search': 'search_query',
    'purchase': 'transaction_id'
  } -%}
  {%- set checks = [] -%}
  {%- for type, field in needs.items() -%}
    {%- do checks.append({
      'error': 'missing_field: a ' ~ type ~ ' needs its ' ~ field,
      'condition': "event_type = '" ~ type ~ "' and " ~ field ~ ' is null'
    }) -%}
  {%- endfor -%}
  {{ return(checks) }}
{%- endmacro %}

{#- Part of a whole, rounded; null of nothing. -#}
{% macro rate(part, whole, places=4) -%}
  round({{ part }} / nullif({{ whole }}, 0), {{ places }})
{%- endmacro %}
