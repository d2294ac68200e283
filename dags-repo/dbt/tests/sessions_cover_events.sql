{#- Every valid event is in exactly one session: over all dates, for a session may lie on two of them. -#}
with events as (
  select count_if(is_valid) as valid_events from {{ ref('events_cleaned') }}
),

sessions as (
  select coalesce(sum(events), 0) as session_events from {{ ref('user_sessions') }}
)

select
  events.valid_events,
  sessions.session_events
from events
cross join sessions
where events.valid_events <> sessions.session_events
