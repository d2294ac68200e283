{#- One row a customer: everybody registered and everybody who bought or came. Revenue is of completed transactions. -#}
with orders as (
  select
    user_id,
    count(*) as orders,
    count_if(is_completed) as completed_orders,
    count_if(status = 'refunded') as refunded_orders,
    sum(iff(is_completed, total_amount, 0)) as lifetime_value,
    sum(iff(status = 'refunded', total_amount, 0)) as refunded_amount,
    sum(iff(is_completed, quantity, 0)) as items_purchased,
    min(iff(is_completed, created_at, null)) as first_order_at,
    max(iff(is_completed, created_at, null)) as last_order_at
  from {{ ref('int_transactions_all') }}
  group by user_id
),

visits as (
  select
    user_id,
    count(*) as sessions,
    count_if(converted) as converted_sessions,
    count(distinct session_date) as active_days,
    min(session_start) as first_seen_at,
    max(session_end) as last_seen_at
  from {{ ref('user_sessions') }}
  group by user_id
),

customers as (
  select user_id from {{ ref('stg_users') }}
  union distinct
  select user_id from orders
  union distinct
  select user_id from visits
)

select
  c.user_id,
  coalesce(u.tier, 'unknown') as tier,
  u.country,
  u.registration_date,
  u.is_active,
  coalesce(o.orders, 0)::number(18, 0) as orders,
  coalesce(o.completed_orders, 0)::number(18, 0) as completed_orders,
  coalesce(o.refunded_orders, 0)::number(18, 0) as refunded_orders,
  coalesce(o.items_purchased, 0)::number(18, 0) as items_purchased,
  coalesce(o.lifetime_value, 0)::number(18, 2) as lifetime_value,
  coalesce(o.refunded_amount, 0)::number(18, 2) as refunded_amount,
  {{ rate('o.lifetime_value', 'o.completed_orders', 2) }}::number(18, 2) as average_order_value,
  o.first_order_at,
  o.last_order_at,
  datediff('day', o.first_order_at, o.last_order_at) as days_between_first_and_last_order,
  coalesce(v.sessions, 0)::number(18, 0) as sessions,
  coalesce(v.converted_sessions, 0)::number(18, 0) as converted_sessions,
  coalesce(v.active_days, 0)::number(18, 0) as active_days,
  v.first_seen_at,
  v.last_seen_at
from customers as c
left join {{ ref('stg_users') }} as u on c.user_id = u.user_id
left join orders as o on c.user_id = o.user_id
left join visits as v on c.user_id = v.user_id
