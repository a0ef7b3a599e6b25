CREATE TEMPORARY TABLE "batch_staging_0" ("id" TEXT COLLATE "C", "label" TEXT, "batch_status" TEXT,
    "batch_error_message" TEXT, "batch_custom_id" TEXT, "batch_run_id" TEXT, "batch_snapshot_at" TIMESTAMPTZ,
    "batch_input_hash" TEXT, "batch_prompt_version" TEXT, "day" DATE, "shop" TEXT COLLATE "C");
BEGIN;
CREATE TABLE "shop"."labels" ("id" TEXT COLLATE "C" NOT NULL, "label" TEXT, "batch_status" TEXT,
    "batch_error_message" TEXT, "batch_custom_id" TEXT, "batch_run_id" TEXT, "batch_snapshot_at" TIMESTAMPTZ,
    "batch_input_hash" TEXT, "batch_prompt_version" TEXT, "day" DATE NOT NULL,
    "shop" TEXT COLLATE "C" NOT NULL, PRIMARY KEY ("day", "shop", "id"));
SELECT count(*)
FROM (SELECT DISTINCT "day", "shop", "id"
  FROM "batch_staging_0") AS k;
DELETE FROM "shop"."labels"
WHERE "day" = CAST(? AS DATE) AND "shop" = CAST(? AS TEXT);
INSERT INTO "shop"."labels" AS t ("id", "label", "batch_status", "batch_error_message", "batch_custom_id",
    "batch_run_id", "batch_snapshot_at", "batch_input_hash", "batch_prompt_version", "day", "shop")
SELECT "id", "label", "batch_status", "batch_error_message", "batch_custom_id", "batch_run_id",
    "batch_snapshot_at", "batch_input_hash", "batch_prompt_version", "day", "shop"
FROM "batch_staging_0" AS s;
COMMIT;
