/*
description: How many people stand how often, and how many of their rows are duplicates. Their sum over all rows is the
  number of duplicates found.
sortBy: [times]
tests:
  - notNull: [times, people, people_rows, duplicates]
  - unique: [times]
  - name: people and duplicates make up all rows
    sql: SELECT * FROM this WHERE people + duplicates <> people_rows
charts:
  - title: People by how often they stand
    kind: bar
    sql: SELECT times, people FROM this ORDER BY times
*/
SELECT
  times,
  COUNT(*) AS people,
  SUM(times) AS people_rows,
  SUM(times - 1) AS duplicates
FROM silver.people_unique
GROUP BY times
