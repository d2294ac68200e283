-- Sessions: events of one user and session_id with no gap longer than the session timeout (docs/adr/0012). The projection
-- `fragments` knows first and last event of every ten minutes; inside these no such gap fits, so that joining neighbouring
-- fragments is exact in whatever order events arrive. A session is final once the watermark (the
-- newest event's time less the allowed lateness) has passed its end by the timeout; an event later still changes it all the same.
CREATE VIEW IF NOT EXISTS lambda.sessions_realtime AS
WITH
    (SELECT if(count() = 0, 1800000, argMax(session_timeout_ms, time)) FROM lambda.speed_settings) AS timeout_ms,
    (SELECT if(count() = 0, 600000, argMax(watermark_ms, time)) FROM lambda.speed_settings) AS watermark_ms,
    (SELECT max(timestamp) FROM lambda.user_events_realtime) - toIntervalMillisecond(watermark_ms) AS current_watermark
SELECT
    user_id,
    session_id,
    min(first_event) AS session_start,
    max(last_event) AS session_end,
    dateDiff('millisecond', session_start, session_end) / 1000 AS duration_seconds,
    sum(fragment_events) AS events,
    sum(fragment_page_views) AS page_views,
    sum(fragment_product_views) AS product_views,
    sum(fragment_searches) AS searches,
    sum(fragment_add_to_carts) AS add_to_carts,
    sum(fragment_remove_from_carts) AS remove_from_carts,
    sum(fragment_checkouts) AS checkouts,
    sum(fragment_purchases) AS purchases,
    sum(fragment_logins) AS logins,
    sum(fragment_logouts) AS logouts,
    min(fragment_device) AS device_type,
    ifNull(session_end + toIntervalMillisecond(timeout_ms) <= current_watermark, false) AS is_final
FROM
(
    SELECT
        *,
        sum(begins) OVER (PARTITION BY user_id, session_id ORDER BY first_event ROWS UNBOUNDED PRECEDING) AS island
    FROM
    (
        SELECT
            *,
            first_event > lagInFrame(last_event, 1, last_event) OVER (
                PARTITION BY user_id, session_id ORDER BY first_event ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING
            ) + toIntervalMillisecond(timeout_ms) AS begins
        FROM
        (
            SELECT
                user_id,
                session_id,
                toStartOfInterval(timestamp, INTERVAL 10 MINUTE) AS bucket,
                min(timestamp) AS first_event,
                max(timestamp) AS last_event,
                count() AS fragment_events,
                countIf(event_type = 'page_view') AS fragment_page_views,
                countIf(event_type = 'product_view') AS fragment_product_views,
                countIf(event_type = 'search') AS fragment_searches,
                countIf(event_type = 'add_to_cart') AS fragment_add_to_carts,
                countIf(event_type = 'remove_from_cart') AS fragment_remove_from_carts,
                countIf(event_type = 'checkout_start') AS fragment_checkouts,
                countIf(event_type = 'purchase') AS fragment_purchases,
                countIf(event_type = 'login') AS fragment_logins,
                countIf(event_type = 'logout') AS fragment_logouts,
                min(device_type) AS fragment_device
            FROM lambda.user_events_realtime
            GROUP BY user_id, session_id, bucket
        )
    )
)
GROUP BY user_id, session_id, island;
