CREATE TEMPORARY TABLE `batch_staging_0` (`id` VARCHAR(384) COLLATE /*!80017 utf8mb4_0900_bin *//*M!100200 utf8mb4_nopad_bin */,
    `label` LONGTEXT, `batch_status` VARCHAR(64), `batch_error_message` LONGTEXT,
    `batch_custom_id` VARCHAR(64),
    `batch_run_id` VARCHAR(384) COLLATE /*!80017 utf8mb4_0900_bin *//*M!100200 utf8mb4_nopad_bin */,
    `batch_snapshot_at` DATETIME(6), `batch_input_hash` VARCHAR(64),
    `batch_prompt_version` VARCHAR(64)) ENGINE=InnoDB ROW_FORMAT=DYNAMIC DEFAULT CHARACTER SET utf8mb4;
BEGIN;
CREATE TABLE `shop`.`labels` (`id` VARCHAR(384) COLLATE /*!80017 utf8mb4_0900_bin *//*M!100200 utf8mb4_nopad_bin */ NOT NULL,
    `label` LONGTEXT, `batch_status` VARCHAR(64), `batch_error_message` LONGTEXT,
    `batch_custom_id` VARCHAR(64),
    `batch_run_id` VARCHAR(384) COLLATE /*!80017 utf8mb4_0900_bin *//*M!100200 utf8mb4_nopad_bin */ NOT NULL,
    `batch_snapshot_at` DATETIME(6), `batch_input_hash` VARCHAR(64), `batch_prompt_version` VARCHAR(64),
    PRIMARY KEY (`id`, `batch_run_id`)) ENGINE=InnoDB ROW_FORMAT=DYNAMIC DEFAULT CHARACTER SET utf8mb4;
SELECT count(*)
FROM (SELECT DISTINCT `id`, `batch_run_id`
  FROM `batch_staging_0`) AS k;
DELETE FROM `shop`.`labels`
WHERE `batch_run_id` = CONCAT(?) AND (`batch_status` IS NULL
    OR CAST(CONVERT(`batch_status` USING utf8mb4) AS BINARY) IN ('ok', 'error', 'failed', 'expired', 'cancelled', 'missing', 'truncated', 'refused', 'invalid', 'unknown'));
SELECT count(*)
FROM `batch_staging_0` AS s
STRAIGHT_JOIN `shop`.`labels` AS t ON t.`id` = s.`id` AND t.`batch_run_id` = s.`batch_run_id`;
INSERT INTO `shop`.`labels` (`id`, `label`, `batch_status`, `batch_error_message`, `batch_custom_id`,
    `batch_run_id`, `batch_snapshot_at`, `batch_input_hash`, `batch_prompt_version`)
SELECT `id`, `label`, `batch_status`, `batch_error_message`, `batch_custom_id`, `batch_run_id`,
    `batch_snapshot_at`, `batch_input_hash`, `batch_prompt_version`
FROM `batch_staging_0` AS s;
COMMIT;
