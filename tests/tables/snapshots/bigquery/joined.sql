SELECT `id`, `_batch_held_status`
FROM (
  SELECT `source`.*, `target`.`batch_status` AS `_batch_held_status`,
      `target`.`batch_custom_id` AS `_batch_held_custom_id`,
      `target`.`batch_input_hash` AS `_batch_held_input_hash`,
      `target`.`batch_prompt_version` AS `_batch_held_prompt_version`,
      `target`.`batch_run_id` AS `_batch_held_run_id`,
      CASE WHEN `target`.`batch_snapshot_at` > CAST('2026-01-05 06:00:00.000000+00' AS TIMESTAMP) THEN 'later' END AS `_batch_held_later`
  FROM (
    SELECT *
    FROM `shop`.`tickets`
    WHERE (
      id > 5
      )
    ) `source`
  LEFT JOIN `shop`.`labels` `target` ON `target`.`id` = `source`.`id`
  ) `source`;
