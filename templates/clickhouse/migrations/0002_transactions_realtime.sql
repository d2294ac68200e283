-- Valid transactions, one row a transaction_id. A transaction is a finished fact on this stream: a later record of the same id is
-- a duplicate (status changes travel by CDC to the lake).
CREATE TABLE IF NOT EXISTS lambda.transactions_realtime
(
    transaction_id UUID,
    user_id UUID,
    product_id UUID,
    quantity UInt32,
    unit_price Decimal(10, 2),
    total_amount Decimal(10, 2),
    discount_amount Decimal(10, 2),
    tax_amount Decimal(10, 2),
    status LowCardinality(String),
    payment_method LowCardinality(String),
    shipping_address String,
    created_at DateTime64(3),
    updated_at DateTime64(3),
    user_tier LowCardinality(String),
    processing_time DateTime64(3),

    PROJECTION product
    (
        SELECT
            toDate(created_at) AS day,
            product_id,
            countIf(status = 'completed'),
            sumIf(total_amount, status = 'completed')
        GROUP BY day, product_id
    )
)
ENGINE = MergeTree
PARTITION BY toYYYYMM(created_at)
ORDER BY (toStartOfMinute(created_at), user_id, created_at);
