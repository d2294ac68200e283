{#- Two sessions of one user and session_id are further apart than the timeout; else they would be one. -#}
with neighbours as (
  select
    session_key,
    session_start,
    lag(session_end) over (partition by user_id, session_id order by session_start) as previous_end
  from {{ ref('user_sessions') }}
)

select *
from neighbours
where session_start <= dateadd('minute', {{ session_timeout() }}, previous_end)
