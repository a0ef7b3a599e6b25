CREATE TEMPORARY TABLE "batch_staging_0" ("id" VARCHAR, "label" VARCHAR, "SCORE" FLOAT, "TAGS" ARRAY,
    "batch_status" VARCHAR, "batch_error_message" VARCHAR, "batch_custom_id" VARCHAR, "batch_run_id" VARCHAR,
    "batch_snapshot_at" TIMESTAMP_TZ(9), "batch_input_hash" VARCHAR, "batch_prompt_version" VARCHAR);
SELECT count(*)
FROM (SELECT DISTINCT "id"
  FROM "batch_staging_0") AS k;
SELECT count(*)
FROM (SELECT t."id"
  FROM "batch_staging_0" AS s
  JOIN "shop"."labels" AS t ON t."id" = s."id"
  GROUP BY t."id" HAVING count(*) > 1) AS k;
ALTER TABLE "shop"."labels" ADD COLUMN IF NOT EXISTS "SCORE" FLOAT;
ALTER TABLE "shop"."labels" ADD COLUMN IF NOT EXISTS "TAGS" ARRAY;
MERGE INTO "shop"."labels" AS t
USING "batch_staging_0" AS s ON t."id" = s."id"
WHEN MATCHED AND (t."batch_status" IS NULL
    OR t."batch_status" IN ('ok', 'error', 'failed', 'expired', 'cancelled', 'missing', 'truncated', 'refused', 'invalid', 'unknown'))
    AND (t."batch_snapshot_at" IS NULL
    OR t."batch_snapshot_at" <= s."batch_snapshot_at") THEN UPDATE SET "label" = s."label",
    "SCORE" = s."SCORE", "TAGS" = s."TAGS", "batch_status" = s."batch_status",
    "batch_error_message" = s."batch_error_message", "batch_custom_id" = s."batch_custom_id",
    "batch_run_id" = s."batch_run_id", "batch_snapshot_at" = s."batch_snapshot_at",
    "batch_input_hash" = s."batch_input_hash", "batch_prompt_version" = s."batch_prompt_version"
WHEN NOT MATCHED THEN INSERT ("id", "label", "SCORE", "TAGS", "batch_status", "batch_error_message",
    "batch_custom_id", "batch_run_id", "batch_snapshot_at", "batch_input_hash", "batch_prompt_version")
VALUES (s."id", s."label", s."SCORE", s."TAGS", s."batch_status", s."batch_error_message", s."batch_custom_id", s."batch_run_id", s."batch_snapshot_at", s."batch_input_hash", s."batch_prompt_version");
