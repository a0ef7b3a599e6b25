CREATE TEMPORARY TABLE `batch_keys_0` (`id` STRING, `_batch_ordinal` INT64);
SELECT k.`_batch_ordinal`, t.`batch_status`, t.`batch_custom_id`, t.`batch_input_hash`, t.`batch_prompt_version`, t.`batch_run_id`,
    NULL
FROM `batch_keys_0` AS k
JOIN `shop`.`labels` AS t ON t.`id` = k.`id`
ORDER BY CASE WHEN t.`batch_snapshot_at` IS NULL THEN 0 ELSE 1 END, t.`batch_snapshot_at`;
