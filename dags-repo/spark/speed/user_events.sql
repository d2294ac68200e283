-- user_events → user_events_realtime. `source` has every field of user_event.schema.json, checked against that schema.
-- A row whose `error` is not NULL goes to user_events.dlq: 'class: text'. Other columns go to the table's columns of the same name.
SELECT
  *,
  user_tier(user_id) AS user_tier,
  CASE
    WHEN timestamp < processing_time - INTERVAL 7 DAYS THEN 'too_late: timestamp is older than 7 days'
    WHEN timestamp > processing_time + INTERVAL 5 MINUTES THEN 'in_future: timestamp is more than 5 minutes ahead'
    WHEN event_type = 'purchase' AND transaction_id IS NULL THEN 'missing_field: a purchase needs its transaction_id'
  END AS error
FROM source
