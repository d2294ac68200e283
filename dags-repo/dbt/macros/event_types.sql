{#- Event types of the schema. -#}
{% macro event_types() -%}
  {%- set field = schema_fields('user_events') | selectattr('name', 'equalto', 'event_type') | first -%}
  {{ return(field['accepted']) }}
{%- endmacro %}

{#- Column that counts an event type, named as in the speed layer's sessions_realtime. -#}
{% macro event_count(type) -%}
  {%- set names = {
    'search': 'searches',
    'add_to_cart': 'add_to_carts',
    'remove_from_cart': 'remove_from_carts',
    'checkout_start': 'checkouts'
  } -%}
  {{ return(names.get(type, type ~ 's')) }}
{%- endmacro %}
