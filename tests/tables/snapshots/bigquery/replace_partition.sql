CREATE TEMPORARY TABLE `batch_staging_0` (`id` STRING, `label` STRING, `batch_status` STRING,
    `batch_error_message` STRING, `batch_custom_id` STRING, `batch_run_id` STRING,
    `batch_snapshot_at` TIMESTAMP, `batch_input_hash` STRING, `batch_prompt_version` STRING, `day` DATE,
    `n` INT64, `shop` STRING);
SELECT count(*)
FROM (SELECT DISTINCT `day`, `n`, `shop`, `id`
  FROM `batch_staging_0`) AS k;
BEGIN;
DELETE FROM `shop`.`labels`
WHERE `day` = CAST(? AS DATE) AND `n` = CAST(? AS INT64) AND `shop` = CAST(? AS STRING);
INSERT INTO `shop`.`labels` (`id`, `label`, `batch_status`, `batch_error_message`, `batch_custom_id`,
    `batch_run_id`, `batch_snapshot_at`, `batch_input_hash`, `batch_prompt_version`, `day`, `n`, `shop`)
SELECT `id`, `label`, `batch_status`, `batch_error_message`, `batch_custom_id`, `batch_run_id`,
    `batch_snapshot_at`, `batch_input_hash`, `batch_prompt_version`, `day`, `n`, `shop`
FROM `batch_staging_0` AS s;
COMMIT;
