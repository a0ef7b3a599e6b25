CREATE TEMPORARY TABLE "batch_staging_0" ("id" VARCHAR, "label" VARCHAR, "batch_status" VARCHAR,
    "batch_error_message" VARCHAR, "batch_custom_id" VARCHAR, "batch_run_id" VARCHAR,
    "batch_snapshot_at" TIMESTAMP_TZ(9), "batch_input_hash" VARCHAR, "batch_prompt_version" VARCHAR,
    "day" DATE, "n" NUMBER(38,0), "shop" VARCHAR);
SELECT count(*)
FROM (SELECT DISTINCT "day", "n", "shop", "id"
  FROM "batch_staging_0") AS k;
BEGIN;
DELETE FROM "shop"."labels"
WHERE "day" = CAST(? AS DATE) AND "n" = CAST(? AS NUMBER(38,0)) AND "shop" = CAST(? AS VARCHAR);
INSERT INTO "shop"."labels" ("id", "label", "batch_status", "batch_error_message", "batch_custom_id",
    "batch_run_id", "batch_snapshot_at", "batch_input_hash", "batch_prompt_version", "day", "n", "shop")
SELECT "id", "label", "batch_status", "batch_error_message", "batch_custom_id", "batch_run_id",
    "batch_snapshot_at", "batch_input_hash", "batch_prompt_version", "day", "n", "shop"
FROM "batch_staging_0" AS s;
COMMIT;
