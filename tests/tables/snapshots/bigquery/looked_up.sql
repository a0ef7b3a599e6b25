CREATE TEMPORARY TABLE `batch_keys_0` (`id` STRING, `_batch_ordinal` INT64);
SELECT k.`_batch_ordinal`, t.`batch_status`, t.`batch_custom_id`, t.`batch_input_hash`, t.`batch_prompt_version`, t.`batch_run_id`,
    CASE WHEN `t`.`batch_snapshot_at` > CAST('2026-01-05 06:00:00.000000+00' AS TIMESTAMP) THEN 'later' END
FROM `batch_keys_0` AS k
JOIN `shop`.`labels` AS t ON t.`id` = k.`id`;
