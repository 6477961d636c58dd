-- What happens while Debezium streams. Lines that begin with `-- @` are for `record`:
--   @session NAME        the SQL below goes through this connection (the first one is `main`)
--   @wait COUNT TEXT     until the recording holds COUNT lines with TEXT in them
--   @restart             stop the connector and start it again
--   @hold                from here on the recorder acknowledges nothing (so a restart delivers it again)
--   @churn SEED          generated changes of the table `stock`

-- One key through its whole life, several times.
INSERT INTO customer VALUES (7, 'Cy Example', 'cy@example.com', 'new', false, 10.00, 1, '2001-01-01',
    '2024-06-01 14:00:00', '2024-06-01 14:00:00');
UPDATE customer SET visits = 2, seen = '2024-06-02 14:00:00.5' WHERE id = 7;
UPDATE customer SET visits = 3, note = NULL, credit = 9.50 WHERE id = 7;
DELETE FROM customer WHERE id = 7;
INSERT INTO customer VALUES (7, 'Cy the Second', NULL, 'again\r\n"quoted" 🍺', true, 0.00, NULL, NULL,
    '2024-06-03 14:00:00', NULL);
UPDATE customer SET note = '' WHERE id = 7;
DELETE FROM customer WHERE id = 2;
INSERT INTO customer VALUES (2, 'Bo Again', NULL, NULL, false, 1.00, -9007199254740993, '2000-02-29',
    '2024-06-03 14:00:01', '2024-06-03 12:00:01.000001');
UPDATE customer SET name = name WHERE id = 1;  -- changes nothing, and is no event here
INSERT INTO customer VALUES (8, 'Di Brief', NULL, NULL, false, 1.00, 1, NULL, '2024-06-04 00:00:00', NULL);
DELETE FROM customer WHERE id = 8;
INSERT INTO customer (id, name) VALUES (1, 'upsert') ON DUPLICATE KEY UPDATE visits = visits + 1;
REPLACE INTO customer VALUES (3, 'Σοφία replaced', NULL, NULL, false, 1.00, 1, NULL, '2024-06-04 00:00:00', NULL);

-- Every type, at its edges.
INSERT INTO kinds VALUES (
    3, 127, 0, 32767, 0, 0, 0, -9223372036854775808, 9007199254740993, -0.0000000001, 0.001, -1.17549435e-38,
    1.7976931348623157e308, false, b'0', b'0', '', '', 'ÿ', 'quote " slash \\ newline \n tab \t \Z 𝄞 🍺 ',
    '', '', '', '"a\\u0062c"', '00000000-0000-0000-0000-000000000000', '1000-01-01', '-838:59:59',
    '-00:00:00.000001', '1000-01-01 00:00:00', '1969-12-31 23:59:59.999', '1970-01-01 00:00:00',
    '1970-01-01 02:00:01', '2038-01-19 05:14:07.999999', 1901, 'très vif', '', NULL, DEFAULT);
INSERT INTO kinds (id, clock, clock_us, day, moment_us, fixed_raw, bits, year_) VALUES
    (4, '838:59:59', '24:00:00.5', '9999-12-31', '9999-12-31 23:59:59.999999', x'01', b'1', 0);
SET SESSION sql_mode = '';
INSERT INTO kinds (id, day, moment, moment_us, moment_zone, feel) VALUES
    (5, '0000-00-00', '0000-00-00', '2024-00-00', '0000-00-00', 'no such member');
SET SESSION sql_mode = DEFAULT;
UPDATE kinds SET exact = 1, doc = 'null', tiny = 21 WHERE id = 2;
UPDATE kinds SET body = 'filled' WHERE id = 1;
DELETE FROM kinds WHERE id = 3;

-- Large values: the whole row travels each time.
INSERT INTO large SELECT 1, 0, GROUP_CONCAT(MD5(seq) ORDER BY seq SEPARATOR '') FROM seq_1_to_80;
UPDATE large SET counter = 1;
UPDATE large SET body = 'replaced';

