-- What happens while Debezium streams. Lines that begin with `-- @` are for `record`:
--   @session NAME        the SQL below goes through this connection (the first one is `main`)
--   @wait COUNT TEXT     until the recording holds COUNT lines with TEXT in them
--   @restart             stop the connector and start it again
--   @hold                from here on the recorder acknowledges nothing (so a restart delivers it again)
--   @churn SEED          generated changes of the table `stock`

-- One key through its whole life, several times.
INSERT INTO customer VALUES (7, 'Cy Example', 'cy@example.com', 'new', false, 10.00, 1, '2001-01-01',
    '2024-06-01 12:00:00+00', '2024-06-01 14:00:00');
UPDATE customer SET visits = 2, seen = '2024-06-02 14:00:00.5' WHERE id = 7;
UPDATE customer SET visits = 3, note = NULL, credit = 9.50 WHERE id = 7;
DELETE FROM customer WHERE id = 7;
INSERT INTO customer VALUES (7, 'Cy the Second', NULL, E'again\r\n"quoted" \u2028 🍺', true, 0.00, NULL, NULL,
    '2024-06-03 12:00:00+00', NULL);
UPDATE customer SET note = '' WHERE id = 7;
DELETE FROM customer WHERE id = 2;
INSERT INTO customer VALUES (2, 'Bo Again', NULL, NULL, false, 1.00, -9007199254740993, '2000-02-29',
    '2024-06-03 12:00:01+00', '2024-06-03 12:00:01.000001');
UPDATE customer SET name = name WHERE id = 1;  -- changes nothing, is an event all the same
INSERT INTO customer VALUES (8, 'Di Brief', NULL, NULL, false, 1.00, 1, NULL, '2024-06-04 00:00:00+00', NULL);
DELETE FROM customer WHERE id = 8;
INSERT INTO customer (id, name, joined) VALUES (1, 'upsert', '2024-06-04 00:00:00+00')
    ON CONFLICT (id) DO UPDATE SET visits = customer.visits + 1;

-- Every type, at its edges.
INSERT INTO kinds VALUES (
    3, 32767, -9223372036854775808, -0.000001, 0.00000000000000000001, -1.17549435e-38, 1.7976931348623157e308,
    '-0.01', false, '', '', E'quote " slash \\ newline \n tab \t null-ish \u0001 𝄞 🍺 e\u0301 \u2028', 'ÄÖ', '\x',
    '"a\u0062c"', '{"🍺": "\"\n"}', '00000000-0000-0000-0000-000000000000', '0001-01-01', '00:00:00', '00:00:00',
    '00:00:00-12', '0001-01-01 00:00:00', '1970-01-01 00:00:00', '1969-12-31 23:59:59', '1969-12-31 23:59:59.999999+00',
    '-1 month -1 day -00:00:00.000001', '2001:db8::1', '2001:db8::/32', 'ff:ff:ff:ff:ff:ff', B'0', B'00000', B'',
    '(0,0)', 'empty', 'très vif', '', '<a>&amp;</a>', '{}', '{}', '{}', '{}', '{}', '{}', '{}', '{}');
INSERT INTO kinds (id, single, double, exact, loose, day, moment, moment_zone, span, counts) VALUES
    (4, 'Infinity', '-Infinity', 99999999999999.999999, 1e30, 'infinity', 'infinity', '-infinity', '100 years', '{{1,2},{3,4}}');
INSERT INTO kinds (id, double, loose, day, moment, moment_zone) VALUES
    (5, 'NaN', 'NaN', '0044-03-15 BC', '9999-12-31 23:59:59.999999', '9999-12-31 23:59:59.999999+00');
UPDATE kinds SET loose = 100, exact = 1, docb = 'null', doc = 'null' WHERE id = 2;
UPDATE kinds SET body = 'filled' WHERE id = 1;
DELETE FROM kinds WHERE id = 3;

