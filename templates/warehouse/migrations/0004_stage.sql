-- Where Spark writes what COPY loads. {{stage}} is the only part that differs between the stand-in and Snowflake: the address, and on
-- Snowflake the storage integration. The stand-in reaches the object store with credentials of its own.
CREATE STAGE IF NOT EXISTS RAW.LAKE_STAGE {{stage}};
