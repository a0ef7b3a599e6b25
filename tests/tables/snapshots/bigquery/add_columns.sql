CREATE TEMPORARY TABLE `batch_staging_0` (`id` STRING, `label` STRING, `score` FLOAT64, `tags` ARRAY<FLOAT64>,
    `batch_status` STRING, `batch_error_message` STRING, `batch_custom_id` STRING, `batch_run_id` STRING,
    `batch_snapshot_at` TIMESTAMP, `batch_input_hash` STRING, `batch_prompt_version` STRING);
SELECT count(*)
FROM (SELECT DISTINCT `id`
  FROM `batch_staging_0`) AS k;
SELECT count(*)
FROM (SELECT t.`id`
  FROM `batch_staging_0` AS s
  JOIN `shop`.`labels` AS t ON t.`id` = s.`id`
  GROUP BY t.`id` HAVING count(*) > 1) AS k;
ALTER TABLE `shop`.`labels` ADD COLUMN IF NOT EXISTS `score` FLOAT64;
ALTER TABLE `shop`.`labels` ADD COLUMN IF NOT EXISTS `tags` ARRAY<FLOAT64>;
MERGE INTO `shop`.`labels` AS t
USING `batch_staging_0` AS s ON t.`id` = s.`id`
WHEN MATCHED AND (t.`batch_status` IS NULL
    OR t.`batch_status` IN ('ok', 'error', 'failed', 'expired', 'cancelled', 'missing', 'truncated', 'refused', 'invalid', 'unknown'))
    AND (t.`batch_snapshot_at` IS NULL
    OR t.`batch_snapshot_at` <= s.`batch_snapshot_at`) THEN UPDATE SET `label` = s.`label`,
    `score` = s.`score`, `tags` = s.`tags`, `batch_status` = s.`batch_status`,
    `batch_error_message` = s.`batch_error_message`, `batch_custom_id` = s.`batch_custom_id`,
    `batch_run_id` = s.`batch_run_id`, `batch_snapshot_at` = s.`batch_snapshot_at`,
    `batch_input_hash` = s.`batch_input_hash`, `batch_prompt_version` = s.`batch_prompt_version`
WHEN NOT MATCHED THEN INSERT (`id`, `label`, `score`, `tags`, `batch_status`, `batch_error_message`,
    `batch_custom_id`, `batch_run_id`, `batch_snapshot_at`, `batch_input_hash`, `batch_prompt_version`)
VALUES (s.`id`, s.`label`, s.`score`, s.`tags`, s.`batch_status`, s.`batch_error_message`, s.`batch_custom_id`, s.`batch_run_id`, s.`batch_snapshot_at`, s.`batch_input_hash`, s.`batch_prompt_version`);
