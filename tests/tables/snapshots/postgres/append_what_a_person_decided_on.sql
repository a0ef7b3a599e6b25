CREATE TEMPORARY TABLE "batch_staging_0" ("id" text, "label" text, "batch_status" text,
    "batch_error_message" text, "batch_custom_id" text, "batch_run_id" text,
    "batch_snapshot_at" timestamp with time zone, "batch_input_hash" text, "batch_prompt_version" text);
BEGIN;
SELECT count(*)
FROM (SELECT DISTINCT "id", "batch_run_id"
  FROM "batch_staging_0") AS k;
DELETE FROM "shop"."labels"
WHERE "batch_run_id" = CAST(? AS text) AND ("batch_status" IS NULL
    OR CAST("batch_status" AS TEXT) COLLATE "C" IN ('ok', 'error', 'failed', 'expired', 'cancelled', 'missing', 'truncated', 'refused', 'invalid', 'unknown'));
SELECT count(*)
FROM "batch_staging_0" AS s
JOIN "shop"."labels" AS t ON t."id" = s."id" AND t."batch_run_id" = s."batch_run_id";
INSERT INTO "shop"."labels" AS t ("id", "label", "batch_status", "batch_error_message", "batch_custom_id",
    "batch_run_id", "batch_snapshot_at", "batch_input_hash", "batch_prompt_version")
SELECT "id", "label", "batch_status", "batch_error_message", "batch_custom_id", "batch_run_id",
    "batch_snapshot_at", "batch_input_hash", "batch_prompt_version"
FROM "batch_staging_0" AS s
WHERE NOT EXISTS (SELECT 1
  FROM "shop"."labels" AS o
  WHERE o."id" = s."id" AND o."batch_run_id" = s."batch_run_id");
SELECT count(*)
FROM "batch_staging_0" AS s
JOIN "shop"."labels" AS t ON t."id" = s."id" AND t."batch_run_id" = s."batch_run_id";
COMMIT;
