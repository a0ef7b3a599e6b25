CREATE TEMPORARY TABLE "batch_keys_0" ("id" text, "_batch_ordinal" BIGINT);
SELECT k."_batch_ordinal", CAST(t."batch_status" AS TEXT), CAST(t."batch_custom_id" AS TEXT),
    CAST(t."batch_input_hash" AS TEXT), CAST(t."batch_prompt_version" AS TEXT),
    CAST(t."batch_run_id" AS TEXT), NULL
FROM "batch_keys_0" AS k
JOIN "shop"."labels" AS t ON t."id" = k."id"
ORDER BY CASE WHEN t."batch_snapshot_at" IS NULL THEN 0 ELSE 1 END, t."batch_snapshot_at";
