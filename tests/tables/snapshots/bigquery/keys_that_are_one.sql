CREATE TEMPORARY TABLE `batch_keys_0` (`id` INT64);
SELECT `id`
FROM `batch_keys_0`
GROUP BY `id` HAVING count(*) > 1 LIMIT 5;
