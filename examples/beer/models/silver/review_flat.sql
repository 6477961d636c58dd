/*
description: Each review with the beer, the brewery and the drinker that it is about. What is about a beer, a brewery
  or a drinker that was deleted is null; the review stays.
partitionBy: [review_year, review_month]
sortBy: [review_id]
tests:
  - notNull: [review_id, review_time, beer_id, brewery_id, profile_id]
  - unique: [review_id]
  - name: ratings are within the scale
    sql: SELECT * FROM this WHERE review_overall NOT BETWEEN 1 AND 5 OR review_taste NOT BETWEEN 1 AND 5
  - rowCount: {min: 1}
    severity: warn
charts:
  - title: Reviews by year
    kind: line
    sql: SELECT review_year, COUNT(*) AS reviews FROM this GROUP BY review_year ORDER BY review_year
*/
SELECT
  r.review_id,
  r.review_time,
  CAST(EXTRACT(YEAR FROM r.review_time) AS INT) AS review_year,
  CAST(EXTRACT(MONTH FROM r.review_time) AS INT) AS review_month,
  r.review_overall,
  r.review_aroma,
  r.review_appearance,
  r.review_palate,
  r.review_taste,
  r.beer_id,
  b.name AS beer_name,
  b.style AS beer_style,
  b.abv AS beer_abv,
  r.brewery_id,
  w.name AS brewery_name,
  w.city AS brewery_city,
  w.state AS brewery_state,
  r.profile_id,
  p.username AS profile_username,
  p.state AS profile_state
FROM silver.review AS r
-- Silver keeps deleted rows. What is asked of the joined tables stands in ON: in WHERE it would take the review away.
LEFT JOIN silver.beer AS b ON b.beer_id = r.beer_id AND b.deleted_at IS NULL
LEFT JOIN silver.brewery AS w ON w.brewery_id = r.brewery_id AND w.deleted_at IS NULL
LEFT JOIN silver.profile AS p ON p.profile_id = r.profile_id AND p.deleted_at IS NULL
WHERE r.deleted_at IS NULL
