select
  {{ schema_columns('users') }},
  source_time,
  loaded_at,
  batch_id
from {{ source('raw', 'users') }}
where not is_deleted
