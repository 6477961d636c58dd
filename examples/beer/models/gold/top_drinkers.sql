/*
description: Each drinker in each month in which they wrote reviews, with how many and their average rating. Who wrote
  enough of them is ranked by their number. Deleted profiles are left out.
partitionBy: [review_year, review_month]
sortBy: [review_rank, profile_id]
variables:
  least_reviews: 2
tests:
  - notNull: [review_year, review_month, profile_id, profile_username, reviews, average_overall]
  - unique: [review_year, review_month, profile_id]
  - unique: [review_year, review_month, review_rank]
  - name: averages are within the scale
    sql: SELECT * FROM this WHERE average_overall NOT BETWEEN 1 AND 5
charts:
  - title: Drinkers by year
    kind: line
    sql: |
      SELECT review_year, COUNT(DISTINCT profile_id) AS drinkers
      FROM this
      GROUP BY review_year
      ORDER BY review_year
*/
WITH monthly AS (
  SELECT
    review_year,
    review_month,
    profile_id,
    profile_username,
    profile_state,
    COUNT(*) AS reviews,
    COUNT(DISTINCT beer_id) AS beers,
    AVG(review_overall) AS average_overall,
    COUNT(*) >= $least_reviews AS is_ranked
  FROM silver.review_flat
  WHERE profile_username IS NOT NULL
  GROUP BY review_year, review_month, profile_id, profile_username, profile_state
)
SELECT
  review_year,
  review_month,
  profile_id,
  profile_username,
  profile_state,
  reviews,
  beers,
  average_overall,
  CASE WHEN is_ranked THEN CAST(ROW_NUMBER() OVER (
    PARTITION BY review_year, review_month, is_ranked
    ORDER BY reviews DESC, beers DESC, profile_id
  ) AS BIGINT) END AS review_rank
FROM monthly
