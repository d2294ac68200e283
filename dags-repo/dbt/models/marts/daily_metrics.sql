{#-
  One row a day. Users and counts are of the events of the day, sessions and rates of the sessions that began on it (a session over
  midnight counts once), revenue of the completed transactions made on it.
-#}
with sessions as (
  select
    session_date,
    count(*) as sessions,
    count_if(product_views > 0) as with_view,
    count_if(product_views > 0 and add_to_carts > 0) as with_view_and_cart,
    count_if(add_to_carts > 0) as with_cart,
    count_if(add_to_carts > 0 and converted) as with_cart_and_purchase,
    count_if(converted) as converted,
    round(avg(duration_minutes), 2) as average_minutes
  from {{ ref('user_sessions') }}
  group by session_date
),

transactions as (
  select
    created_date,
    count(*) as transactions,
    count_if(is_completed) as completed_transactions,
    sum(iff(is_completed, total_amount, 0)) as revenue,
    sum(iff(is_completed, quantity, 0)) as items_sold
  from {{ ref('int_transactions_all') }}
  group by created_date
),

days as (
  select event_date as metric_date from {{ ref('int_daily_events') }}
  union distinct
  select created_date from transactions
  union distinct
  select session_date from sessions
)

select
  days.metric_date,
  coalesce(e.events, 0)::number(18, 0) as events,
  coalesce(e.unique_users, 0)::number(18, 0) as unique_users,
  coalesce(s.sessions, 0)::number(18, 0) as sessions,
  coalesce(s.converted, 0)::number(18, 0) as converted_sessions,
  {%- for type in event_types() %}
  coalesce(e.{{ event_count(type) }}, 0)::number(18, 0) as {{ event_count(type) }},
  {%- endfor %}
  coalesce(t.transactions, 0)::number(18, 0) as transactions,
  coalesce(t.completed_transactions, 0)::number(18, 0) as completed_transactions,
  coalesce(t.items_sold, 0)::number(18, 0) as items_sold,
  coalesce(t.revenue, 0)::number(18, 2) as revenue,
  {{ rate('t.revenue', 't.completed_transactions', 2) }}::number(18, 2) as average_order_value,
  s.average_minutes::number(10, 2) as average_session_minutes,
  {{ rate('s.converted', 's.sessions') }}::number(7, 4) as session_to_purchase,
  {{ rate('s.with_view_and_cart', 's.with_view') }}::number(7, 4) as view_to_cart,
  {{ rate('s.with_cart_and_purchase', 's.with_cart') }}::number(7, 4) as cart_to_purchase
from days
left join {{ ref('int_daily_events') }} as e on days.metric_date = e.event_date
left join sessions as s on days.metric_date = s.session_date
left join transactions as t on days.metric_date = t.created_date
