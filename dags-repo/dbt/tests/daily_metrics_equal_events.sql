{#- The run's days in daily_metrics against the events and transactions themselves. -#}
with events as (
  select
    event_date,
    count(*) as events,
    count_if(event_type = 'purchase') as purchases,
    count(distinct user_id) as unique_users
  from {{ ref('events_cleaned') }}
  where
    is_valid
    and {{ in_dates('event_date') }}
  group by event_date
),

transactions as (
  select
    created_date,
    sum(total_amount) as revenue
  from {{ ref('int_transactions_all') }}
  where
    status = 'completed'
    and {{ in_dates('created_date') }}
  group by created_date
),

metrics as (
  select *
  from {{ ref('daily_metrics') }}
  where {{ in_dates('metric_date') }}
)

select
  coalesce(m.metric_date, e.event_date, t.created_date) as day,
  m.events,
  e.events as counted_events,
  m.unique_users,
  e.unique_users as counted_users,
  m.revenue,
  t.revenue as counted_revenue
from metrics as m
full outer join events as e on m.metric_date = e.event_date
full outer join transactions as t on coalesce(m.metric_date, e.event_date) = t.created_date
where
  coalesce(m.events, 0) <> coalesce(e.events, 0)
  or coalesce(m.purchases, 0) <> coalesce(e.purchases, 0)
  or coalesce(m.unique_users, 0) <> coalesce(e.unique_users, 0)
  or coalesce(m.revenue, 0) <> coalesce(t.revenue, 0)
