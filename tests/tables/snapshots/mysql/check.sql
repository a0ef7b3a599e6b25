CREATE TEMPORARY TABLE `batch_carried_0` (`id` varchar(255) COLLATE utf8mb4_general_ci,
    `label` varchar(255) COLLATE utf8mb4_general_ci, `batch_status` varchar(255) COLLATE utf8mb4_general_ci,
    `batch_error_message` longtext COLLATE utf8mb4_general_ci,
    `batch_custom_id` varchar(255) COLLATE utf8mb4_general_ci,
    `batch_run_id` varchar(255) COLLATE utf8mb4_general_ci, `batch_snapshot_at` datetime(6),
    `batch_input_hash` varchar(255) COLLATE utf8mb4_general_ci,
    `batch_prompt_version` varchar(255) COLLATE utf8mb4_general_ci) ENGINE=InnoDB ROW_FORMAT=DYNAMIC DEFAULT CHARACTER SET utf8mb4;
SELECT count(`id`) + count(`label`) + count(`batch_status`) + count(`batch_error_message`) + count(`batch_custom_id`) + count(`batch_run_id`) + count(`batch_snapshot_at`) + count(`batch_input_hash`) + count(`batch_prompt_version`)
FROM `batch_carried_0`;
CREATE TEMPORARY TABLE `batch_staging_0` (`id` varchar(255) COLLATE utf8mb4_general_ci,
    `label` varchar(255) COLLATE utf8mb4_general_ci, `batch_status` varchar(255) COLLATE utf8mb4_general_ci,
    `batch_error_message` longtext COLLATE utf8mb4_general_ci,
    `batch_custom_id` varchar(255) COLLATE utf8mb4_general_ci,
    `batch_run_id` varchar(255) COLLATE utf8mb4_general_ci, `batch_snapshot_at` datetime(6),
    `batch_input_hash` varchar(255) COLLATE utf8mb4_general_ci,
    `batch_prompt_version` varchar(255) COLLATE utf8mb4_general_ci) ENGINE=InnoDB ROW_FORMAT=DYNAMIC DEFAULT CHARACTER SET utf8mb4;
BEGIN;
SELECT count(*)
FROM (SELECT DISTINCT `id`
  FROM `batch_staging_0`) AS k;
SELECT count(*)
FROM `batch_staging_0` AS s
STRAIGHT_JOIN `shop`.`labels` AS t ON t.`id` = s.`id`
WHERE ((t.`batch_status` IS NULL
    OR CAST(CONVERT(t.`batch_status` USING utf8mb4) AS BINARY) IN ('ok', 'error', 'failed', 'expired', 'cancelled', 'missing', 'truncated', 'refused', 'invalid', 'unknown'))
    AND (t.`batch_snapshot_at` IS NULL
    OR t.`batch_snapshot_at` <= s.`batch_snapshot_at`)) IS NOT TRUE FOR UPDATE;
INSERT INTO `shop`.`labels` (`id`, `label`, `batch_status`, `batch_error_message`, `batch_custom_id`,
    `batch_run_id`, `batch_snapshot_at`, `batch_input_hash`, `batch_prompt_version`)
SELECT `id`, `label`, `batch_status`, `batch_error_message`, `batch_custom_id`, `batch_run_id`,
    `batch_snapshot_at`, `batch_input_hash`, `batch_prompt_version`
