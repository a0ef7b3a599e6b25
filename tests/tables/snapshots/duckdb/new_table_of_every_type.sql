CREATE TEMPORARY TABLE "batch_staging_0" ("id" TEXT, "boolean" BOOLEAN, "int8" TINYINT, "uint8" UTINYINT,
    "int16" SMALLINT, "uint16" USMALLINT, "int32" INT, "uint32" UINTEGER, "int64" BIGINT, "uint64" UBIGINT,
    "float16" REAL, "float32" REAL, "float64" DOUBLE, "decimal_12_3" DECIMAL(12, 3), "decimal_60_9" VARCHAR,
    "decimal_40_35" VARCHAR, "text" TEXT, "bytes" BLOB, "day" DATE, "time" TIME, "moment" TIMESTAMP,
    "moment_ns" TIMESTAMP_NS, "moment_utc" TIMESTAMPTZ, "duration" TEXT, "embedding" REAL[], "texts" TEXT[],
    "lists" JSON, "struct" JSON, "bool_as_text" BOOLEAN, "int_as_text" BIGINT, "float_as_text" DOUBLE,
    "decimal_as_text" VARCHAR, "bytes_as_text" BLOB, "date_as_text" DATE, "timestamp_as_text" TIMESTAMP,
    "timestamp with time zone_as_text" TIMESTAMPTZ, "time_as_text" TIME, "uuid_as_text" UUID,
    "json_as_text" JSON, "unknown_as_text" TEXT, "batch_status" TEXT, "batch_error_message" TEXT,
    "batch_custom_id" TEXT, "batch_run_id" TEXT, "batch_snapshot_at" TIMESTAMPTZ, "batch_input_hash" TEXT,
    "batch_prompt_version" TEXT);
BEGIN;
CREATE TABLE "shop"."labels" ("id" TEXT NOT NULL, "boolean" BOOLEAN, "int8" TINYINT, "uint8" UTINYINT,
    "int16" SMALLINT, "uint16" USMALLINT, "int32" INT, "uint32" UINTEGER, "int64" BIGINT, "uint64" UBIGINT,
    "float16" REAL, "float32" REAL, "float64" DOUBLE, "decimal_12_3" DECIMAL(12, 3), "decimal_60_9" VARCHAR,
    "decimal_40_35" VARCHAR, "text" TEXT, "bytes" BLOB, "day" DATE, "time" TIME, "moment" TIMESTAMP,
    "moment_ns" TIMESTAMP_NS, "moment_utc" TIMESTAMPTZ, "duration" TEXT, "embedding" REAL[], "texts" TEXT[],
    "lists" JSON, "struct" JSON, "bool_as_text" BOOLEAN, "int_as_text" BIGINT, "float_as_text" DOUBLE,
    "decimal_as_text" VARCHAR, "bytes_as_text" BLOB, "date_as_text" DATE, "timestamp_as_text" TIMESTAMP,
    "timestamp with time zone_as_text" TIMESTAMPTZ, "time_as_text" TIME, "uuid_as_text" UUID,
    "json_as_text" JSON, "unknown_as_text" TEXT, "batch_status" TEXT, "batch_error_message" TEXT,
    "batch_custom_id" TEXT, "batch_run_id" TEXT, "batch_snapshot_at" TIMESTAMPTZ, "batch_input_hash" TEXT,
    "batch_prompt_version" TEXT, PRIMARY KEY ("id"));
SELECT count(*)
FROM (SELECT DISTINCT "id"
  FROM "batch_staging_0") AS k;
SELECT count(*)
FROM "batch_staging_0" AS s
JOIN "shop"."labels" AS t ON t."id" COLLATE "c" = s."id"
WHERE ((t."batch_status" IS NULL
    OR t."batch_status" COLLATE "c" IN ('ok', 'error', 'failed', 'expired', 'cancelled', 'missing', 'truncated', 'refused', 'invalid', 'unknown'))
    AND (t."batch_snapshot_at" IS NULL OR t."batch_snapshot_at" <= s."batch_snapshot_at")) IS NOT TRUE;
DELETE FROM "shop"."labels" AS t
USING "batch_staging_0" AS s
WHERE t."id" COLLATE "c" = s."id" AND (t."batch_status" IS NULL
    OR t."batch_status" COLLATE "c" IN ('ok', 'error', 'failed', 'expired', 'cancelled', 'missing', 'truncated', 'refused', 'invalid', 'unknown'))
    AND (t."batch_snapshot_at" IS NULL OR t."batch_snapshot_at" <= s."batch_snapshot_at");
INSERT INTO "shop"."labels" AS t ("id", "boolean", "int8", "uint8", "int16", "uint16", "int32", "uint32",
    "int64", "uint64", "float16", "float32", "float64", "decimal_12_3", "decimal_60_9", "decimal_40_35",
    "text", "bytes", "day", "time", "moment", "moment_ns", "moment_utc", "duration", "embedding", "texts",
    "lists", "struct", "bool_as_text", "int_as_text", "float_as_text", "decimal_as_text", "bytes_as_text",
    "date_as_text", "timestamp_as_text", "timestamp with time zone_as_text", "time_as_text", "uuid_as_text",
    "json_as_text", "unknown_as_text", "batch_status", "batch_error_message", "batch_custom_id",
    "batch_run_id", "batch_snapshot_at", "batch_input_hash", "batch_prompt_version")
SELECT "id", "boolean", "int8", "uint8", "int16", "uint16", "int32", "uint32", "int64", "uint64", "float16",
    "float32", "float64", "decimal_12_3", "decimal_60_9", "decimal_40_35", "text", "bytes", "day", "time",
    "moment", "moment_ns", "moment_utc", "duration", "embedding", "texts", "lists", "struct", "bool_as_text",
    "int_as_text", "float_as_text", "decimal_as_text", "bytes_as_text", "date_as_text", "timestamp_as_text",
    "timestamp with time zone_as_text", "time_as_text", "uuid_as_text", "json_as_text", "unknown_as_text",
    "batch_status", "batch_error_message", "batch_custom_id", "batch_run_id", "batch_snapshot_at",
    "batch_input_hash", "batch_prompt_version"
FROM "batch_staging_0" AS s
WHERE NOT EXISTS (SELECT 1
  FROM "shop"."labels" AS o
  WHERE o."id" COLLATE "c" = s."id");
COMMIT;
