-- The best beers of all months with at least 100 reviews.
SELECT
  beer_name,
  brewery_name,
  SUM(reviews) AS reviews,
  ROUND(SUM(average_overall * reviews) / SUM(reviews), 2) AS average
FROM gold.top_beers_by_rating
GROUP BY beer_id, beer_name, brewery_name
HAVING SUM(reviews) >= 100
ORDER BY average DESC, reviews DESC, beer_name
LIMIT 5
