CREATE TEMPORARY TABLE "batch_staging_0" ("id" TEXT, "label" TEXT, "batch_status" TEXT,
    "batch_error_message" TEXT, "batch_custom_id" TEXT, "batch_run_id" TEXT, "batch_snapshot_at" TIMESTAMPTZ,
    "batch_input_hash" TEXT, "batch_prompt_version" TEXT);
BEGIN;
CREATE TABLE "shop"."labels" ("id" TEXT NOT NULL, "label" TEXT, "batch_status" TEXT,
    "batch_error_message" TEXT, "batch_custom_id" TEXT, "batch_run_id" TEXT NOT NULL,
    "batch_snapshot_at" TIMESTAMPTZ, "batch_input_hash" TEXT, "batch_prompt_version" TEXT, PRIMARY KEY ("id",
    "batch_run_id"));
SELECT count(*)
FROM (SELECT DISTINCT "id", "batch_run_id"
  FROM "batch_staging_0") AS k;
DELETE FROM "shop"."labels"
WHERE "batch_run_id" COLLATE "c" = CAST(? AS TEXT) AND ("batch_status" IS NULL
    OR "batch_status" COLLATE "c" IN ('ok', 'error', 'failed', 'expired', 'cancelled', 'missing', 'truncated', 'refused', 'invalid', 'unknown'));
SELECT count(*)
FROM "batch_staging_0" AS s
JOIN "shop"."labels" AS t ON t."id" COLLATE "c" = s."id" AND t."batch_run_id" COLLATE "c" = s."batch_run_id";
INSERT INTO "shop"."labels" AS t ("id", "label", "batch_status", "batch_error_message", "batch_custom_id",
    "batch_run_id", "batch_snapshot_at", "batch_input_hash", "batch_prompt_version")
SELECT "id", "label", "batch_status", "batch_error_message", "batch_custom_id", "batch_run_id",
    "batch_snapshot_at", "batch_input_hash", "batch_prompt_version"
FROM "batch_staging_0" AS s;
COMMIT;
