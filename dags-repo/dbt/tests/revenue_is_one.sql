{#- Days, products and customers are three cuts through the same completed transactions. -#}
with cuts as (
  select
    (select coalesce(sum(iff(is_completed, total_amount, 0)), 0) from {{ ref('int_transactions_all') }}) as transactions,
    (select coalesce(sum(revenue), 0) from {{ ref('daily_metrics') }}) as days,
    (select coalesce(sum(revenue), 0) from {{ ref('product_performance') }}) as products,
    (select coalesce(sum(lifetime_value), 0) from {{ ref('customer_lifetime_value') }}) as customers
)

select *
from cuts
where not (transactions = days and transactions = products and transactions = customers)
