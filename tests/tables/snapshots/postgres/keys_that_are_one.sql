CREATE TEMPORARY TABLE "batch_keys_0" ("id" bigint);
SELECT "id"
FROM "batch_keys_0"
GROUP BY "id" HAVING count(*) > 1 LIMIT 5;
