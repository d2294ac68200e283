select
  {{ schema_columns('products') }},
  source_time,
  loaded_at,
  batch_id
from {{ source('raw', 'products') }}
where not is_deleted
