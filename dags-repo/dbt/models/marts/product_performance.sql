{#- One row a day and product. Views and carts are events; purchases and revenue are completed transactions, for a purchase event
    names no product: as the speed layer's product_performance_mv. -#}
with sales as (
  select
    created_date,
    product_id,
    count(*) as purchases,
    sum(quantity) as items_sold,
    sum(total_amount) as revenue,
    sum(discount_amount) as discounts
  from {{ ref('int_transactions_all') }}
  where is_completed
  group by created_date, product_id
),

both_sides as (
  select
    event_date as metric_date,
    product_id,
    views,
    carts,
    removals,
    0 as purchases,
    0 as items_sold,
    0 as revenue,
    0 as discounts
  from {{ ref('int_daily_products') }}
  union all
  select
    created_date as metric_date,
    product_id,
    0 as views,
    0 as carts,
    0 as removals,
    purchases,
    items_sold,
    revenue,
    discounts
  from sales
),

daily as (
  select
    metric_date,
    product_id,
    sum(views) as views,
    sum(carts) as carts,
    sum(removals) as removals,
    sum(purchases) as purchases,
    sum(items_sold) as items_sold,
    sum(revenue) as revenue,
    sum(discounts) as discounts
  from both_sides
  group by metric_date, product_id
)

select
  d.metric_date,
  d.product_id,
  p.name as product_name,
  p.category,
  p.subcategory,
  p.brand,
  d.views::number(18, 0) as views,
  d.carts::number(18, 0) as carts,
  d.removals::number(18, 0) as removals,
  d.purchases::number(18, 0) as purchases,
  d.items_sold::number(18, 0) as items_sold,
  d.revenue::number(18, 2) as revenue,
  d.discounts::number(18, 2) as discounts,
  (p.cost * d.items_sold)::number(18, 2) as cost_of_items,
  {{ rate('d.carts', 'd.views') }}::number(12, 4) as carts_per_view,
  {{ rate('d.purchases', 'd.views') }}::number(12, 4) as purchases_per_view
from daily as d
left join {{ ref('stg_products') }} as p on d.product_id = p.product_id
