SELECT `batch_custom_id`, `id`
FROM (SELECT `batch_custom_id`, `id`
  FROM `shop`.`labels` LIMIT 1000000) AS t
WHERE `batch_custom_id` IN ('0a', '1b') LIMIT 1000;
