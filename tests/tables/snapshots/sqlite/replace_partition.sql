CREATE TEMPORARY TABLE "batch_staging_0" ("id" TEXT, "label" TEXT, "batch_status" TEXT,
    "batch_error_message" TEXT, "batch_custom_id" TEXT, "batch_run_id" TEXT, "batch_snapshot_at" TEXT,
    "batch_input_hash" TEXT, "batch_prompt_version" TEXT, "day" TEXT, "n" INTEGER, "shop" TEXT);
BEGIN;
SELECT count(*)
FROM (SELECT DISTINCT "day", "n", "shop", "id"
  FROM "batch_staging_0") AS k;
DELETE FROM "shop"."labels"
WHERE "day" = ? AND "n" = ? AND "shop" = ?;
INSERT INTO "shop"."labels" AS t ("id", "label", "batch_status", "batch_error_message", "batch_custom_id",
    "batch_run_id", "batch_snapshot_at", "batch_input_hash", "batch_prompt_version", "day", "n", "shop")
SELECT "id", "label", "batch_status", "batch_error_message", "batch_custom_id", "batch_run_id",
    "batch_snapshot_at", "batch_input_hash", "batch_prompt_version", "day", "n", "shop"
FROM "batch_staging_0" AS s;
SELECT count(*)
FROM "batch_staging_0" AS s
JOIN "shop"."labels" AS t ON t."day" = s."day" AND t."n" = s."n" AND t."shop" = s."shop" AND t."id" = s."id";
COMMIT;
