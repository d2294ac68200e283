-- What dashboards ask by the minute and over everybody, kept by projections like the rest (docs/adr/0011, 0020). In exchange
-- `activity` goes: `fragments` holds its counts too, and exact sessions instead of estimated ones.
ALTER TABLE lambda.user_events_realtime DROP PROJECTION IF EXISTS activity;

ALTER TABLE lambda.user_events_realtime ADD PROJECTION IF NOT EXISTS pulse
(
    SELECT toStartOfMinute(timestamp) AS minute, event_type, count(), uniqCombined(12)(user_id)
    GROUP BY minute, event_type
);

ALTER TABLE lambda.user_events_realtime DROP PROJECTION IF EXISTS tier;

ALTER TABLE lambda.user_events_realtime ADD PROJECTION IF NOT EXISTS tier_sessions
(
    SELECT
        toDate(timestamp) AS day,
        user_tier,
        event_type,
        count(),
        uniqCombined(14)(user_id),
        uniqCombined(14)(session_id)
    GROUP BY day, user_tier, event_type
);

ALTER TABLE lambda.transactions_realtime ADD PROJECTION IF NOT EXISTS revenue
(
    SELECT
        toStartOfMinute(created_at) AS minute,
        countIf(status = 'completed'),
        sumIf(total_amount, status = 'completed')
    GROUP BY minute
);

-- Parts that are there get the new projections in the background; until then their rows are read instead.
ALTER TABLE lambda.user_events_realtime MATERIALIZE PROJECTION pulse;

ALTER TABLE lambda.user_events_realtime MATERIALIZE PROJECTION tier_sessions;

ALTER TABLE lambda.transactions_realtime MATERIALIZE PROJECTION revenue;

CREATE OR REPLACE VIEW lambda.user_activity_summary_mv AS
SELECT
    toDate(bucket) AS day,
    user_id,
    toLowCardinality(typed.1) AS event_type,
    sum(typed.2) AS events,
    uniqExact(session_id) AS unique_sessions
FROM
(
    SELECT
        user_id,
        session_id,
        toStartOfInterval(timestamp, INTERVAL 10 MINUTE) AS bucket,
        countIf(event_type = 'page_view') AS page_views,
        countIf(event_type = 'product_view') AS product_views,
        countIf(event_type = 'search') AS searches,
        countIf(event_type = 'add_to_cart') AS add_to_carts,
        countIf(event_type = 'remove_from_cart') AS remove_from_carts,
        countIf(event_type = 'checkout_start') AS checkouts,
        countIf(event_type = 'purchase') AS purchases,
        countIf(event_type = 'login') AS logins,
        countIf(event_type = 'logout') AS logouts
    FROM lambda.user_events_realtime
    GROUP BY user_id, session_id, bucket
)
ARRAY JOIN
    [
        ('page_view', page_views),
        ('product_view', product_views),
        ('search', searches),
        ('add_to_cart', add_to_carts),
        ('remove_from_cart', remove_from_carts),
        ('checkout_start', checkouts),
        ('purchase', purchases),
        ('login', logins),
        ('logout', logouts)
    ] AS typed
WHERE typed.2 > 0
GROUP BY day, user_id, event_type;

CREATE OR REPLACE VIEW lambda.events_by_minute_mv AS
SELECT
    toStartOfMinute(timestamp) AS minute,
    event_type,
    count() AS events,
    uniqCombined(12)(user_id) AS unique_users
FROM lambda.user_events_realtime
GROUP BY minute, event_type;

CREATE OR REPLACE VIEW lambda.revenue_by_minute_mv AS
SELECT
    toStartOfMinute(created_at) AS minute,
    countIf(status = 'completed') AS purchases,
    sumIf(total_amount, status = 'completed') AS revenue
FROM lambda.transactions_realtime
GROUP BY minute;

-- Sessions over everybody, within 1 % (uniqCombined(14)). Exact ones, with start and end, are in sessions_realtime.
CREATE OR REPLACE VIEW lambda.session_summary_mv AS
SELECT
    day,
    sum(all_events) AS events,
    sum(all_sessions) AS sessions,
    sum(buying) AS buying_sessions
FROM
(
    SELECT toDate(timestamp) AS day, count() AS all_events, uniqCombined(14)(session_id) AS all_sessions, 0 AS buying
    FROM lambda.user_events_realtime
    GROUP BY day
    UNION ALL
    SELECT day, 0 AS all_events, 0 AS all_sessions, sum(sessions_of_type) AS buying
    FROM
    (
        SELECT toDate(timestamp) AS day, event_type, uniqCombined(14)(session_id) AS sessions_of_type
        FROM lambda.user_events_realtime
        WHERE event_type = 'purchase'
        GROUP BY day, event_type
    )
    GROUP BY day
)
GROUP BY day;
