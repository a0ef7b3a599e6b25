CREATE TEMPORARY TABLE "batch_staging_0" ("id" TEXT, "label" TEXT, "batch_status" TEXT,
    "batch_error_message" TEXT, "batch_custom_id" TEXT, "batch_run_id" TEXT, "batch_snapshot_at" TEXT,
    "batch_input_hash" TEXT, "batch_prompt_version" TEXT);
BEGIN;
SELECT count(*)
FROM (SELECT DISTINCT "id"
  FROM "batch_staging_0") AS k;
SELECT count(*)
FROM "batch_staging_0" AS s
JOIN "shop"."labels" AS t ON t."id" = s."id"
WHERE ((t."batch_status" IS NULL
    OR t."batch_status" COLLATE BINARY IN ('ok', 'error', 'failed', 'expired', 'cancelled', 'missing', 'truncated', 'refused', 'invalid', 'unknown'))
    AND (t."batch_snapshot_at" IS NULL OR t."batch_snapshot_at" <= s."batch_snapshot_at")) IS NOT TRUE;
INSERT INTO "shop"."labels" AS t ("id", "label", "batch_status", "batch_error_message", "batch_custom_id",
    "batch_run_id", "batch_snapshot_at", "batch_input_hash", "batch_prompt_version")
SELECT "id", "label", "batch_status", "batch_error_message", "batch_custom_id", "batch_run_id",
    "batch_snapshot_at", "batch_input_hash", "batch_prompt_version"
FROM "batch_staging_0" AS s
WHERE TRUE
ON CONFLICT ("id")
DO UPDATE SET "id" = excluded."id", "label" = excluded."label", "batch_status" = excluded."batch_status",
    "batch_error_message" = excluded."batch_error_message", "batch_custom_id" = excluded."batch_custom_id",
    "batch_run_id" = excluded."batch_run_id", "batch_snapshot_at" = excluded."batch_snapshot_at",
    "batch_input_hash" = excluded."batch_input_hash", "batch_prompt_version" = excluded."batch_prompt_version"
WHERE (t."batch_status" IS NULL
    OR t."batch_status" COLLATE BINARY IN ('ok', 'error', 'failed', 'expired', 'cancelled', 'missing', 'truncated', 'refused', 'invalid', 'unknown'))
    AND (t."batch_snapshot_at" IS NULL OR t."batch_snapshot_at" <= excluded."batch_snapshot_at");
SELECT count(*)
FROM "batch_staging_0" AS s
JOIN "shop"."labels" AS t ON t."id" = s."id";
COMMIT;
