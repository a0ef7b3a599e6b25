CREATE TEMPORARY TABLE `batch_staging_0` (`id` VARCHAR(768) COLLATE /*!80017 utf8mb4_0900_bin *//*M!100200 utf8mb4_nopad_bin */,
    `boolean` TINYINT(1), `int8` TINYINT, `uint8` TINYINT UNSIGNED, `int16` SMALLINT,
    `uint16` SMALLINT UNSIGNED, `int32` INT, `uint32` INT UNSIGNED, `int64` BIGINT, `uint64` BIGINT UNSIGNED,
    `float16` FLOAT, `float32` FLOAT, `float64` DOUBLE, `decimal_12_3` DECIMAL(12, 3),
    `decimal_60_9` DECIMAL(60, 9), `decimal_40_35` LONGTEXT, `text` LONGTEXT, `bytes` LONGBLOB, `day` DATE,
    `time` TIME(6), `moment` DATETIME(6), `moment_ns` DATETIME(6), `moment_utc` DATETIME(6),
    `duration` LONGTEXT, `embedding` JSON, `texts` JSON, `lists` JSON, `struct` JSON,
    `bool_as_text` TINYINT(1), `int_as_text` BIGINT, `float_as_text` DOUBLE, `decimal_as_text` LONGTEXT,
    `bytes_as_text` LONGBLOB, `date_as_text` DATE, `timestamp_as_text` DATETIME(6),
    `timestamp with time zone_as_text` DATETIME(6), `time_as_text` TIME(6), `uuid_as_text` VARCHAR(36),
    `json_as_text` JSON, `unknown_as_text` LONGTEXT, `batch_status` VARCHAR(64),
    `batch_error_message` LONGTEXT, `batch_custom_id` VARCHAR(64), `batch_run_id` LONGTEXT,
    `batch_snapshot_at` DATETIME(6), `batch_input_hash` VARCHAR(64),
    `batch_prompt_version` VARCHAR(64)) ENGINE=InnoDB ROW_FORMAT=DYNAMIC DEFAULT CHARACTER SET utf8mb4;
BEGIN;
CREATE TABLE `shop`.`labels` (`id` VARCHAR(768) COLLATE /*!80017 utf8mb4_0900_bin *//*M!100200 utf8mb4_nopad_bin */ NOT NULL,
    `boolean` TINYINT(1), `int8` TINYINT, `uint8` TINYINT UNSIGNED, `int16` SMALLINT,
    `uint16` SMALLINT UNSIGNED, `int32` INT, `uint32` INT UNSIGNED, `int64` BIGINT, `uint64` BIGINT UNSIGNED,
    `float16` FLOAT, `float32` FLOAT, `float64` DOUBLE, `decimal_12_3` DECIMAL(12, 3),
    `decimal_60_9` DECIMAL(60, 9), `decimal_40_35` LONGTEXT, `text` LONGTEXT, `bytes` LONGBLOB, `day` DATE,
    `time` TIME(6), `moment` DATETIME(6), `moment_ns` DATETIME(6), `moment_utc` DATETIME(6),
    `duration` LONGTEXT, `embedding` JSON, `texts` JSON, `lists` JSON, `struct` JSON,
    `bool_as_text` TINYINT(1), `int_as_text` BIGINT, `float_as_text` DOUBLE, `decimal_as_text` LONGTEXT,
    `bytes_as_text` LONGBLOB, `date_as_text` DATE, `timestamp_as_text` DATETIME(6),
    `timestamp with time zone_as_text` DATETIME(6), `time_as_text` TIME(6), `uuid_as_text` VARCHAR(36),
    `json_as_text` JSON, `unknown_as_text` LONGTEXT, `batch_status` VARCHAR(64),
    `batch_error_message` LONGTEXT, `batch_custom_id` VARCHAR(64), `batch_run_id` LONGTEXT,
    `batch_snapshot_at` DATETIME(6), `batch_input_hash` VARCHAR(64), `batch_prompt_version` VARCHAR(64),
    PRIMARY KEY (`id`)) ENGINE=InnoDB ROW_FORMAT=DYNAMIC DEFAULT CHARACTER SET utf8mb4;
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
INSERT INTO `shop`.`labels` (`id`, `boolean`, `int8`, `uint8`, `int16`, `uint16`, `int32`, `uint32`, `int64`,
    `uint64`, `float16`, `float32`, `float64`, `decimal_12_3`, `decimal_60_9`, `decimal_40_35`, `text`,
    `bytes`, `day`, `time`, `moment`, `moment_ns`, `moment_utc`, `duration`, `embedding`, `texts`, `lists`,
    `struct`, `bool_as_text`, `int_as_text`, `float_as_text`, `decimal_as_text`, `bytes_as_text`,
    `date_as_text`, `timestamp_as_text`, `timestamp with time zone_as_text`, `time_as_text`, `uuid_as_text`,
    `json_as_text`, `unknown_as_text`, `batch_status`, `batch_error_message`, `batch_custom_id`,
    `batch_run_id`, `batch_snapshot_at`, `batch_input_hash`, `batch_prompt_version`)
