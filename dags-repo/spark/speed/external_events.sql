-- events.raw → events_speed. `source` has every field of external_event.schema.json, checked against that schema.
-- A row whose `error` is not NULL goes to events.raw.dlq: 'class: text'.
SELECT
  *,
  user_tier(user_id) AS user_tier,
  CASE
    WHEN timestamp < processing_time - INTERVAL 7 DAYS THEN 'too_late: timestamp is older than 7 days'
    WHEN timestamp > processing_time + INTERVAL 5 MINUTES THEN 'in_future: timestamp is more than 5 minutes ahead'
    WHEN get_json_object(metadata, '$.version') IS NULL THEN 'missing_field: metadata.version'
    WHEN get_json_object(metadata, '$.processing_timestamp') IS NULL THEN 'missing_field: metadata.processing_timestamp'
  END AS error
FROM source
