-- transactions → transactions_realtime. `source` has every field of transaction.schema.json, checked against that schema.
-- A row whose `error` is not NULL goes to transactions.dlq: 'class: text'.
SELECT
  *,
  user_tier(user_id) AS user_tier,
  CASE
    WHEN created_at < processing_time - INTERVAL 7 DAYS THEN 'too_late: created_at is older than 7 days'
    WHEN created_at > processing_time + INTERVAL 5 MINUTES THEN 'in_future: created_at is more than 5 minutes ahead'
    WHEN updated_at < created_at THEN 'out_of_range: updated_at is before created_at'
    WHEN total_amount <> unit_price * quantity - discount_amount + tax_amount
      THEN 'wrong_price: total_amount is not unit_price x quantity - discount_amount + tax_amount'
  END AS error
FROM source
