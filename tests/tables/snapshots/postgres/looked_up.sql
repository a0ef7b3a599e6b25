CREATE TEMPORARY TABLE "batch_keys_0" ("id" text, "_batch_ordinal" BIGINT);
SELECT string_agg(concat(k."_batch_ordinal", ',', '"' || replace(CAST(t."batch_status" AS TEXT), '"', '""') || '"', ',', '"' || replace(CAST(t."batch_custom_id" AS TEXT), '"', '""') || '"', ',', '"' || replace(CAST(t."batch_input_hash" AS TEXT), '"', '""') || '"', ',', '"' || replace(CAST(t."batch_prompt_version" AS TEXT), '"', '""') || '"', ',', '"' || replace(CAST(t."batch_run_id" AS TEXT), '"', '""') || '"', ',', '"' || replace(CASE WHEN "t"."batch_snapshot_at" > CAST('2026-01-05 06:00:00.000000+00' AS timestamp with time zone) THEN 'later' END, '"', '""') || '"'), chr(10))
FROM "batch_keys_0" AS k
JOIN "shop"."labels" AS t ON t."id" = k."id"
GROUP BY k."_batch_ordinal" / 256;
