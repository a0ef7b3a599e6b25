CREATE TEMPORARY TABLE `batch_staging_0` (`id` varchar(255) COLLATE utf8mb4_general_ci,
    `label` varchar(255) COLLATE utf8mb4_general_ci, `batch_status` varchar(255) COLLATE utf8mb4_general_ci,
    `batch_error_message` longtext COLLATE utf8mb4_general_ci,
    `batch_custom_id` varchar(255) COLLATE utf8mb4_general_ci,
    `batch_run_id` varchar(255) COLLATE utf8mb4_general_ci, `batch_snapshot_at` datetime(6),
    `batch_input_hash` varchar(255) COLLATE utf8mb4_general_ci,
    `batch_prompt_version` varchar(255) COLLATE utf8mb4_general_ci) ENGINE=InnoDB ROW_FORMAT=DYNAMIC DEFAULT CHARACTER SET utf8mb4;
BEGIN;
SELECT count(*)
FROM (SELECT DISTINCT `id`, `batch_run_id`
  FROM `batch_staging_0`) AS k;
DELETE FROM `shop`.`labels`
WHERE `batch_run_id` = CONCAT(?)
    AND CAST(CONVERT(`batch_run_id` USING utf8mb4) AS BINARY) = CAST(CONVERT(CONCAT(?) USING utf8mb4) AS BINARY)
    AND (`batch_status` IS NULL
    OR CAST(CONVERT(`batch_status` USING utf8mb4) AS BINARY) IN ('ok', 'error', 'failed', 'expired', 'cancelled', 'missing', 'truncated', 'refused', 'invalid', 'unknown'));
SELECT count(*)
FROM `batch_staging_0` AS s
STRAIGHT_JOIN `shop`.`labels` AS t ON t.`id` = s.`id` AND t.`batch_run_id` = s.`batch_run_id`;
INSERT INTO `shop`.`labels` (`id`, `label`, `batch_status`, `batch_error_message`, `batch_custom_id`,
    `batch_run_id`, `batch_snapshot_at`, `batch_input_hash`, `batch_prompt_version`)
SELECT `id`, `label`, `batch_status`, `batch_error_message`, `batch_custom_id`, `batch_run_id`,
    `batch_snapshot_at`, `batch_input_hash`, `batch_prompt_version`
FROM `batch_staging_0` AS s;
SELECT count(*)
FROM `batch_staging_0` AS s
STRAIGHT_JOIN `shop`.`labels` AS t ON t.`id` = s.`id` AND t.`batch_run_id` = s.`batch_run_id`;
COMMIT;
