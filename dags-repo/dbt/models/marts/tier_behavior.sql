{#- What the users of a tier do, by the day their sessions began. The tier is the one they have now; "unknown" without a user row. -#}
with sessions as (
  select
    s.session_date as metric_date,
    coalesce(u.tier, 'unknown') as tier,
    count(*) as sessions,
    count(distinct s.user_id) as active_users,
    sum(s.events) as events,
    sum(s.product_views) as product_views,
    sum(s.add_to_carts) as add_to_carts,
    sum(s.purchases) as purchases,
    count_if(s.converted) as converted_sessions,
    sum(s.total_spent) as revenue,
    sum(s.items_purchased) as items_purchased,
    avg(s.duration_minutes) as average_minutes
  from {{ ref('user_sessions') }} as s
  left join {{ ref('stg_users') }} as u on s.user_id = u.user_id
  group by s.session_date, coalesce(u.tier, 'unknown')
)

select
  metric_date,
  tier,
  active_users,
  sessions,
  events::number(18, 0) as events,
  product_views::number(18, 0) as product_views,
  add_to_carts::number(18, 0) as add_to_carts,
  purchases::number(18, 0) as purchases,
  items_purchased::number(18, 0) as items_purchased,
  converted_sessions,
  revenue::number(18, 2) as revenue,
  round(average_minutes, 2)::number(10, 2) as average_minutes,
  {{ rate('sessions', 'active_users') }}::number(10, 4) as sessions_per_user,
  {{ rate('revenue', 'active_users', 2) }}::number(18, 2) as revenue_per_user,
  {{ rate('converted_sessions', 'sessions') }}::number(7, 4) as session_to_purchase
from sessions
