CREATE TEMPORARY TABLE "batch_staging_0" ("id" text, "label" text, "batch_status" text,
    "batch_error_message" text, "batch_custom_id" text, "batch_run_id" text,
    "batch_snapshot_at" timestamp with time zone, "batch_input_hash" text, "batch_prompt_version" text,
    "day" date, "n" bigint, "shop" text);
BEGIN;
SELECT count(*)
FROM (SELECT DISTINCT "day", "n", "shop", "id"
  FROM "batch_staging_0") AS k;
DELETE FROM "shop"."labels"
WHERE "day" = CAST(? AS date) AND "n" = CAST(? AS bigint) AND "shop" = CAST(? AS text);
INSERT INTO "shop"."labels" AS t ("id", "label", "batch_status", "batch_error_message", "batch_custom_id",
    "batch_run_id", "batch_snapshot_at", "batch_input_hash", "batch_prompt_version", "day", "n", "shop")
SELECT "id", "label", "batch_status", "batch_error_message", "batch_custom_id", "batch_run_id",
    "batch_snapshot_at", "batch_input_hash", "batch_prompt_version", "day", "n", "shop"
FROM "batch_staging_0" AS s;
SELECT count(*)
FROM "batch_staging_0" AS s
JOIN "shop"."labels" AS t ON t."day" = s."day" AND t."n" = s."n" AND t."shop" = s."shop" AND t."id" = s."id";
COMMIT;
