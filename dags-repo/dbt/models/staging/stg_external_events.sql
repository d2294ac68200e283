select
  {{ schema_columns('external_events') }},
  to_date(timestamp) as event_date,
  try_parse_json(data) as data_parsed,
  try_parse_json(metadata) as metadata_parsed,
  loaded_at,
  batch_id
from {{ source('raw', 'external_events') }}
