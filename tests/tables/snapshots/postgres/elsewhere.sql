WITH RECURSIVE part AS (
    SELECT CAST(CAST('"shop"."labels"' AS regclass) AS oid) AS id
    UNION SELECT inhrelid FROM pg_inherits JOIN part ON inhparent = id
)
SELECT 'trigger ' || tgname FROM pg_trigger JOIN part ON tgrelid = id
WHERE NOT tgisinternal AND tgenabled <> 'D'
UNION
SELECT 'rule ' || rulename FROM pg_rewrite JOIN part ON ev_class = id
WHERE rulename <> '_RETURN' AND ev_enabled <> 'D'
UNION
SELECT 'policy ' || polname FROM pg_policy JOIN part ON polrelid = id JOIN pg_class c ON c.oid = id
WHERE c.relrowsecurity
ORDER BY 1;
SELECT "batch_custom_id", "id"
FROM (SELECT "batch_custom_id", "id"
  FROM "shop"."labels" LIMIT 1000000) AS t
WHERE "batch_custom_id" IN ('0a', '1b') LIMIT 1000;
