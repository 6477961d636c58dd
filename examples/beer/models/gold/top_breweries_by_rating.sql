/*
description: Each brewery in each month in which its beers were reviewed, with their average rating. Breweries with
  enough reviews in the month are ranked by it. Deleted breweries are left out.
partitionBy: [review_year, review_month]
sortBy: [rating_rank, brewery_id]
variables:
  least_reviews: 10
tests:
  - notNull: [review_year, review_month, brewery_id, brewery_name, reviews, beers, average_overall]
  - unique: [review_year, review_month, brewery_id]
  - unique: [review_year, review_month, rating_rank]
  - name: averages are within the scale
    sql: SELECT * FROM this WHERE average_overall NOT BETWEEN 1 AND 5
  - name: no brewery has more beers than reviews
    sql: SELECT * FROM this WHERE beers > reviews
charts:
  - title: Best breweries of all months
    kind: bar
    sql: |
      SELECT brewery_name, SUM(average_overall * reviews) / SUM(reviews) AS average_overall
      FROM this
      GROUP BY brewery_id, brewery_name
      HAVING SUM(reviews) >= 10 * $least_reviews
      ORDER BY average_overall DESC, brewery_name, brewery_id
      LIMIT 10
*/
WITH monthly AS (
  SELECT
    review_year,
    review_month,
    brewery_id,
    brewery_name,
    brewery_city,
    brewery_state,
    COUNT(*) AS reviews,
    COUNT(DISTINCT beer_id) AS beers,
    AVG(review_overall) AS average_overall,
    COUNT(*) >= $least_reviews AS is_ranked
  FROM silver.review_flat
  WHERE brewery_name IS NOT NULL
  GROUP BY review_year, review_month, brewery_id, brewery_name, brewery_city, brewery_state
)
SELECT
  review_year,
  review_month,
  brewery_id,
  brewery_name,
  brewery_city,
  brewery_state,
  reviews,
  beers,
  average_overall,
  CASE WHEN is_ranked THEN CAST(ROW_NUMBER() OVER (
    PARTITION BY review_year, review_month, is_ranked
    ORDER BY average_overall DESC, reviews DESC, brewery_id
  ) AS BIGINT) END AS rating_rank
FROM monthly
