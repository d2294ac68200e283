-- One row a micro-batch and stream: counts, watermark, and the offsets a lost checkpoint is replaced by.
CREATE TABLE IF NOT EXISTS lambda.speed_batches
(
    time DateTime64(3),
    run UUID,
    batch UInt64,
    stream LowCardinality(String),
    rows UInt64,
    invalid UInt64,
    duplicates UInt64,
    candidates UInt64,
    duration_ms UInt32,
    max_event_time DateTime64(3),
    watermark DateTime64(3),
    offsets String
)
ENGINE = MergeTree
PARTITION BY toYYYYMM(time)
ORDER BY (stream, time)
TTL toDateTime(time) + INTERVAL 14 DAY;

-- What the running job was configured with, as far as views need it. The newest row counts; the job writes one at its start.
CREATE TABLE IF NOT EXISTS lambda.speed_settings
(
    time DateTime64(3),
    watermark_ms UInt32,
    session_timeout_ms UInt32
)
ENGINE = ReplacingMergeTree(time)
ORDER BY tuple();
