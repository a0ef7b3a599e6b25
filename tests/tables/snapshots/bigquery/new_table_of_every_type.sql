CREATE TEMPORARY TABLE `batch_staging_0` (`id` STRING, `boolean` BOOL, `int8` INT64, `uint8` INT64,
    `int16` INT64, `uint16` INT64, `int32` INT64, `uint32` INT64, `int64` INT64, `uint64` NUMERIC(20, 0),
    `float16` FLOAT64, `float32` FLOAT64, `float64` FLOAT64, `decimal_12_3` NUMERIC(12, 3),
    `decimal_60_9` STRING, `decimal_40_35` BIGNUMERIC, `text` STRING, `bytes` BYTES, `day` DATE, `time` TIME,
    `moment` DATETIME, `moment_ns` DATETIME, `moment_utc` TIMESTAMP, `duration` STRING,
    `embedding` ARRAY<FLOAT64>, `texts` ARRAY<STRING>, `lists` JSON, `struct` JSON, `bool_as_text` BOOL,
    `int_as_text` INT64, `float_as_text` FLOAT64, `decimal_as_text` STRING, `bytes_as_text` BYTES,
    `date_as_text` DATE, `timestamp_as_text` DATETIME, `timestamp with time zone_as_text` TIMESTAMP,
    `time_as_text` TIME, `uuid_as_text` STRING, `json_as_text` JSON, `unknown_as_text` STRING,
    `batch_status` STRING, `batch_error_message` STRING, `batch_custom_id` STRING, `batch_run_id` STRING,
    `batch_snapshot_at` TIMESTAMP, `batch_input_hash` STRING, `batch_prompt_version` STRING);
SELECT count(*)
FROM (SELECT DISTINCT `id`
  FROM `batch_staging_0`) AS k;
CREATE TABLE IF NOT EXISTS `shop`.`labels` (`id` STRING NOT NULL, `boolean` BOOL, `int8` INT64, `uint8` INT64,
    `int16` INT64, `uint16` INT64, `int32` INT64, `uint32` INT64, `int64` INT64, `uint64` NUMERIC(20, 0),
    `float16` FLOAT64, `float32` FLOAT64, `float64` FLOAT64, `decimal_12_3` NUMERIC(12, 3),
    `decimal_60_9` STRING, `decimal_40_35` BIGNUMERIC, `text` STRING, `bytes` BYTES, `day` DATE, `time` TIME,
    `moment` DATETIME, `moment_ns` DATETIME, `moment_utc` TIMESTAMP, `duration` STRING,
    `embedding` ARRAY<FLOAT64>, `texts` ARRAY<STRING>, `lists` JSON, `struct` JSON, `bool_as_text` BOOL,
    `int_as_text` INT64, `float_as_text` FLOAT64, `decimal_as_text` STRING, `bytes_as_text` BYTES,
    `date_as_text` DATE, `timestamp_as_text` DATETIME, `timestamp with time zone_as_text` TIMESTAMP,
    `time_as_text` TIME, `uuid_as_text` STRING, `json_as_text` JSON, `unknown_as_text` STRING,
    `batch_status` STRING, `batch_error_message` STRING, `batch_custom_id` STRING, `batch_run_id` STRING,
    `batch_snapshot_at` TIMESTAMP, `batch_input_hash` STRING, `batch_prompt_version` STRING);
