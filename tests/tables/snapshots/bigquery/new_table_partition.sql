CREATE TEMPORARY TABLE `batch_staging_0` (`id` STRING, `label` STRING, `batch_status` STRING,
    `batch_error_message` STRING, `batch_custom_id` STRING, `batch_run_id` STRING,
    `batch_snapshot_at` TIMESTAMP, `batch_input_hash` STRING, `batch_prompt_version` STRING, `day` DATE,
    `shop` STRING);
SELECT count(*)
FROM (SELECT DISTINCT `day`, `shop`, `id`
  FROM `batch_staging_0`) AS k;
CREATE TABLE IF NOT EXISTS `shop`.`labels` (`id` STRING NOT NULL, `label` STRING, `batch_status` STRING,
    `batch_error_message` STRING, `batch_custom_id` STRING, `batch_run_id` STRING,
    `batch_snapshot_at` TIMESTAMP, `batch_input_hash` STRING, `batch_prompt_version` STRING,
    `day` DATE NOT NULL, `shop` STRING NOT NULL);
BEGIN;
DELETE FROM `shop`.`labels`
WHERE `day` = CAST(? AS DATE) AND `shop` = CAST(? AS STRING);
INSERT INTO `shop`.`labels` (`id`, `label`, `batch_status`, `batch_error_message`, `batch_custom_id`,
    `batch_run_id`, `batch_snapshot_at`, `batch_input_hash`, `batch_prompt_version`, `day`, `shop`)
SELECT `id`, `label`, `batch_status`, `batch_error_message`, `batch_custom_id`, `batch_run_id`,
    `batch_snapshot_at`, `batch_input_hash`, `batch_prompt_version`, `day`, `shop`
FROM `batch_staging_0` AS s;
COMMIT;
