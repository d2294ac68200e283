-- Valid, enriched user events, one row an event_id; every aggregate over them is a projection, so that it lives and dies with its
-- rows' part and cannot differ from them (docs/adr/0011). The views of 0005 and 0006
-- read the projections; queries that group in other ways read the rows.
CREATE DATABASE IF NOT EXISTS lambda;

CREATE TABLE IF NOT EXISTS lambda.user_events_realtime
(
    event_id UUID,
    user_id UUID,
    session_id UUID,
    event_type LowCardinality(String),
    timestamp DateTime64(3),
    device_type LowCardinality(String),
    browser LowCardinality(String),
    ip_address IPv4,
    page_url Nullable(String),
    product_id Nullable(String),
    search_query Nullable(String),
    transaction_id Nullable(UUID),
    user_tier LowCardinality(String),
    properties String,
    processing_time DateTime64(3),

    PROJECTION activity
    (
        SELECT toDate(timestamp) AS day, user_id, event_type, count(), uniq(session_id)
        GROUP BY day, user_id, event_type
    ),
    PROJECTION funnel
    (
        SELECT
            toDate(timestamp) AS day,
            user_id,
            countIf(event_type = 'page_view'),
            countIf(event_type = 'product_view'),
            countIf(event_type = 'add_to_cart'),
            countIf(event_type = 'checkout_start'),
            countIf(event_type = 'purchase')
        GROUP BY day, user_id
    ),
    PROJECTION product
    (
        SELECT
            toDate(timestamp) AS day,
            product_id,
            countIf(event_type = 'product_view'),
            countIf(event_type = 'add_to_cart')
        GROUP BY day, product_id
    ),
    PROJECTION tier
    (
        SELECT toDate(timestamp) AS day, user_tier, event_type, count(), uniqCombined(14)(user_id)
        GROUP BY day, user_tier, event_type
    ),
    PROJECTION fragments
    (
        SELECT
            user_id,
            session_id,
            toStartOfInterval(timestamp, INTERVAL 10 MINUTE) AS bucket,
            min(timestamp),
            max(timestamp),
            count(),
            countIf(event_type = 'page_view'),
            countIf(event_type = 'product_view'),
            countIf(event_type = 'search'),
            countIf(event_type = 'add_to_cart'),
            countIf(event_type = 'remove_from_cart'),
            countIf(event_type = 'checkout_start'),
            countIf(event_type = 'purchase'),
            countIf(event_type = 'login'),
            countIf(event_type = 'logout'),
            min(device_type)
        GROUP BY user_id, session_id, bucket
    )
)
ENGINE = MergeTree
PARTITION BY toYYYYMM(timestamp)
ORDER BY (toStartOfMinute(timestamp), user_id, timestamp);