-- Large values that an update leaves alone.
INSERT INTO toasted SELECT id, 0, t, to_json(t), to_jsonb(t), decode(t, 'hex'), array[t, NULL, 'x'],
        (SELECT array_agg(n) FROM generate_series(1, 60) n),
        (SELECT array_agg(9007199254740992 + n) FROM generate_series(1, 30) n),
        (SELECT array_agg(md5(n::text)::uuid) FROM generate_series(1, 15) n),
        hstore('k', t), ('<a>' || t || '</a>')::xml, repeat('123456789', 60)::numeric
    FROM (SELECT string_agg(md5(n::text), '' ORDER BY n) t FROM generate_series(1, 8) n) s,
        (VALUES (2), (4)) v (id);
UPDATE toasted SET counter = counter + 1;
UPDATE toasted SET counter = counter + 1, body = 'now short' WHERE id = 2;
UPDATE toasted SET counter = counter + 1, raw = NULL, tags = '{}' WHERE id = 2;
INSERT INTO toasted_full SELECT 1, 0, string_agg(md5(n::text), '' ORDER BY n) FROM generate_series(1, 80) n;
UPDATE toasted_full SET counter = 1;
UPDATE toasted_full SET body = 'replaced';
UPDATE toasted SET id = 3 WHERE id = 2;  -- a new key, and most of the row still unread
DELETE FROM toasted WHERE id = 1;

-- No key.
INSERT INTO journal VALUES ('2024-06-01 08:00:00+00', 'third', 0.50);
UPDATE journal SET weight = 2.00 WHERE line = 'once';
DELETE FROM journal WHERE ctid = (SELECT min(ctid) FROM journal WHERE line = 'twice');
INSERT INTO audit VALUES ('2024-06-01 08:00:00+00', 'only inserts here'), ('2024-06-01 08:00:00+00', 'only inserts here');

-- A replica identity of its own.
UPDATE coupon SET worth = 6.00 WHERE id = 1;
UPDATE coupon SET code = 'AUTUMN' WHERE id = 2;
UPDATE coupon SET id = 3 WHERE id = 1;
DELETE FROM coupon WHERE id = 3;

-- Other keys for the same rows: one row, then a shift where each row takes the key that the one before it left.
UPDATE seat SET row_no = 2 WHERE guest = 'Ai';
UPDATE seat SET seat_no = seat_no + 1 WHERE row_no = 1;
BEGIN;
UPDATE seat SET row_no = 9 WHERE guest = 'Ai';
UPDATE seat SET row_no = 2, seat_no = 1 WHERE guest = 'Bo';
UPDATE seat SET row_no = 1, seat_no = 3 WHERE guest = 'Ai';
COMMIT;

-- One transaction over several tables, one key touched more than once in it.
BEGIN;
INSERT INTO order_head VALUES (9007199254740997, 3, '2024-06-05 09:30:00+02', 30.0000, 'open');
INSERT INTO order_line VALUES (9007199254740997, 1, 'ALE-3', 3, 3.50), (9007199254740997, 2, 'ALE-4', 1, 4.50);
UPDATE stock SET on_hand = on_hand - 3, changed = '2024-06-05 07:30:00.250' WHERE sku = 'ALE-3';
UPDATE stock SET on_hand = on_hand - 1, changed = '2024-06-05 07:30:00.250' WHERE sku = 'ALE-4';
UPDATE order_line SET quantity = 4 WHERE order_id = 9007199254740997 AND line_no = 1;
DELETE FROM order_line WHERE order_id = 9007199254740997 AND line_no = 2;
INSERT INTO order_line VALUES (9007199254740997, 2, 'ALE-5', 1, 5.50);
UPDATE order_head SET status = 'paid', total = 19.5000 WHERE order_id = 9007199254740997;
COMMIT;

-- Rolled back: nothing of it is delivered. Of the second, only what the savepoint left.
BEGIN;
UPDATE customer SET name = 'never';
ROLLBACK;
BEGIN;
UPDATE customer SET visits = 11 WHERE id = 3;
SAVEPOINT s;
UPDATE customer SET visits = 12 WHERE id = 3;
ROLLBACK TO s;
UPDATE customer SET note = 'after the savepoint' WHERE id = 3;
COMMIT;

