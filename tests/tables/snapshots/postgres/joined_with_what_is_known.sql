SELECT "id", "_batch_held_row"
FROM (
  SELECT "id",
      CASE WHEN "_batch_held_settled" THEN '=' || coalesce("_batch_held_custom_id", '') WHEN coalesce("_batch_held_status",
      "_batch_held_custom_id", "_batch_held_input_hash", "_batch_held_prompt_version", "_batch_held_run_id",
      "_batch_held_later") IS NOT NULL THEN CAST(json_build_array("_batch_held_status",
      "_batch_held_custom_id", "_batch_held_input_hash", "_batch_held_prompt_version", "_batch_held_run_id",
      "_batch_held_later") AS TEXT) END AS "_batch_held_row",
      CASE WHEN "_batch_held_settled" THEN NULL ELSE "body" END AS "body"
  FROM (
    SELECT "source".*, CAST("target"."batch_status" AS TEXT) AS "_batch_held_status",
        CAST("target"."batch_custom_id" AS TEXT) AS "_batch_held_custom_id",
        CAST("target"."batch_input_hash" AS TEXT) AS "_batch_held_input_hash",
        CAST("target"."batch_prompt_version" AS TEXT) AS "_batch_held_prompt_version",
        CAST("target"."batch_run_id" AS TEXT) AS "_batch_held_run_id",
        CASE WHEN "target"."batch_snapshot_at" > CAST('2026-01-05 06:00:00.000000+00' AS timestamp with time zone) THEN 'later' END AS "_batch_held_later",
        CASE WHEN getdatabaseencoding() = 'UTF8' AND "target"."batch_status" = 'ok'
        AND "target"."batch_prompt_version" = '1b'
        AND "target"."batch_run_id" IS DISTINCT FROM 'dag/task/run' THEN coalesce("target"."batch_input_hash" = '0a' || left(encode(sha256(int8send(octet_length(coalesce(CAST("source"."body" AS TEXT), ''))) || convert_to(coalesce(CAST("source"."body" AS TEXT), ''), 'UTF8') || int8send(octet_length(coalesce(CAST("source"."it's" AS TEXT), ''))) || convert_to(coalesce(CAST("source"."it's" AS TEXT), ''), 'UTF8')), 'hex'), 24), false) ELSE false END AS "_batch_held_settled"
    FROM (
      SELECT *
      FROM "shop"."tickets"
      WHERE (
        id > 5
        )
      ) "source"
    LEFT JOIN "shop"."labels" "target" ON "target"."id" = concat("source"."id") COLLATE "default"
    OFFSET 0
    ) "source"
  ) "source";