FROM `batch_staging_0` AS s
WHERE TRUE
ON DUPLICATE KEY UPDATE `shop`.`labels`.`label` = IF((`shop`.`labels`.`batch_status` IS NULL
    OR CAST(CONVERT(`shop`.`labels`.`batch_status` USING utf8mb4) AS BINARY) IN ('ok', 'error', 'failed', 'expired', 'cancelled', 'missing', 'truncated', 'refused', 'invalid', 'unknown'))
    AND (`shop`.`labels`.`batch_snapshot_at` IS NULL
    OR `shop`.`labels`.`batch_snapshot_at` <= s.`batch_snapshot_at`), s.`label`, `shop`.`labels`.`label`),
    `shop`.`labels`.`batch_error_message` = IF((`shop`.`labels`.`batch_status` IS NULL
    OR CAST(CONVERT(`shop`.`labels`.`batch_status` USING utf8mb4) AS BINARY) IN ('ok', 'error', 'failed', 'expired', 'cancelled', 'missing', 'truncated', 'refused', 'invalid', 'unknown'))
    AND (`shop`.`labels`.`batch_snapshot_at` IS NULL
    OR `shop`.`labels`.`batch_snapshot_at` <= s.`batch_snapshot_at`), s.`batch_error_message`,
    `shop`.`labels`.`batch_error_message`),
    `shop`.`labels`.`batch_custom_id` = IF((`shop`.`labels`.`batch_status` IS NULL
    OR CAST(CONVERT(`shop`.`labels`.`batch_status` USING utf8mb4) AS BINARY) IN ('ok', 'error', 'failed', 'expired', 'cancelled', 'missing', 'truncated', 'refused', 'invalid', 'unknown'))
    AND (`shop`.`labels`.`batch_snapshot_at` IS NULL
    OR `shop`.`labels`.`batch_snapshot_at` <= s.`batch_snapshot_at`), s.`batch_custom_id`,
    `shop`.`labels`.`batch_custom_id`),
    `shop`.`labels`.`batch_run_id` = IF((`shop`.`labels`.`batch_status` IS NULL
    OR CAST(CONVERT(`shop`.`labels`.`batch_status` USING utf8mb4) AS BINARY) IN ('ok', 'error', 'failed', 'expired', 'cancelled', 'missing', 'truncated', 'refused', 'invalid', 'unknown'))
    AND (`shop`.`labels`.`batch_snapshot_at` IS NULL
    OR `shop`.`labels`.`batch_snapshot_at` <= s.`batch_snapshot_at`), s.`batch_run_id`,
    `shop`.`labels`.`batch_run_id`),
    `shop`.`labels`.`batch_input_hash` = IF((`shop`.`labels`.`batch_status` IS NULL
    OR CAST(CONVERT(`shop`.`labels`.`batch_status` USING utf8mb4) AS BINARY) IN ('ok', 'error', 'failed', 'expired', 'cancelled', 'missing', 'truncated', 'refused', 'invalid', 'unknown'))
    AND (`shop`.`labels`.`batch_snapshot_at` IS NULL
    OR `shop`.`labels`.`batch_snapshot_at` <= s.`batch_snapshot_at`), s.`batch_input_hash`,
    `shop`.`labels`.`batch_input_hash`),
    `shop`.`labels`.`batch_prompt_version` = IF((`shop`.`labels`.`batch_status` IS NULL
    OR CAST(CONVERT(`shop`.`labels`.`batch_status` USING utf8mb4) AS BINARY) IN ('ok', 'error', 'failed', 'expired', 'cancelled', 'missing', 'truncated', 'refused', 'invalid', 'unknown'))
    AND (`shop`.`labels`.`batch_snapshot_at` IS NULL
    OR `shop`.`labels`.`batch_snapshot_at` <= s.`batch_snapshot_at`), s.`batch_prompt_version`,
    `shop`.`labels`.`batch_prompt_version`),
    `shop`.`labels`.`batch_status` = IF((`shop`.`labels`.`batch_status` IS NULL
    OR CAST(CONVERT(`shop`.`labels`.`batch_status` USING utf8mb4) AS BINARY) IN ('ok', 'error', 'failed', 'expired', 'cancelled', 'missing', 'truncated', 'refused', 'invalid', 'unknown'))
    AND (`shop`.`labels`.`batch_snapshot_at` IS NULL
    OR `shop`.`labels`.`batch_snapshot_at` <= s.`batch_snapshot_at`), s.`batch_status`,
    `shop`.`labels`.`batch_status`),
    `shop`.`labels`.`batch_snapshot_at` = IF((`shop`.`labels`.`batch_status` IS NULL
    OR CAST(CONVERT(`shop`.`labels`.`batch_status` USING utf8mb4) AS BINARY) IN ('ok', 'error', 'failed', 'expired', 'cancelled', 'missing', 'truncated', 'refused', 'invalid', 'unknown'))
    AND (`shop`.`labels`.`batch_snapshot_at` IS NULL
    OR `shop`.`labels`.`batch_snapshot_at` <= s.`batch_snapshot_at`), s.`batch_snapshot_at`,
    `shop`.`labels`.`batch_snapshot_at`);
SELECT count(*)
FROM `batch_staging_0` AS s
STRAIGHT_JOIN `shop`.`labels` AS t ON t.`id` = s.`id`
WHERE t.`batch_snapshot_at` <=> s.`batch_snapshot_at`
    AND CAST(CONVERT(t.`batch_status` USING utf8mb4) AS BINARY) <=> CAST(CONVERT(s.`batch_status` USING utf8mb4) AS BINARY);
ROLLBACK;
