INSERT INTO {table} ({columns})
SELECT {columns} FROM candidates
WHERE {id} NOT IN (SELECT {id} FROM {table} WHERE (toStartOfMinute({time}), user_id) IN (SELECT toStartOfMinute({time}), user_id FROM candidates))
LIMIT 1 BY {id}