SELECT `id`, `boolean`, `int8`, `uint8`, `int16`, `uint16`, `int32`, `uint32`, `int64`, `uint64`, `float16`,
    `float32`, `float64`, `decimal_12_3`, `decimal_60_9`, `decimal_40_35`, `text`, `bytes`, `day`, `time`,
    `moment`, `moment_ns`, `moment_utc`, `duration`, `embedding`, `texts`, `lists`, `struct`, `bool_as_text`,
    `int_as_text`, `float_as_text`, `decimal_as_text`, `bytes_as_text`, `date_as_text`, `timestamp_as_text`,
    `timestamp with time zone_as_text`, `time_as_text`, `uuid_as_text`, `json_as_text`, `unknown_as_text`,
    `batch_status`, `batch_error_message`, `batch_custom_id`, `batch_run_id`, `batch_snapshot_at`,
    `batch_input_hash`, `batch_prompt_version`
FROM `batch_staging_0` AS s
WHERE TRUE
ON DUPLICATE KEY UPDATE `shop`.`labels`.`boolean` = IF((`shop`.`labels`.`batch_status` IS NULL
    OR CAST(CONVERT(`shop`.`labels`.`batch_status` USING utf8mb4) AS BINARY) IN ('ok', 'error', 'failed', 'expired', 'cancelled', 'missing', 'truncated', 'refused', 'invalid', 'unknown'))
    AND (`shop`.`labels`.`batch_snapshot_at` IS NULL
    OR `shop`.`labels`.`batch_snapshot_at` <= s.`batch_snapshot_at`), s.`boolean`, `shop`.`labels`.`boolean`),
    `shop`.`labels`.`int8` = IF((`shop`.`labels`.`batch_status` IS NULL
    OR CAST(CONVERT(`shop`.`labels`.`batch_status` USING utf8mb4) AS BINARY) IN ('ok', 'error', 'failed', 'expired', 'cancelled', 'missing', 'truncated', 'refused', 'invalid', 'unknown'))
    AND (`shop`.`labels`.`batch_snapshot_at` IS NULL
    OR `shop`.`labels`.`batch_snapshot_at` <= s.`batch_snapshot_at`), s.`int8`, `shop`.`labels`.`int8`),
    `shop`.`labels`.`uint8` = IF((`shop`.`labels`.`batch_status` IS NULL
    OR CAST(CONVERT(`shop`.`labels`.`batch_status` USING utf8mb4) AS BINARY) IN ('ok', 'error', 'failed', 'expired', 'cancelled', 'missing', 'truncated', 'refused', 'invalid', 'unknown'))
    AND (`shop`.`labels`.`batch_snapshot_at` IS NULL
    OR `shop`.`labels`.`batch_snapshot_at` <= s.`batch_snapshot_at`), s.`uint8`, `shop`.`labels`.`uint8`),
    `shop`.`labels`.`int16` = IF((`shop`.`labels`.`batch_status` IS NULL
    OR CAST(CONVERT(`shop`.`labels`.`batch_status` USING utf8mb4) AS BINARY) IN ('ok', 'error', 'failed', 'expired', 'cancelled', 'missing', 'truncated', 'refused', 'invalid', 'unknown'))
    AND (`shop`.`labels`.`batch_snapshot_at` IS NULL
    OR `shop`.`labels`.`batch_snapshot_at` <= s.`batch_snapshot_at`), s.`int16`, `shop`.`labels`.`int16`),
    `shop`.`labels`.`uint16` = IF((`shop`.`labels`.`batch_status` IS NULL
    OR CAST(CONVERT(`shop`.`labels`.`batch_status` USING utf8mb4) AS BINARY) IN ('ok', 'error', 'failed', 'expired', 'cancelled', 'missing', 'truncated', 'refused', 'invalid', 'unknown'))
    AND (`shop`.`labels`.`batch_snapshot_at` IS NULL
    OR `shop`.`labels`.`batch_snapshot_at` <= s.`batch_snapshot_at`), s.`uint16`, `shop`.`labels`.`uint16`),
    `shop`.`labels`.`int32` = IF((`shop`.`labels`.`batch_status` IS NULL
    OR CAST(CONVERT(`shop`.`labels`.`batch_status` USING utf8mb4) AS BINARY) IN ('ok', 'error', 'failed', 'expired', 'cancelled', 'missing', 'truncated', 'refused', 'invalid', 'unknown'))
    AND (`shop`.`labels`.`batch_snapshot_at` IS NULL
    OR `shop`.`labels`.`batch_snapshot_at` <= s.`batch_snapshot_at`), s.`int32`, `shop`.`labels`.`int32`),
    `shop`.`labels`.`uint32` = IF((`shop`.`labels`.`batch_status` IS NULL
    OR CAST(CONVERT(`shop`.`labels`.`batch_status` USING utf8mb4) AS BINARY) IN ('ok', 'error', 'failed', 'expired', 'cancelled', 'missing', 'truncated', 'refused', 'invalid', 'unknown'))
    AND (`shop`.`labels`.`batch_snapshot_at` IS NULL
    OR `shop`.`labels`.`batch_snapshot_at` <= s.`batch_snapshot_at`), s.`uint32`, `shop`.`labels`.`uint32`),
    `shop`.`labels`.`int64` = IF((`shop`.`labels`.`batch_status` IS NULL
    OR CAST(CONVERT(`shop`.`labels`.`batch_status` USING utf8mb4) AS BINARY) IN ('ok', 'error', 'failed', 'expired', 'cancelled', 'missing', 'truncated', 'refused', 'invalid', 'unknown'))
    AND (`shop`.`labels`.`batch_snapshot_at` IS NULL
    OR `shop`.`labels`.`batch_snapshot_at` <= s.`batch_snapshot_at`), s.`int64`, `shop`.`labels`.`int64`),
    `shop`.`labels`.`uint64` = IF((`shop`.`labels`.`batch_status` IS NULL
    OR CAST(CONVERT(`shop`.`labels`.`batch_status` USING utf8mb4) AS BINARY) IN ('ok', 'error', 'failed', 'expired', 'cancelled', 'missing', 'truncated', 'refused', 'invalid', 'unknown'))
    AND (`shop`.`labels`.`batch_snapshot_at` IS NULL
    OR `shop`.`labels`.`batch_snapshot_at` <= s.`batch_snapshot_at`), s.`uint64`, `shop`.`labels`.`uint64`),
    `shop`.`labels`.`float16` = IF((`shop`.`labels`.`batch_status` IS NULL
    OR CAST(CONVERT(`shop`.`labels`.`batch_status` USING utf8mb4) AS BINARY) IN ('ok', 'error', 'failed', 'expired', 'cancelled', 'missing', 'truncated', 'refused', 'invalid', 'unknown'))
    AND (`shop`.`labels`.`batch_snapshot_at` IS NULL
    OR `shop`.`labels`.`batch_snapshot_at` <= s.`batch_snapshot_at`), s.`float16`, `shop`.`labels`.`float16`),
    `shop`.`labels`.`float32` = IF((`shop`.`labels`.`batch_status` IS NULL
    OR CAST(CONVERT(`shop`.`labels`.`batch_status` USING utf8mb4) AS BINARY) IN ('ok', 'error', 'failed', 'expired', 'cancelled', 'missing', 'truncated', 'refused', 'invalid', 'unknown'))
    AND (`shop`.`labels`.`batch_snapshot_at` IS NULL
    OR `shop`.`labels`.`batch_snapshot_at` <= s.`batch_snapshot_at`), s.`float32`, `shop`.`labels`.`float32`),
    `shop`.`labels`.`float64` = IF((`shop`.`labels`.`batch_status` IS NULL
    OR CAST(CONVERT(`shop`.`labels`.`batch_status` USING utf8mb4) AS BINARY) IN ('ok', 'error', 'failed', 'expired', 'cancelled', 'missing', 'truncated', 'refused', 'invalid', 'unknown'))
    AND (`shop`.`labels`.`batch_snapshot_at` IS NULL
    OR `shop`.`labels`.`batch_snapshot_at` <= s.`batch_snapshot_at`), s.`float64`, `shop`.`labels`.`float64`),
    `shop`.`labels`.`decimal_12_3` = IF((`shop`.`labels`.`batch_status` IS NULL
    OR CAST(CONVERT(`shop`.`labels`.`batch_status` USING utf8mb4) AS BINARY) IN ('ok', 'error', 'failed', 'expired', 'cancelled', 'missing', 'truncated', 'refused', 'invalid', 'unknown'))
    AND (`shop`.`labels`.`batch_snapshot_at` IS NULL
    OR `shop`.`labels`.`batch_snapshot_at` <= s.`batch_snapshot_at`), s.`decimal_12_3`,
    `shop`.`labels`.`decimal_12_3`),
    `shop`.`labels`.`decimal_60_9` = IF((`shop`.`labels`.`batch_status` IS NULL
    OR CAST(CONVERT(`shop`.`labels`.`batch_status` USING utf8mb4) AS BINARY) IN ('ok', 'error', 'failed', 'expired', 'cancelled', 'missing', 'truncated', 'refused', 'invalid', 'unknown'))
    AND (`shop`.`labels`.`batch_snapshot_at` IS NULL
    OR `shop`.`labels`.`batch_snapshot_at` <= s.`batch_snapshot_at`), s.`decimal_60_9`,
    `shop`.`labels`.`decimal_60_9`),
    `shop`.`labels`.`decimal_40_35` = IF((`shop`.`labels`.`batch_status` IS NULL
    OR CAST(CONVERT(`shop`.`labels`.`batch_status` USING utf8mb4) AS BINARY) IN ('ok', 'error', 'failed', 'expired', 'cancelled', 'missing', 'truncated', 'refused', 'invalid', 'unknown'))
    AND (`shop`.`labels`.`batch_snapshot_at` IS NULL
    OR `shop`.`labels`.`batch_snapshot_at` <= s.`batch_snapshot_at`), s.`decimal_40_35`,
    `shop`.`labels`.`decimal_40_35`), `shop`.`labels`.`text` = IF((`shop`.`labels`.`batch_status` IS NULL
    OR CAST(CONVERT(`shop`.`labels`.`batch_status` USING utf8mb4) AS BINARY) IN ('ok', 'error', 'failed', 'expired', 'cancelled', 'missing', 'truncated', 'refused', 'invalid', 'unknown'))
    AND (`shop`.`labels`.`batch_snapshot_at` IS NULL
    OR `shop`.`labels`.`batch_snapshot_at` <= s.`batch_snapshot_at`), s.`text`, `shop`.`labels`.`text`),
    `shop`.`labels`.`bytes` = IF((`shop`.`labels`.`batch_status` IS NULL
    OR CAST(CONVERT(`shop`.`labels`.`batch_status` USING utf8mb4) AS BINARY) IN ('ok', 'error', 'failed', 'expired', 'cancelled', 'missing', 'truncated', 'refused', 'invalid', 'unknown'))
    AND (`shop`.`labels`.`batch_snapshot_at` IS NULL
    OR `shop`.`labels`.`batch_snapshot_at` <= s.`batch_snapshot_at`), s.`bytes`, `shop`.`labels`.`bytes`),
    `shop`.`labels`.`day` = IF((`shop`.`labels`.`batch_status` IS NULL
    OR CAST(CONVERT(`shop`.`labels`.`batch_status` USING utf8mb4) AS BINARY) IN ('ok', 'error', 'failed', 'expired', 'cancelled', 'missing', 'truncated', 'refused', 'invalid', 'unknown'))
    AND (`shop`.`labels`.`batch_snapshot_at` IS NULL
    OR `shop`.`labels`.`batch_snapshot_at` <= s.`batch_snapshot_at`), s.`day`, `shop`.`labels`.`day`),
    `shop`.`labels`.`time` = IF((`shop`.`labels`.`batch_status` IS NULL
    OR CAST(CONVERT(`shop`.`labels`.`batch_status` USING utf8mb4) AS BINARY) IN ('ok', 'error', 'failed', 'expired', 'cancelled', 'missing', 'truncated', 'refused', 'invalid', 'unknown'))
    AND (`shop`.`labels`.`batch_snapshot_at` IS NULL
    OR `shop`.`labels`.`batch_snapshot_at` <= s.`batch_snapshot_at`), s.`time`, `shop`.`labels`.`time`),
    `shop`.`labels`.`moment` = IF((`shop`.`labels`.`batch_status` IS NULL
    OR CAST(CONVERT(`shop`.`labels`.`batch_status` USING utf8mb4) AS BINARY) IN ('ok', 'error', 'failed', 'expired', 'cancelled', 'missing', 'truncated', 'refused', 'invalid', 'unknown'))
    AND (`shop`.`labels`.`batch_snapshot_at` IS NULL
    OR `shop`.`labels`.`batch_snapshot_at` <= s.`batch_snapshot_at`), s.`moment`, `shop`.`labels`.`moment`),
    `shop`.`labels`.`moment_ns` = IF((`shop`.`labels`.`batch_status` IS NULL
    OR CAST(CONVERT(`shop`.`labels`.`batch_status` USING utf8mb4) AS BINARY) IN ('ok', 'error', 'failed', 'expired', 'cancelled', 'missing', 'truncated', 'refused', 'invalid', 'unknown'))
    AND (`shop`.`labels`.`batch_snapshot_at` IS NULL
    OR `shop`.`labels`.`batch_snapshot_at` <= s.`batch_snapshot_at`), s.`moment_ns`,
    `shop`.`labels`.`moment_ns`), `shop`.`labels`.`moment_utc` = IF((`shop`.`labels`.`batch_status` IS NULL
    OR CAST(CONVERT(`shop`.`labels`.`batch_status` USING utf8mb4) AS BINARY) IN ('ok', 'error', 'failed', 'expired', 'cancelled', 'missing', 'truncated', 'refused', 'invalid', 'unknown'))
    AND (`shop`.`labels`.`batch_snapshot_at` IS NULL
    OR `shop`.`labels`.`batch_snapshot_at` <= s.`batch_snapshot_at`), s.`moment_utc`,
    `shop`.`labels`.`moment_utc`), `shop`.`labels`.`duration` = IF((`shop`.`labels`.`batch_status` IS NULL
    OR CAST(CONVERT(`shop`.`labels`.`batch_status` USING utf8mb4) AS BINARY) IN ('ok', 'error', 'failed', 'expired', 'cancelled', 'missing', 'truncated', 'refused', 'invalid', 'unknown'))
    AND (`shop`.`labels`.`batch_snapshot_at` IS NULL
    OR `shop`.`labels`.`batch_snapshot_at` <= s.`batch_snapshot_at`), s.`duration`,
    `shop`.`labels`.`duration`), `shop`.`labels`.`embedding` = IF((`shop`.`labels`.`batch_status` IS NULL
    OR CAST(CONVERT(`shop`.`labels`.`batch_status` USING utf8mb4) AS BINARY) IN ('ok', 'error', 'failed', 'expired', 'cancelled', 'missing', 'truncated', 'refused', 'invalid', 'unknown'))
    AND (`shop`.`labels`.`batch_snapshot_at` IS NULL
    OR `shop`.`labels`.`batch_snapshot_at` <= s.`batch_snapshot_at`), s.`embedding`,
    `shop`.`labels`.`embedding`), `shop`.`labels`.`texts` = IF((`shop`.`labels`.`batch_status` IS NULL
    OR CAST(CONVERT(`shop`.`labels`.`batch_status` USING utf8mb4) AS BINARY) IN ('ok', 'error', 'failed', 'expired', 'cancelled', 'missing', 'truncated', 'refused', 'invalid', 'unknown'))
    AND (`shop`.`labels`.`batch_snapshot_at` IS NULL
    OR `shop`.`labels`.`batch_snapshot_at` <= s.`batch_snapshot_at`), s.`texts`, `shop`.`labels`.`texts`),
    `shop`.`labels`.`lists` = IF((`shop`.`labels`.`batch_status` IS NULL
    OR CAST(CONVERT(`shop`.`labels`.`batch_status` USING utf8mb4) AS BINARY) IN ('ok', 'error', 'failed', 'expired', 'cancelled', 'missing', 'truncated', 'refused', 'invalid', 'unknown'))
    AND (`shop`.`labels`.`batch_snapshot_at` IS NULL
    OR `shop`.`labels`.`batch_snapshot_at` <= s.`batch_snapshot_at`), s.`lists`, `shop`.`labels`.`lists`),
    `shop`.`labels`.`struct` = IF((`shop`.`labels`.`batch_status` IS NULL
    OR CAST(CONVERT(`shop`.`labels`.`batch_status` USING utf8mb4) AS BINARY) IN ('ok', 'error', 'failed', 'expired', 'cancelled', 'missing', 'truncated', 'refused', 'invalid', 'unknown'))
    AND (`shop`.`labels`.`batch_snapshot_at` IS NULL
    OR `shop`.`labels`.`batch_snapshot_at` <= s.`batch_snapshot_at`), s.`struct`, `shop`.`labels`.`struct`),
    `shop`.`labels`.`bool_as_text` = IF((`shop`.`labels`.`batch_status` IS NULL
    OR CAST(CONVERT(`shop`.`labels`.`batch_status` USING utf8mb4) AS BINARY) IN ('ok', 'error', 'failed', 'expired', 'cancelled', 'missing', 'truncated', 'refused', 'invalid', 'unknown'))
    AND (`shop`.`labels`.`batch_snapshot_at` IS NULL
    OR `shop`.`labels`.`batch_snapshot_at` <= s.`batch_snapshot_at`), s.`bool_as_text`,
    `shop`.`labels`.`bool_as_text`),
    `shop`.`labels`.`int_as_text` = IF((`shop`.`labels`.`batch_status` IS NULL
    OR CAST(CONVERT(`shop`.`labels`.`batch_status` USING utf8mb4) AS BINARY) IN ('ok', 'error', 'failed', 'expired', 'cancelled', 'missing', 'truncated', 'refused', 'invalid', 'unknown'))
    AND (`shop`.`labels`.`batch_snapshot_at` IS NULL
    OR `shop`.`labels`.`batch_snapshot_at` <= s.`batch_snapshot_at`), s.`int_as_text`,
    `shop`.`labels`.`int_as_text`),
    `shop`.`labels`.`float_as_text` = IF((`shop`.`labels`.`batch_status` IS NULL
    OR CAST(CONVERT(`shop`.`labels`.`batch_status` USING utf8mb4) AS BINARY) IN ('ok', 'error', 'failed', 'expired', 'cancelled', 'missing', 'truncated', 'refused', 'invalid', 'unknown'))
    AND (`shop`.`labels`.`batch_snapshot_at` IS NULL
    OR `shop`.`labels`.`batch_snapshot_at` <= s.`batch_snapshot_at`), s.`float_as_text`,
    `shop`.`labels`.`float_as_text`),
    `shop`.`labels`.`decimal_as_text` = IF((`shop`.`labels`.`batch_status` IS NULL
    OR CAST(CONVERT(`shop`.`labels`.`batch_status` USING utf8mb4) AS BINARY) IN ('ok', 'error', 'failed', 'expired', 'cancelled', 'missing', 'truncated', 'refused', 'invalid', 'unknown'))
    AND (`shop`.`labels`.`batch_snapshot_at` IS NULL
    OR `shop`.`labels`.`batch_snapshot_at` <= s.`batch_snapshot_at`), s.`decimal_as_text`,
    `shop`.`labels`.`decimal_as_text`),
    `shop`.`labels`.`bytes_as_text` = IF((`shop`.`labels`.`batch_status` IS NULL
    OR CAST(CONVERT(`shop`.`labels`.`batch_status` USING utf8mb4) AS BINARY) IN ('ok', 'error', 'failed', 'expired', 'cancelled', 'missing', 'truncated', 'refused', 'invalid', 'unknown'))
    AND (`shop`.`labels`.`batch_snapshot_at` IS NULL
    OR `shop`.`labels`.`batch_snapshot_at` <= s.`batch_snapshot_at`), s.`bytes_as_text`,
    `shop`.`labels`.`bytes_as_text`),
    `shop`.`labels`.`date_as_text` = IF((`shop`.`labels`.`batch_status` IS NULL
    OR CAST(CONVERT(`shop`.`labels`.`batch_status` USING utf8mb4) AS BINARY) IN ('ok', 'error', 'failed', 'expired', 'cancelled', 'missing', 'truncated', 'refused', 'invalid', 'unknown'))
    AND (`shop`.`labels`.`batch_snapshot_at` IS NULL
    OR `shop`.`labels`.`batch_snapshot_at` <= s.`batch_snapshot_at`), s.`date_as_text`,
    `shop`.`labels`.`date_as_text`),
    `shop`.`labels`.`timestamp_as_text` = IF((`shop`.`labels`.`batch_status` IS NULL
    OR CAST(CONVERT(`shop`.`labels`.`batch_status` USING utf8mb4) AS BINARY) IN ('ok', 'error', 'failed', 'expired', 'cancelled', 'missing', 'truncated', 'refused', 'invalid', 'unknown'))
    AND (`shop`.`labels`.`batch_snapshot_at` IS NULL
    OR `shop`.`labels`.`batch_snapshot_at` <= s.`batch_snapshot_at`), s.`timestamp_as_text`,
    `shop`.`labels`.`timestamp_as_text`),
    `shop`.`labels`.`timestamp with time zone_as_text` = IF((`shop`.`labels`.`batch_status` IS NULL
    OR CAST(CONVERT(`shop`.`labels`.`batch_status` USING utf8mb4) AS BINARY) IN ('ok', 'error', 'failed', 'expired', 'cancelled', 'missing', 'truncated', 'refused', 'invalid', 'unknown'))
    AND (`shop`.`labels`.`batch_snapshot_at` IS NULL
    OR `shop`.`labels`.`batch_snapshot_at` <= s.`batch_snapshot_at`), s.`timestamp with time zone_as_text`,
    `shop`.`labels`.`timestamp with time zone_as_text`),
    `shop`.`labels`.`time_as_text` = IF((`shop`.`labels`.`batch_status` IS NULL
    OR CAST(CONVERT(`shop`.`labels`.`batch_status` USING utf8mb4) AS BINARY) IN ('ok', 'error', 'failed', 'expired', 'cancelled', 'missing', 'truncated', 'refused', 'invalid', 'unknown'))
    AND (`shop`.`labels`.`batch_snapshot_at` IS NULL
    OR `shop`.`labels`.`batch_snapshot_at` <= s.`batch_snapshot_at`), s.`time_as_text`,
    `shop`.`labels`.`time_as_text`),
    `shop`.`labels`.`uuid_as_text` = IF((`shop`.`labels`.`batch_status` IS NULL
    OR CAST(CONVERT(`shop`.`labels`.`batch_status` USING utf8mb4) AS BINARY) IN ('ok', 'error', 'failed', 'expired', 'cancelled', 'missing', 'truncated', 'refused', 'invalid', 'unknown'))
    AND (`shop`.`labels`.`batch_snapshot_at` IS NULL
    OR `shop`.`labels`.`batch_snapshot_at` <= s.`batch_snapshot_at`), s.`uuid_as_text`,
    `shop`.`labels`.`uuid_as_text`),
    `shop`.`labels`.`json_as_text` = IF((`shop`.`labels`.`batch_status` IS NULL
    OR CAST(CONVERT(`shop`.`labels`.`batch_status` USING utf8mb4) AS BINARY) IN ('ok', 'error', 'failed', 'expired', 'cancelled', 'missing', 'truncated', 'refused', 'invalid', 'unknown'))
    AND (`shop`.`labels`.`batch_snapshot_at` IS NULL
    OR `shop`.`labels`.`batch_snapshot_at` <= s.`batch_snapshot_at`), s.`json_as_text`,
    `shop`.`labels`.`json_as_text`),
    `shop`.`labels`.`unknown_as_text` = IF((`shop`.`labels`.`batch_status` IS NULL
    OR CAST(CONVERT(`shop`.`labels`.`batch_status` USING utf8mb4) AS BINARY) IN ('ok', 'error', 'failed', 'expired', 'cancelled', 'missing', 'truncated', 'refused', 'invalid', 'unknown'))
    AND (`shop`.`labels`.`batch_snapshot_at` IS NULL
    OR `shop`.`labels`.`batch_snapshot_at` <= s.`batch_snapshot_at`), s.`unknown_as_text`,
    `shop`.`labels`.`unknown_as_text`),
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
COMMIT;
