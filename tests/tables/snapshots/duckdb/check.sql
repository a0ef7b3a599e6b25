CREATE TEMPORARY TABLE "batch_carried_0" ("id" VARCHAR, "label" VARCHAR, "batch_status" VARCHAR,
    "batch_error_message" VARCHAR, "batch_custom_id" VARCHAR, "batch_run_id" VARCHAR,
    "batch_snapshot_at" TIMESTAMP WITH TIME ZONE, "batch_input_hash" VARCHAR, "batch_prompt_version" VARCHAR);
SELECT count("id") + count("label") + count("batch_status") + count("batch_error_message") + count("batch_custom_id") + count("batch_run_id") + count("batch_snapshot_at") + count("batch_input_hash") + count("batch_prompt_version")
FROM "batch_carried_0";
CREATE TEMPORARY TABLE "batch_staging_0" ("id" VARCHAR, "label" VARCHAR, "batch_status" VARCHAR,
    "batch_error_message" VARCHAR, "batch_custom_id" VARCHAR, "batch_run_id" VARCHAR,
    "batch_snapshot_at" TIMESTAMP WITH TIME ZONE, "batch_input_hash" VARCHAR, "batch_prompt_version" VARCHAR);
BEGIN;
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
INSERT INTO "shop"."labels" AS t ("id", "label", "batch_status", "batch_error_message", "batch_custom_id",
    "batch_run_id", "batch_snapshot_at", "batch_input_hash", "batch_prompt_version")
SELECT "id", "label", "batch_status", "batch_error_message", "batch_custom_id", "batch_run_id",
    "batch_snapshot_at", "batch_input_hash", "batch_prompt_version"
FROM "batch_staging_0" AS s
WHERE NOT EXISTS (SELECT 1
  FROM "shop"."labels" AS o
  WHERE o."id" COLLATE "c" = s."id");
ROLLBACK;
