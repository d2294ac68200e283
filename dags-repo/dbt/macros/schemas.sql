{#- Made from schemas/ by scripts/dbt-schemas.ts: do not edit. -#}
{% macro schema_fields(table) -%}
  {#- Fields of a RAW table's schema in their order: name, kind, required, accepted values, minimum. -#}
  {%- set fields = {
    "user_events": [
      {"name":"event_id","kind":"uuid","required":true},
      {"name":"user_id","kind":"uuid","required":true},
      {"name":"session_id","kind":"uuid","required":true},
      {"name":"event_type","kind":"text","required":true,"accepted":["page_view","product_view","search","add_to_cart","purchase","remove_from_cart","checkout_start","login","logout"]},
      {"name":"timestamp","kind":"timestamp","required":true},
      {"name":"device_type","kind":"text","required":true,"accepted":["desktop","mobile","tablet"]},
      {"name":"browser","kind":"text","required":true},
      {"name":"ip_address","kind":"ipv4","required":true},
      {"name":"page_url","kind":"text","required":false},
      {"name":"product_id","kind":"uuid","required":false},
      {"name":"search_query","kind":"text","required":false},
      {"name":"transaction_id","kind":"uuid","required":false},
      {"name":"properties","kind":"json","required":true}
    ],
    "transactions": [
      {"name":"transaction_id","kind":"uuid","required":true},
      {"name":"user_id","kind":"uuid","required":true},
      {"name":"product_id","kind":"uuid","required":true},
      {"name":"quantity","kind":"integer","required":true,"minimum":1},
      {"name":"unit_price","kind":"decimal","required":true,"minimum":0},
      {"name":"total_amount","kind":"decimal","required":true,"minimum":0},
      {"name":"discount_amount","kind":"decimal","required":true,"minimum":0},
      {"name":"tax_amount","kind":"decimal","required":true,"minimum":0},
      {"name":"status","kind":"text","required":true,"accepted":["pending","completed","failed","refunded","cancelled"]},
      {"name":"payment_method","kind":"text","required":true,"accepted":["credit_card","debit_card","paypal","apple_pay","google_pay","bank_transfer"]},
      {"name":"shipping_address","kind":"text","required":true},
      {"name":"created_at","kind":"timestamp","required":true},
      {"name":"updated_at","kind":"timestamp","required":true}
    ],
    "external_events": [
      {"name":"event_id","kind":"uuid","required":true},
      {"name":"timestamp","kind":"timestamp","required":true},
      {"name":"event_type","kind":"text","required":true},
      {"name":"source_system","kind":"text","required":true},
      {"name":"user_id","kind":"uuid","required":true},
      {"name":"session_id","kind":"uuid","required":true},
      {"name":"data","kind":"json","required":true},
      {"name":"metadata","kind":"json","required":true}
    ],
    "users": [
      {"name":"user_id","kind":"uuid","required":true},
      {"name":"email","kind":"text","required":true},
      {"name":"first_name","kind":"text","required":true},
      {"name":"last_name","kind":"text","required":true},
      {"name":"date_of_birth","kind":"timestamp","required":true},
      {"name":"registration_date","kind":"timestamp","required":true},
      {"name":"country","kind":"text","required":true},
      {"name":"city","kind":"text","required":true},
      {"name":"tier","kind":"text","required":true,"accepted":["bronze","silver","gold","platinum"]},
      {"name":"is_active","kind":"boolean","required":true},
      {"name":"last_login","kind":"timestamp","required":false}
    ],
    "products": [
      {"name":"product_id","kind":"uuid","required":true},
      {"name":"name","kind":"text","required":true},
      {"name":"category","kind":"text","required":true},
      {"name":"subcategory","kind":"text","required":true},
      {"name":"price","kind":"decimal","required":true,"minimum":0},
      {"name":"cost","kind":"decimal","required":true,"minimum":0},
      {"name":"brand","kind":"text","required":true},
      {"name":"description","kind":"text","required":true},
      {"name":"is_active","kind":"boolean","required":true},
      {"name":"created_at","kind":"timestamp","required":true}
    ],
    "shop_transactions": [
      {"name":"transaction_id","kind":"uuid","required":true},
      {"name":"user_id","kind":"uuid","required":true},
      {"name":"product_id","kind":"uuid","required":true},
      {"name":"quantity","kind":"integer","required":true,"minimum":1},
      {"name":"unit_price","kind":"decimal","required":true,"minimum":0},
      {"name":"total_amount","kind":"decimal","required":true,"minimum":0},
      {"name":"discount_amount","kind":"decimal","required":true,"minimum":0},
      {"name":"tax_amount","kind":"decimal","required":true,"minimum":0},
      {"name":"status","kind":"text","required":true,"accepted":["pending","completed","failed","refunded","cancelled"]},
      {"name":"payment_method","kind":"text","required":true,"accepted":["credit_card","debit_card","paypal","apple_pay","google_pay","bank_transfer"]},
      {"name":"shipping_address","kind":"text","required":true},
      {"name":"created_at","kind":"timestamp","required":true},
      {"name":"updated_at","kind":"timestamp","required":true}
    ]
  } -%}
  {{ return(fields[table]) }}
{%- endmacro %}
