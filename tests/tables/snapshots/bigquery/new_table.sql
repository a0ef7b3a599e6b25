CREATE TEMPORARY TABLE `batch_staging_0` (`id` STRING, `label` STRING, `batch_status` STRING,
    `batch_error_message` STRING, `batch_custom_id` STRING, `batch_run_id` STRING,
    `batch_snapshot_at` TIMESTAMP, `batch_input_hash` STRING, `batch_prompt_version` STRING);
SELECT count(*)
FROM (SELECT DISTINCT `id`
  FROM `batch_staging_0`) AS k;
CREATE TABLE IF NOT EXISTS `shop`.`labels` (`id` STRING NOT NULL, `label` STRING, `batch_status` STRING,
    `batch_error_message` STRING, `batch_custom_id` STRING, `batch_run_id` STRING,
    `batch_snapshot_at` TIMESTAMP, `batch_input_hash` STRING, `batch_prompt_version` STRING);
MERGE INTO `shop`.`labels` AS t
USING `batch_staging_0` AS s ON t.`id` = s.`id`
WHEN MATCHED AND (t.`batch_status` IS NULL
    OR t.`batch_status` IN ('ok', 'error', 'failed', 'expired', 'cancelled', 'missing', 'truncated', 'refused', 'invalid', 'unknown'))
    AND (t.`batch_snapshot_at` IS NULL
    OR t.`batch_snapshot_at` <= s.`batch_snapshot_at`) THEN UPDATE SET `label` = s.`label`,
    `batch_status` = s.`batch_status`, `batch_error_message` = s.`batch_error_message`,
    `batch_custom_id` = s.`batch_custom_id`, `batch_run_id` = s.`batch_run_id`,
    `batch_snapshot_at` = s.`batch_snapshot_at`, `batch_input_hash` = s.`batch_input_hash`,
    `batch_prompt_version` = s.`batch_prompt_version`
WHEN NOT MATCHED THEN INSERT (`id`, `label`, `batch_status`, `batch_error_message`, `batch_custom_id`,
    `batch_run_id`, `batch_snapshot_at`, `batch_input_hash`, `batch_prompt_version`)
VALUES (s.`id`, s.`label`, s.`batch_status`, s.`batch_error_message`, s.`batch_custom_id`, s.`batch_run_id`, s.`batch_snapshot_at`, s.`batch_input_hash`, s.`batch_prompt_version`);
