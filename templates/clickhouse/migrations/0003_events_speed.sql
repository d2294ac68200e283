-- External events in their envelope; the free part is a JSON column, so its paths are columns of their own.
CREATE TABLE IF NOT EXISTS lambda.events_speed
(
    event_id UUID,
    timestamp DateTime64(3),
    event_type LowCardinality(String),
    source_system LowCardinality(String),
    user_id UUID,
    session_id UUID,
    data JSON,
    metadata JSON,
    user_tier LowCardinality(String),
    processing_time DateTime64(3)
)
ENGINE = MergeTree
PARTITION BY toYYYYMM(timestamp)
ORDER BY (toStartOfMinute(timestamp), user_id, timestamp);
