-- What dashboards read. Plain views whose GROUP BY is that of a projection: the server merges the projection's small parts and
-- never touches the rows. As nothing is stored here, nothing here can disagree with the rows (docs/adr/0011).

CREATE VIEW IF NOT EXISTS lambda.user_activity_summary_mv AS
SELECT
    toDate(timestamp) AS day,
    user_id,
    event_type,
    count() AS events,
    uniq(session_id) AS unique_sessions
FROM lambda.user_events_realtime
GROUP BY day, user_id, event_type;

CREATE VIEW IF NOT EXISTS lambda.conversion_funnel_mv AS
SELECT
    toDate(timestamp) AS day,
    user_id,
    countIf(event_type = 'page_view') AS page_views,
    countIf(event_type = 'product_view') AS product_views,
    countIf(event_type = 'add_to_cart') AS carts,
    countIf(event_type = 'checkout_start') AS checkouts,
    countIf(event_type = 'purchase') AS purchases
FROM lambda.user_events_realtime
GROUP BY day, user_id;

-- Views and carts are events; purchases and revenue are completed transactions, for a purchase event names no product.
CREATE VIEW IF NOT EXISTS lambda.product_performance_mv AS
SELECT
    day,
    product_id,
    sum(views) AS views,
    sum(carts) AS carts,
    sum(purchases) AS purchases,
    sum(revenue) AS revenue
FROM
(
    SELECT
        toDate(timestamp) AS day,
        product_id,
        countIf(event_type = 'product_view') AS views,
        countIf(event_type = 'add_to_cart') AS carts,
        0 AS purchases,
        toDecimal128(0, 2) AS revenue
    FROM lambda.user_events_realtime
    WHERE product_id IS NOT NULL
    GROUP BY day, product_id
    UNION ALL
    SELECT
        toDate(created_at) AS day,
        toString(product_id) AS product_id,
        0 AS views,
        0 AS carts,
        countIf(status = 'completed') AS purchases,
        sumIf(total_amount, status = 'completed') AS revenue
    FROM lambda.transactions_realtime
    GROUP BY day, product_id
)
GROUP BY day, product_id;

-- unique_users is exact while it is small and within 1 % above some thousands (uniqCombined(14)): its state stays at 12 kB.
CREATE VIEW IF NOT EXISTS lambda.tier_activity_mv AS
SELECT
    toDate(timestamp) AS day,
    user_tier,
    event_type,
    count() AS events,
    uniqCombined(14)(user_id) AS unique_users
FROM lambda.user_events_realtime
GROUP BY day, user_tier, event_type;
