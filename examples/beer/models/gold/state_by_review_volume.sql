/*
description: Each state in each month, with how many reviews the beers of its breweries got and their average rating.
  States with enough reviews in the month are ranked by their number. Deleted breweries count for no state.
partitionBy: [review_year, review_month]
sortBy: [volume_rank, brewery_state]
variables:
  least_reviews: 10
tests:
  - notNull: [review_year, review_month, brewery_state, reviews, average_overall]
  - unique: [review_year, review_month, brewery_state]
  - unique: [review_year, review_month, volume_rank]
  - name: states are postal abbreviations
    severity: warn
    sql: SELECT * FROM this WHERE brewery_state <> UPPER(brewery_state) OR CHAR_LENGTH(brewery_state) <> 2
charts:
  - title: States by reviews of their beers
    kind: bar
    sql: |
      SELECT brewery_state, SUM(reviews) AS reviews
      FROM this
      GROUP BY brewery_state
      ORDER BY reviews DESC, brewery_state
      LIMIT 15
*/
WITH monthly AS (
  SELECT
    review_year,
    review_month,
    brewery_state,
    COUNT(*) AS reviews,
    COUNT(DISTINCT brewery_id) AS breweries,
    AVG(review_overall) AS average_overall,
    COUNT(*) >= $least_reviews AS is_ranked
  FROM silver.review_flat
  WHERE brewery_state IS NOT NULL
  GROUP BY review_year, review_month, brewery_state
)
SELECT
  review_year,
  review_month,
  brewery_state,
  reviews,
  breweries,
  average_overall,
  CASE WHEN is_ranked THEN CAST(ROW_NUMBER() OVER (
    PARTITION BY review_year, review_month, is_ranked
    ORDER BY reviews DESC, average_overall DESC, brewery_state
  ) AS BIGINT) END AS volume_rank
FROM monthly
