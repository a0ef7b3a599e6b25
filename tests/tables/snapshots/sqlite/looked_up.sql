CREATE TEMPORARY TABLE "batch_keys_0" ("id" TEXT, "_batch_ordinal" INTEGER);
SELECT k."_batch_ordinal", t."batch_status", t."batch_custom_id", t."batch_input_hash", t."batch_prompt_version", t."batch_run_id",
    CASE WHEN "t"."batch_snapshot_at" > '2026-01-05T06:00:00.000000Z' THEN 'later' END
FROM "batch_keys_0" AS k
JOIN "shop"."labels" AS t ON t."id" = k."id";
