CREATE TEMPORARY TABLE "batch_staging_0" ("id" TEXT, "label" TEXT, "batch_status" TEXT,
    "batch_error_message" TEXT, "batch_custom_id" TEXT, "batch_run_id" TEXT, "batch_snapshot_at" TEXT,
    "batch_input_hash" TEXT, "batch_prompt_version" TEXT, "day" TEXT, "shop" TEXT);
BEGIN;
CREATE TABLE "shop"."labels" ("id" TEXT NOT NULL, "label" TEXT, "batch_status" TEXT,
    "batch_error_message" TEXT, "batch_custom_id" TEXT, "batch_run_id" TEXT, "batch_snapshot_at" TEXT,
    "batch_input_hash" TEXT, "batch_prompt_version" TEXT, "day" TEXT NOT NULL, "shop" TEXT NOT NULL,
    PRIMARY KEY ("day", "shop", "id"));
SELECT count(*)
FROM (SELECT DISTINCT "day", "shop", "id"
  FROM "batch_staging_0") AS k;
DELETE FROM "shop"."labels"
WHERE "day" = ? AND "shop" = ?;
INSERT INTO "shop"."labels" AS t ("id", "label", "batch_status", "batch_error_message", "batch_custom_id",
    "batch_run_id", "batch_snapshot_at", "batch_input_hash", "batch_prompt_version", "day", "shop")
SELECT "id", "label", "batch_status", "batch_error_message", "batch_custom_id", "batch_run_id",
    "batch_snapshot_at", "batch_input_hash", "batch_prompt_version", "day", "shop"
FROM "batch_staging_0" AS s;
COMMIT;
