CREATE TEMPORARY TABLE `batch_keys_0` (`id` varchar(255) COLLATE utf8mb4_general_ci,
    `_batch_ordinal` BIGINT) ENGINE=InnoDB ROW_FORMAT=DYNAMIC DEFAULT CHARACTER SET utf8mb4;
SELECT k.`_batch_ordinal`, t.`batch_status`, t.`batch_custom_id`, t.`batch_input_hash`, t.`batch_prompt_version`, t.`batch_run_id`,
    CASE WHEN `t`.`batch_snapshot_at` > CAST('2026-01-05 06:00:00.000000' AS DATETIME(6)) THEN 'later' END
FROM `batch_keys_0` AS k
JOIN `shop`.`labels` AS t ON t.`id` = k.`id`;