MERGE INTO `shop`.`labels` AS t
USING `batch_staging_0` AS s ON t.`id` = s.`id`
WHEN MATCHED AND (t.`batch_status` IS NULL
    OR t.`batch_status` IN ('ok', 'error', 'failed', 'expired', 'cancelled', 'missing', 'truncated', 'refused', 'invalid', 'unknown'))
    AND (t.`batch_snapshot_at` IS NULL
    OR t.`batch_snapshot_at` <= s.`batch_snapshot_at`) THEN UPDATE SET `boolean` = s.`boolean`,
    `int8` = s.`int8`, `uint8` = s.`uint8`, `int16` = s.`int16`, `uint16` = s.`uint16`, `int32` = s.`int32`,
    `uint32` = s.`uint32`, `int64` = s.`int64`, `uint64` = s.`uint64`, `float16` = s.`float16`,
    `float32` = s.`float32`, `float64` = s.`float64`, `decimal_12_3` = s.`decimal_12_3`,
    `decimal_60_9` = s.`decimal_60_9`, `decimal_40_35` = s.`decimal_40_35`, `text` = s.`text`,
    `bytes` = s.`bytes`, `day` = s.`day`, `time` = s.`time`, `moment` = s.`moment`,
    `moment_ns` = s.`moment_ns`, `moment_utc` = s.`moment_utc`, `duration` = s.`duration`,
    `embedding` = s.`embedding`, `texts` = s.`texts`,
    `lists` = PARSE_JSON(s.`lists`, wide_number_mode=>'round'),
    `struct` = PARSE_JSON(s.`struct`, wide_number_mode=>'round'), `bool_as_text` = s.`bool_as_text`,
    `int_as_text` = s.`int_as_text`, `float_as_text` = s.`float_as_text`,
    `decimal_as_text` = s.`decimal_as_text`, `bytes_as_text` = s.`bytes_as_text`,
    `date_as_text` = s.`date_as_text`, `timestamp_as_text` = s.`timestamp_as_text`,
    `timestamp with time zone_as_text` = s.`timestamp with time zone_as_text`,
    `time_as_text` = s.`time_as_text`, `uuid_as_text` = s.`uuid_as_text`,
    `json_as_text` = PARSE_JSON(s.`json_as_text`, wide_number_mode=>'round'),
    `unknown_as_text` = s.`unknown_as_text`, `batch_status` = s.`batch_status`,
    `batch_error_message` = s.`batch_error_message`, `batch_custom_id` = s.`batch_custom_id`,
    `batch_run_id` = s.`batch_run_id`, `batch_snapshot_at` = s.`batch_snapshot_at`,
    `batch_input_hash` = s.`batch_input_hash`, `batch_prompt_version` = s.`batch_prompt_version`
WHEN NOT MATCHED THEN INSERT (`id`, `boolean`, `int8`, `uint8`, `int16`, `uint16`, `int32`, `uint32`, `int64`,
    `uint64`, `float16`, `float32`, `float64`, `decimal_12_3`, `decimal_60_9`, `decimal_40_35`, `text`,
    `bytes`, `day`, `time`, `moment`, `moment_ns`, `moment_utc`, `duration`, `embedding`, `texts`, `lists`,
    `struct`, `bool_as_text`, `int_as_text`, `float_as_text`, `decimal_as_text`, `bytes_as_text`,
    `date_as_text`, `timestamp_as_text`, `timestamp with time zone_as_text`, `time_as_text`, `uuid_as_text`,
    `json_as_text`, `unknown_as_text`, `batch_status`, `batch_error_message`, `batch_custom_id`,
    `batch_run_id`, `batch_snapshot_at`, `batch_input_hash`, `batch_prompt_version`)
VALUES (s.`id`, s.`boolean`, s.`int8`, s.`uint8`, s.`int16`, s.`uint16`, s.`int32`, s.`uint32`, s.`int64`, s.`uint64`, s.`float16`, s.`float32`, s.`float64`, s.`decimal_12_3`, s.`decimal_60_9`, s.`decimal_40_35`, s.`text`, s.`bytes`, s.`day`, s.`time`, s.`moment`, s.`moment_ns`, s.`moment_utc`, s.`duration`, s.`embedding`, s.`texts`,
    PARSE_JSON(s.`lists`, wide_number_mode=>'round'),
    PARSE_JSON(s.`struct`, wide_number_mode=>'round'), s.`bool_as_text`, s.`int_as_text`, s.`float_as_text`, s.`decimal_as_text`, s.`bytes_as_text`, s.`date_as_text`, s.`timestamp_as_text`, s.`timestamp with time zone_as_text`, s.`time_as_text`, s.`uuid_as_text`,
    PARSE_JSON(s.`json_as_text`, wide_number_mode=>'round'), s.`unknown_as_text`, s.`batch_status`, s.`batch_error_message`, s.`batch_custom_id`, s.`batch_run_id`, s.`batch_snapshot_at`, s.`batch_input_hash`, s.`batch_prompt_version`);
