CREATE TEMPORARY TABLE `batch_staging_0` (`id` STRING, `label` STRING, `batch_status` STRING,
    `batch_error_message` STRING, `batch_custom_id` STRING, `batch_run_id` STRING,
    `batch_snapshot_at` TIMESTAMP, `batch_input_hash` STRING, `batch_prompt_version` STRING);
SELECT count(*)
FROM (SELECT DISTINCT `id`, `batch_run_id`
  FROM `batch_staging_0`) AS k;
CREATE TABLE IF NOT EXISTS `shop`.`labels` (`id` STRING NOT NULL, `label` STRING, `batch_status` STRING,
    `batch_error_message` STRING, `batch_custom_id` STRING, `batch_run_id` STRING NOT NULL,
    `batch_snapshot_at` TIMESTAMP, `batch_input_hash` STRING, `batch_prompt_version` STRING);
BEGIN;
DELETE FROM `shop`.`labels`
WHERE `batch_run_id` = CAST(? AS STRING) AND (`batch_status` IS NULL
    OR `batch_status` IN ('ok', 'error', 'failed', 'expired', 'cancelled', 'missing', 'truncated', 'refused', 'invalid', 'unknown'));
INSERT INTO `shop`.`labels` (`id`, `label`, `batch_status`, `batch_error_message`, `batch_custom_id`,
    `batch_run_id`, `batch_snapshot_at`, `batch_input_hash`, `batch_prompt_version`)
SELECT `id`, `label`, `batch_status`, `batch_error_message`, `batch_custom_id`, `batch_run_id`,
    `batch_snapshot_at`, `batch_input_hash`, `batch_prompt_version`
FROM `batch_staging_0` AS s
WHERE NOT EXISTS (SELECT 1
  FROM `shop`.`labels` AS o
  WHERE o.`id` = s.`id` AND o.`batch_run_id` = s.`batch_run_id`);
COMMIT;
