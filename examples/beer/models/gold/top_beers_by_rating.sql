/*
description: Each beer in each month in which it was reviewed, with its average ratings. Beers with enough reviews in
  the month are ranked by their average. Deleted beers are left out.
partitionBy: [review_year, review_month]
sortBy: [rating_rank, beer_id]
variables:
  least_reviews: 5
tests:
  - notNull: [review_year, review_month, beer_id, beer_name, reviews, average_overall]
  - unique: [review_year, review_month, beer_id]
  - unique: [review_year, review_month, rating_rank]
  - name: averages are within the scale
    sql: SELECT * FROM this WHERE average_overall NOT BETWEEN 1 AND 5
  - name: who has a rank has enough reviews
    sql: SELECT * FROM this WHERE rating_rank IS NOT NULL AND reviews < $least_reviews
  - relationship: {column: beer_id, to: silver.beer.beer_id}
charts:
  - title: Best beers of all months
    kind: bar
    sql: |
      SELECT beer_name, SUM(average_overall * reviews) / SUM(reviews) AS average_overall
      FROM this
      GROUP BY beer_id, beer_name
      HAVING SUM(reviews) >= 10 * $least_reviews
      ORDER BY average_overall DESC, beer_name, beer_id
      LIMIT 10
  - title: Best beers of the last month that has a ranking
    kind: bar
    sql: |
      SELECT beer_name, average_overall
      FROM this
      WHERE rating_rank <= 10
        AND review_year * 100 + review_month
          = (SELECT MAX(review_year * 100 + review_month) FROM this WHERE rating_rank IS NOT NULL)
      ORDER BY rating_rank
*/
WITH monthly AS (
  SELECT
    review_year,
    review_month,
    beer_id,
    beer_name,
    beer_style,
    brewery_name,
    COUNT(*) AS reviews,
    AVG(review_overall) AS average_overall,
    AVG(review_taste) AS average_taste,
    COUNT(*) >= $least_reviews AS is_ranked
  FROM silver.review_flat
  WHERE beer_name IS NOT NULL
  GROUP BY review_year, review_month, beer_id, beer_name, beer_style, brewery_name
)
SELECT
  review_year,
  review_month,
  beer_id,
  beer_name,
  beer_style,
  brewery_name,
  reviews,
  average_overall,
  average_taste,
  -- The ranked are counted among themselves; their number breaks ties, so that it is the same in every build.
  CASE WHEN is_ranked THEN CAST(ROW_NUMBER() OVER (
    PARTITION BY review_year, review_month, is_ranked
    ORDER BY average_overall DESC, reviews DESC, beer_id
  ) AS BIGINT) END AS rating_rank
FROM monthly