-- No key; then only a unique index.
INSERT INTO journal VALUES ('2024-06-01 08:00:00', 'third', 0.50);
UPDATE journal SET weight = 2.00 WHERE line = 'once';
DELETE FROM journal WHERE line = 'twice' LIMIT 1;
UPDATE coupon SET worth = 6.00 WHERE code = 'SPRING';
UPDATE coupon SET code = 'AUTUMN' WHERE code = 'SUMMER';
DELETE FROM coupon WHERE code = 'SPRING';

-- Other keys for the same rows: one row, then a shift where each row takes the key that the one before it left.
UPDATE seat SET row_no = 2 WHERE guest = 'Ai';
UPDATE seat SET seat_no = seat_no + 1 WHERE row_no = 1 ORDER BY seat_no DESC;
BEGIN;
UPDATE seat SET row_no = 9 WHERE guest = 'Ai';
UPDATE seat SET row_no = 2, seat_no = 1 WHERE guest = 'Bo';
UPDATE seat SET row_no = 1, seat_no = 3 WHERE guest = 'Ai';
COMMIT;

-- One transaction over several tables, one key touched more than once in it.
BEGIN;
INSERT INTO order_head VALUES (9007199254740997, 3, '2024-06-05 09:30:00', 30.0000, 'open');
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

-- Two transactions at once: `late` writes first and commits last.
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

-- Several rows in one binlog event: one `pos`, several `row`.
INSERT INTO scratch VALUES (3, 'together'), (4, 'together'), (5, 'together');
UPDATE scratch SET word = 'all of them';

-- Truncate, then the same keys again. (Here a TRUNCATE commits by itself.)
TRUNCATE scratch;
INSERT INTO scratch VALUES (1, 'after truncate');
TRUNCATE scratch_too;
INSERT INTO scratch_too VALUES (9, 'after truncate');

INSERT INTO `Beer Style` VALUES (2, 16.0, 'Bock');
UPDATE `Beer Style` SET `Größe °P` = 13.0 WHERE `Nr.` = 1;

-- The next binlog file: positions start again from its beginning.
FLUSH BINARY LOGS;
-- @churn 7

-- A snapshot asked for while streaming.
INSERT INTO `signal` VALUES ('ad-hoc-1', 'execute-snapshot',
    '{"data-collections": ["shop.order_line"], "type": "incremental"}');
-- @wait 5 "snapshot":"incremental"
UPDATE order_line SET quantity = quantity + 10 WHERE line_no = 1;
DELETE FROM order_line WHERE order_id = 9007199254740995;

-- Another shape of the table, on the way.
ALTER TABLE customer ADD COLUMN tier VARCHAR(20);
UPDATE customer SET tier = 'gold' WHERE id = 1;
INSERT INTO customer VALUES (9, 'Ed New', NULL, NULL, false, 1.00, 1, NULL, '2024-06-07 00:00:00', NULL, 'tin');
ALTER TABLE customer ADD COLUMN points INT NOT NULL DEFAULT 5 AFTER name;
UPDATE customer SET points = points + id;  -- without this no row event tells about the default
ALTER TABLE customer DROP COLUMN email;
UPDATE customer SET note = 'no e-mail' WHERE id = 9;
ALTER TABLE customer RENAME COLUMN seen TO last_seen;
UPDATE customer SET points = points + 1;  -- nor about a new name
CREATE TABLE latecomer (id INT PRIMARY KEY, word VARCHAR(20) DEFAULT 'none');
INSERT INTO latecomer (id) VALUES (1), (2);

-- A consumer that dies before it acknowledges: the same changes are delivered a second time.
-- @wait 1 "word":"none"
-- @hold
INSERT INTO customer VALUES (10, 'Flo Twice', 5, NULL, false, 1.00, 1, NULL, '2024-06-08 00:00:00', NULL, 'tin');
UPDATE customer SET visits = 2 WHERE id = 10;
DELETE FROM customer WHERE id = 10;
INSERT INTO customer VALUES (10, 'Flo Once More', 5, NULL, false, 1.00, 3, NULL, '2024-06-08 00:00:00', NULL, 'tin');
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
