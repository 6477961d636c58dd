/*
description: Each person once, as they signed up first. Rows that were deleted are left out before that is decided.
sortBy: [user_id]
tests:
  - notNull: [user_id, people_index, email, times]
  - unique: [user_id]
  - unique: [people_index]
  - relationship: {column: people_index, to: silver.people.index}
*/
WITH numbered AS (
  SELECT
    p.user_id,
    p.index AS people_index,
    p.email,
    p.phone,
    p.sex,
    p.job_title,
    p.updated_at,
    ROW_NUMBER() OVER (PARTITION BY p.user_id ORDER BY p.index) AS place,
    COUNT(*) OVER (PARTITION BY p.user_id) AS times
  FROM silver.people AS p
  WHERE p.deleted_at IS NULL
)
SELECT user_id, people_index, email, phone, sex, job_title, updated_at, times
FROM numbered
WHERE place = 1
