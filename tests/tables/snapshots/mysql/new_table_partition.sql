CREATE TEMPORARY TABLE `batch_staging_0` (`id` VARCHAR(380) COLLATE /*!80017 utf8mb4_0900_bin *//*M!100200 utf8mb4_nopad_bin */,
    `label` LONGTEXT, `batch_status` VARCHAR(64), `batch_error_message` LONGTEXT,
    `batch_custom_id` VARCHAR(64), `batch_run_id` LONGTEXT, `batch_snapshot_at` DATETIME(6),
    `batch_input_hash` VARCHAR(64), `batch_prompt_version` VARCHAR(64), `day` DATE,
    `shop` VARCHAR(380) COLLATE /*!80017 utf8mb4_0900_bin *//*M!100200 utf8mb4_nopad_bin */) ENGINE=InnoDB ROW_FORMAT=DYNAMIC DEFAULT CHARACTER SET utf8mb4;
BEGIN;
CREATE TABLE `shop`.`labels` (`id` VARCHAR(380) COLLATE /*!80017 utf8mb4_0900_bin *//*M!100200 utf8mb4_nopad_bin */ NOT NULL,
    `label` LONGTEXT, `batch_status` VARCHAR(64), `batch_error_message` LONGTEXT,
    `batch_custom_id` VARCHAR(64), `batch_run_id` LONGTEXT, `batch_snapshot_at` DATETIME(6),
    `batch_input_hash` VARCHAR(64), `batch_prompt_version` VARCHAR(64), `day` DATE NOT NULL,
    `shop` VARCHAR(380) COLLATE /*!80017 utf8mb4_0900_bin *//*M!100200 utf8mb4_nopad_bin */ NOT NULL,
    PRIMARY KEY (`day`, `shop`, `id`)) ENGINE=InnoDB ROW_FORMAT=DYNAMIC DEFAULT CHARACTER SET utf8mb4;
SELECT count(*)
FROM (SELECT DISTINCT `day`, `shop`, `id`
  FROM `batch_staging_0`) AS k;
DELETE FROM `shop`.`labels`
WHERE `day` = ? AND `shop` = CONCAT(?);
INSERT INTO `shop`.`labels` (`id`, `label`, `batch_status`, `batch_error_message`, `batch_custom_id`,
    `batch_run_id`, `batch_snapshot_at`, `batch_input_hash`, `batch_prompt_version`, `day`, `shop`)
SELECT `id`, `label`, `batch_status`, `batch_error_message`, `batch_custom_id`, `batch_run_id`,
    `batch_snapshot_at`, `batch_input_hash`, `batch_prompt_version`, `day`, `shop`
FROM `batch_staging_0` AS s;
COMMIT;
