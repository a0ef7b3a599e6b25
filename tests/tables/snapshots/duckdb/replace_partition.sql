CREATE TEMPORARY TABLE "batch_staging_0" ("id" VARCHAR, "label" VARCHAR, "batch_status" VARCHAR,
    "batch_error_message" VARCHAR, "batch_custom_id" VARCHAR, "batch_run_id" VARCHAR,
    "batch_snapshot_at" TIMESTAMP WITH TIME ZONE, "batch_input_hash" VARCHAR, "batch_prompt_version" VARCHAR,
    "day" DATE, "n" BIGINT, "shop" VARCHAR);
BEGIN;
SELECT count(*)
FROM (SELECT DISTINCT "day", "n", "shop", "id"
  FROM "batch_staging_0") AS k;
DELETE FROM "shop"."labels"
WHERE "day" = CAST(? AS DATE) AND "n" = CAST(? AS BIGINT) AND "shop" COLLATE "c" = CAST(? AS VARCHAR);
INSERT INTO "shop"."labels" AS t ("id", "label", "batch_status", "batch_error_message", "batch_custom_id",
    "batch_run_id", "batch_snapshot_at", "batch_input_hash", "batch_prompt_version", "day", "n", "shop")
SELECT "id", "label", "batch_status", "batch_error_message", "batch_custom_id", "batch_run_id",
    "batch_snapshot_at", "batch_input_hash", "batch_prompt_version", "day", "n", "shop"
FROM "batch_staging_0" AS s;
SELECT count(*)
FROM "batch_staging_0" AS s
JOIN "shop"."labels" AS t ON t."day" = s."day" AND t."n" = s."n" AND t."shop" COLLATE "c" = s."shop"
    AND t."id" COLLATE "c" = s."id";
COMMIT;
