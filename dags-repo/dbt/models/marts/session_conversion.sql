{#- How far sessions come, by the day they began, device and browser. A step counts the sessions that took it, in any order. -#}
with steps as (
  select
    session_date,
    device_type,
    browser,
    count(*) as sessions,
    count_if(product_views > 0) as with_product_view,
    count_if(add_to_carts > 0) as with_cart,
    count_if(checkouts > 0) as with_checkout,
    count_if(converted) as with_purchase,
    sum(total_spent) as revenue,
    avg(duration_minutes) as average_minutes
  from {{ ref('user_sessions') }}
  group by session_date, device_type, browser
)

select
  session_date,
  device_type,
  browser,
  sessions,
  with_product_view,
  with_cart,
  with_checkout,
  with_purchase,
  revenue::number(18, 2) as revenue,
  round(average_minutes, 2)::number(10, 2) as average_minutes,
  {{ rate('with_product_view', 'sessions') }}::number(7, 4) as view_rate,
  {{ rate('with_cart', 'sessions') }}::number(7, 4) as cart_rate,
  {{ rate('with_checkout', 'sessions') }}::number(7, 4) as checkout_rate,
  {{ rate('with_purchase', 'sessions') }}::number(7, 4) as conversion_rate
from steps
