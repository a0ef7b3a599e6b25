SELECT "id", "_batch_held_status"
FROM (
  SELECT "source".*, CAST("target"."batch_status" AS TEXT) AS "_batch_held_status",
      CAST("target"."batch_custom_id" AS TEXT) AS "_batch_held_custom_id",
      CAST("target"."batch_input_hash" AS TEXT) AS "_batch_held_input_hash",
      CAST("target"."batch_prompt_version" AS TEXT) AS "_batch_held_prompt_version",
      CAST("target"."batch_run_id" AS TEXT) AS "_batch_held_run_id",
      CASE WHEN "target"."batch_snapshot_at" > CAST('2026-01-05 06:00:00.000000+00' AS timestamp with time zone) THEN 'later' END AS "_batch_held_later"
  FROM (
    SELECT *
    FROM "shop"."tickets"
    WHERE (
      id > 5
      )
    ) "source"
  LEFT JOIN "shop"."labels" "target" ON "target"."id" = concat("source"."id") COLLATE "default"
  ) "source";
