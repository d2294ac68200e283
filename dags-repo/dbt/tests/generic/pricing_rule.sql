{#- total = unit price x quantity - discount + tax, to the cent. -#}
{% test pricing_rule(model, date_column=none) %}
select transaction_id, total_amount, unit_price, quantity, discount_amount, tax_amount
from {{ model }}
where
  total_amount <> unit_price * quantity - discount_amount + tax_amount
  {%- if date_column is not none %}
  and {{ in_dates(date_column) }}
  {%- endif %}
{% endtest %}
