CREATE TEMPORARY TABLE "batch_staging_0" ("id" TEXT COLLATE "C", "boolean" BOOLEAN, "int8" SMALLINT,
    "uint8" SMALLINT, "int16" SMALLINT, "uint16" INT, "int32" INT, "uint32" BIGINT, "int64" BIGINT,
    "uint64" DECIMAL(20, 0), "float16" REAL, "float32" REAL, "float64" DOUBLE PRECISION,
    "decimal_12_3" DECIMAL(12, 3), "decimal_60_9" DECIMAL(60, 9), "decimal_40_35" DECIMAL(40, 35),
    "text" TEXT, "bytes" BYTEA, "day" DATE, "time" TIME, "moment" TIMESTAMP, "moment_ns" TIMESTAMP,
    "moment_utc" TIMESTAMPTZ, "duration" TEXT, "embedding" REAL[], "texts" TEXT[], "lists" JSONB,
    "struct" JSONB, "bool_as_text" BOOLEAN, "int_as_text" BIGINT, "float_as_text" DOUBLE PRECISION,
    "decimal_as_text" NUMERIC, "bytes_as_text" BYTEA, "date_as_text" DATE, "timestamp_as_text" TIMESTAMP,
    "timestamp with time zone_as_text" TIMESTAMPTZ, "time_as_text" TIME, "uuid_as_text" UUID,
    "json_as_text" JSONB, "unknown_as_text" TEXT, "batch_status" TEXT, "batch_error_message" TEXT,
    "batch_custom_id" TEXT, "batch_run_id" TEXT, "batch_snapshot_at" TIMESTAMPTZ, "batch_input_hash" TEXT,
    "batch_prompt_version" TEXT);
BEGIN;
CREATE TABLE "shop"."labels" ("id" TEXT COLLATE "C" NOT NULL, "boolean" BOOLEAN, "int8" SMALLINT,
    "uint8" SMALLINT, "int16" SMALLINT, "uint16" INT, "int32" INT, "uint32" BIGINT, "int64" BIGINT,
    "uint64" DECIMAL(20, 0), "float16" REAL, "float32" REAL, "float64" DOUBLE PRECISION,
    "decimal_12_3" DECIMAL(12, 3), "decimal_60_9" DECIMAL(60, 9), "decimal_40_35" DECIMAL(40, 35),
    "text" TEXT, "bytes" BYTEA, "day" DATE, "time" TIME, "moment" TIMESTAMP, "moment_ns" TIMESTAMP,
    "moment_utc" TIMESTAMPTZ, "duration" TEXT, "embedding" REAL[], "texts" TEXT[], "lists" JSONB,
    "struct" JSONB, "bool_as_text" BOOLEAN, "int_as_text" BIGINT, "float_as_text" DOUBLE PRECISION,
    "decimal_as_text" NUMERIC, "bytes_as_text" BYTEA, "date_as_text" DATE, "timestamp_as_text" TIMESTAMP,
    "timestamp with time zone_as_text" TIMESTAMPTZ, "time_as_text" TIME, "uuid_as_text" UUID,
    "json_as_text" JSONB, "unknown_as_text" TEXT, "batch_status" TEXT, "batch_error_message" TEXT,
    "batch_custom_id" TEXT, "batch_run_id" TEXT, "batch_snapshot_at" TIMESTAMPTZ, "batch_input_hash" TEXT,
    "batch_prompt_version" TEXT, PRIMARY KEY ("id"));
SELECT count(*)
FROM (SELECT DISTINCT "id"
  FROM "batch_staging_0") AS k;
SELECT count(*)
FROM "batch_staging_0" AS s
JOIN "shop"."labels" AS t ON t."id" = s."id"
WHERE ((t."batch_status" IS NULL
    OR CAST(t."batch_status" AS TEXT) COLLATE "C" IN ('ok', 'error', 'failed', 'expired', 'cancelled', 'missing', 'truncated', 'refused', 'invalid', 'unknown'))
    AND (t."batch_snapshot_at" IS NULL OR t."batch_snapshot_at" <= s."batch_snapshot_at")) IS NOT TRUE;
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
WHERE TRUE
ON CONFLICT ("id")
DO UPDATE SET "id" = excluded."id", "boolean" = excluded."boolean", "int8" = excluded."int8",
    "uint8" = excluded."uint8", "int16" = excluded."int16", "uint16" = excluded."uint16",
    "int32" = excluded."int32", "uint32" = excluded."uint32", "int64" = excluded."int64",
    "uint64" = excluded."uint64", "float16" = excluded."float16", "float32" = excluded."float32",
    "float64" = excluded."float64", "decimal_12_3" = excluded."decimal_12_3",
    "decimal_60_9" = excluded."decimal_60_9", "decimal_40_35" = excluded."decimal_40_35",
    "text" = excluded."text", "bytes" = excluded."bytes", "day" = excluded."day", "time" = excluded."time",
    "moment" = excluded."moment", "moment_ns" = excluded."moment_ns", "moment_utc" = excluded."moment_utc",
    "duration" = excluded."duration", "embedding" = excluded."embedding", "texts" = excluded."texts",
    "lists" = excluded."lists", "struct" = excluded."struct", "bool_as_text" = excluded."bool_as_text",
    "int_as_text" = excluded."int_as_text", "float_as_text" = excluded."float_as_text",
    "decimal_as_text" = excluded."decimal_as_text", "bytes_as_text" = excluded."bytes_as_text",
    "date_as_text" = excluded."date_as_text", "timestamp_as_text" = excluded."timestamp_as_text",
    "timestamp with time zone_as_text" = excluded."timestamp with time zone_as_text",
    "time_as_text" = excluded."time_as_text", "uuid_as_text" = excluded."uuid_as_text",
    "json_as_text" = excluded."json_as_text", "unknown_as_text" = excluded."unknown_as_text",
    "batch_status" = excluded."batch_status", "batch_error_message" = excluded."batch_error_message",
    "batch_custom_id" = excluded."batch_custom_id", "batch_run_id" = excluded."batch_run_id",
    "batch_snapshot_at" = excluded."batch_snapshot_at", "batch_input_hash" = excluded."batch_input_hash",
    "batch_prompt_version" = excluded."batch_prompt_version"
WHERE (t."batch_status" IS NULL
    OR CAST(t."batch_status" AS TEXT) COLLATE "C" IN ('ok', 'error', 'failed', 'expired', 'cancelled', 'missing', 'truncated', 'refused', 'invalid', 'unknown'))
    AND (t."batch_snapshot_at" IS NULL OR t."batch_snapshot_at" <= excluded."batch_snapshot_at");
COMMIT;