-- Two transactions at once: `late` writes first and commits last, so its smaller LSNs are delivered last.
-- @session late
BEGIN;
UPDATE stock SET on_hand = 1111, changed = '2024-06-06 00:00:00.001' WHERE sku = 'ALE-1';
-- @session main
UPDATE stock SET on_hand = 2222, changed = '2024-06-06 00:00:00.002' WHERE sku = 'ALE-2';
-- @session late
UPDATE stock SET on_hand = 3333, changed = '2024-06-06 00:00:00.003' WHERE sku = 'ALE-2';
-- @session main
BEGIN;
UPDATE stock SET on_hand = 4444, changed = '2024-06-06 00:00:00.004' WHERE sku = 'ALE-3';
-- @session late
COMMIT;
-- @session main
UPDATE stock SET on_hand = 5555, changed = '2024-06-06 00:00:00.005' WHERE sku = 'ALE-1';
COMMIT;

-- Several rows in one WAL record.
COPY scratch FROM STDIN;
3	copied
4	copied
5	copied
\.
UPDATE scratch SET word = 'all of them';

-- Truncate, then the same keys again.
TRUNCATE scratch;
INSERT INTO scratch VALUES (1, 'after truncate');
BEGIN;
INSERT INTO scratch VALUES (2, 'lives for one statement');
TRUNCATE scratch, scratch_too;
INSERT INTO scratch_too VALUES (9, 'same transaction as the truncate');
COMMIT;

-- Messages that are no row: outside and inside a transaction.
SELECT pg_logical_emit_message(false, 'weir', 'not transactional');
BEGIN;
INSERT INTO audit VALUES ('2024-06-01 08:00:02+00', 'beside a message');
SELECT pg_logical_emit_message(true, 'weir', 'transactional "ü" 🍺');
COMMIT;

INSERT INTO "Beer Style" VALUES (2, 16.0, 'Bock');
UPDATE "Beer Style" SET "Größe °P" = 13.0 WHERE "Nr." = 1;

-- @churn 7

-- A snapshot asked for while streaming.
INSERT INTO signal VALUES ('ad-hoc-1', 'execute-snapshot',
    '{"data-collections": ["shop.order_line"], "type": "incremental"}');
-- @wait 5 "snapshot":"incremental"
UPDATE order_line SET quantity = quantity + 10 WHERE line_no = 1;
DELETE FROM order_line WHERE order_id = 9007199254740995;

-- Another shape of the table, on the way.
ALTER TABLE customer ADD COLUMN tier text;
UPDATE customer SET tier = 'gold' WHERE id = 1;
INSERT INTO customer VALUES (9, 'Ed New', NULL, NULL, false, 1.00, 1, NULL, '2024-06-07 00:00:00+00', NULL, 'tin');
ALTER TABLE customer ADD COLUMN points integer NOT NULL DEFAULT 5;
UPDATE customer SET points = points + id;  -- without this the log never tells about the default
ALTER TABLE customer DROP COLUMN email;
UPDATE customer SET note = 'no e-mail' WHERE id = 9;
ALTER TABLE customer RENAME COLUMN seen TO last_seen;
UPDATE customer SET last_seen = last_seen;  -- nor about a new name
CREATE TABLE latecomer (id integer PRIMARY KEY, word text DEFAULT 'none');
INSERT INTO latecomer VALUES (1), (2);

-- A consumer that dies before it acknowledges: the same changes are delivered a second time.
-- @wait 1 "word":"none"
-- @hold
INSERT INTO customer VALUES (10, 'Flo Twice', NULL, false, 1.00, 1, NULL, '2024-06-08 00:00:00+00', NULL, 'tin', 5);
UPDATE customer SET visits = 2 WHERE id = 10;
DELETE FROM customer WHERE id = 10;
INSERT INTO customer VALUES (10, 'Flo Once More', NULL, false, 1.00, 3, NULL, '2024-06-08 00:00:00+00', NULL, 'tin', 5);
BEGIN;
UPDATE customer SET visits = 4 WHERE id = 10;
UPDATE stock SET on_hand = 77 WHERE sku = 'ALE-6';
COMMIT;
-- @wait 1 "on_hand":77
-- @restart
UPDATE customer SET visits = 5 WHERE id = 10;
-- @churn 8
INSERT INTO marker VALUES (1, 'end of the recording');
-- @wait 1 end of the recording
