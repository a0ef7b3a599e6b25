CREATE TEMPORARY TABLE "batch_staging_0" ("id" TEXT, "boolean" BOOLEAN, "int8" INTEGER, "uint8" INTEGER,
    "int16" INTEGER, "uint16" INTEGER, "int32" INTEGER, "uint32" INTEGER, "int64" INTEGER, "uint64" TEXT,
    "float16" REAL, "float32" REAL, "float64" REAL, "decimal_12_3" TEXT, "decimal_60_9" TEXT,
    "decimal_40_35" TEXT, "text" TEXT, "bytes" BLOB, "day" TEXT, "time" TEXT, "moment" TEXT, "moment_ns" TEXT,
    "moment_utc" TEXT, "duration" TEXT, "embedding" TEXT, "texts" TEXT, "lists" TEXT, "struct" TEXT,
    "bool_as_text" BOOLEAN, "int_as_text" INTEGER, "float_as_text" REAL, "decimal_as_text" TEXT,
    "bytes_as_text" BLOB, "date_as_text" TEXT, "timestamp_as_text" TEXT,
    "timestamp with time zone_as_text" TEXT, "time_as_text" TEXT, "uuid_as_text" TEXT, "json_as_text" TEXT,
    "unknown_as_text" TEXT, "batch_status" TEXT, "batch_error_message" TEXT, "batch_custom_id" TEXT,
    "batch_run_id" TEXT, "batch_snapshot_at" TEXT, "batch_input_hash" TEXT, "batch_prompt_version" TEXT);
BEGIN;
CREATE TABLE "shop"."labels" ("id" TEXT NOT NULL, "boolean" BOOLEAN, "int8" INTEGER, "uint8" INTEGER,
    "int16" INTEGER, "uint16" INTEGER, "int32" INTEGER, "uint32" INTEGER, "int64" INTEGER, "uint64" TEXT,
    "float16" REAL, "float32" REAL, "float64" REAL, "decimal_12_3" TEXT, "decimal_60_9" TEXT,
    "decimal_40_35" TEXT, "text" TEXT, "bytes" BLOB, "day" TEXT, "time" TEXT, "moment" TEXT, "moment_ns" TEXT,
    "moment_utc" TEXT, "duration" TEXT, "embedding" TEXT, "texts" TEXT, "lists" TEXT, "struct" TEXT,
    "bool_as_text" BOOLEAN, "int_as_text" INTEGER, "float_as_text" REAL, "decimal_as_text" TEXT,
    "bytes_as_text" BLOB, "date_as_text" TEXT, "timestamp_as_text" TEXT,
    "timestamp with time zone_as_text" TEXT, "time_as_text" TEXT, "uuid_as_text" TEXT, "json_as_text" TEXT,
    "unknown_as_text" TEXT, "batch_status" TEXT, "batch_error_message" TEXT, "batch_custom_id" TEXT,
    "batch_run_id" TEXT, "batch_snapshot_at" TEXT, "batch_input_hash" TEXT, "batch_prompt_version" TEXT,
    PRIMARY KEY ("id"));
SELECT count(*)
FROM (SELECT DISTINCT "id"
  FROM "batch_staging_0") AS k;
SELECT count(*)
FROM "batch_staging_0" AS s
JOIN "shop"."labels" AS t ON t."id" = s."id"
WHERE ((t."batch_status" IS NULL
    OR t."batch_status" COLLATE BINARY IN ('ok', 'error', 'failed', 'expired', 'cancelled', 'missing', 'truncated', 'refused', 'invalid', 'unknown'))
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
    OR t."batch_status" COLLATE BINARY IN ('ok', 'error', 'failed', 'expired', 'cancelled', 'missing', 'truncated', 'refused', 'invalid', 'unknown'))
    AND (t."batch_snapshot_at" IS NULL OR t."batch_snapshot_at" <= excluded."batch_snapshot_at");
COMMIT;
