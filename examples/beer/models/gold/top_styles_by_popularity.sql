/*
description: Each style of beer in each month, with how many reviews its beers got and their average rating. Styles with
  enough reviews in the month are ranked by their number. Beers that were deleted count for no style.
partitionBy: [review_year, review_month]
sortBy: [popularity_rank, beer_style]
variables:
  least_reviews: 10
tests:
  - notNull: [review_year, review_month, beer_style, reviews, average_overall]
  - unique: [review_year, review_month, beer_style]
  - unique: [review_year, review_month, popularity_rank]
charts:
  - title: Most reviewed styles
    kind: bar
    sql: |
      SELECT beer_style, SUM(reviews) AS reviews
      FROM this
      GROUP BY beer_style
      ORDER BY reviews DESC, beer_style
      LIMIT 10
*/
WITH monthly AS (
  SELECT
    review_year,
    review_month,
    beer_style,
    COUNT(*) AS reviews,
    COUNT(DISTINCT beer_id) AS beers,
    AVG(review_overall) AS average_overall,
    COUNT(*) >= $least_reviews AS is_ranked
  FROM silver.review_flat
  WHERE beer_style IS NOT NULL
  GROUP BY review_year, review_month, beer_style
)
SELECT
  review_year,
  review_month,
  beer_style,
  reviews,
  beers,
  average_overall,
  CASE WHEN is_ranked THEN CAST(ROW_NUMBER() OVER (
    PARTITION BY review_year, review_month, is_ranked
    ORDER BY reviews DESC, average_overall DESC, beer_style
  ) AS BIGINT) END AS popularity_rank
FROM monthly
