-- Tables and the rows that the snapshot finds. All data is invented.
CREATE DATABASE shop CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;
USE shop;

CREATE TABLE customer (
    id         INT PRIMARY KEY,
    name       VARCHAR(120) NOT NULL,
    email      VARCHAR(120),
    note       TEXT,
    vip        BOOLEAN NOT NULL DEFAULT false,
    credit     DECIMAL(12, 2) NOT NULL DEFAULT 10.00,
    visits     BIGINT,
    born       DATE,
    joined     TIMESTAMP(6) NOT NULL DEFAULT CURRENT_TIMESTAMP(6),
    seen       DATETIME(6)
);

CREATE TABLE order_head (
    order_id    BIGINT PRIMARY KEY,
    customer_id INT NOT NULL,
    placed      TIMESTAMP NOT NULL DEFAULT '2024-01-01 00:00:00',
    total       DECIMAL(14, 4) NOT NULL,
    status      ENUM('open', 'paid', 'zurück') NOT NULL
);

CREATE TABLE order_line (
    order_id BIGINT,
    line_no  SMALLINT,
    sku      VARCHAR(20) NOT NULL,
    quantity INT NOT NULL,
    price    DECIMAL(10, 2) NOT NULL,
    PRIMARY KEY (order_id, line_no)
);

CREATE TABLE stock (
    sku     VARCHAR(20) PRIMARY KEY,
    on_hand INT NOT NULL,
    price   DECIMAL(10, 2),
    changed DATETIME(3) NOT NULL
);

CREATE TABLE kinds (
    id           INT PRIMARY KEY,
    tiny         TINYINT,
    tiny_u       TINYINT UNSIGNED,
    small        SMALLINT,
    small_u      SMALLINT UNSIGNED,
    medium_u     MEDIUMINT UNSIGNED,
    whole_u      INT UNSIGNED,
    big          BIGINT,
    big_u        BIGINT UNSIGNED,
    exact        DECIMAL(30, 10),
    exact_u      DECIMAL(8, 3) UNSIGNED,
    single       FLOAT,
    double_      DOUBLE,
    yes          BOOLEAN,
    flag         BIT(1),
    bits         BIT(10),
    letters      CHAR(6),
    words        VARCHAR(60),
    words_latin  VARCHAR(60) CHARACTER SET latin1,
    body         MEDIUMTEXT,
    fixed_raw    BINARY(4),
    raw          VARBINARY(32),
    raw_long     BLOB,
    doc          JSON,
    uid          UUID,
    day          DATE,
    clock        TIME,
    clock_us     TIME(6),
    moment       DATETIME,
    moment_ms    DATETIME(3),
    moment_us    DATETIME(6),
    moment_zone  TIMESTAMP NULL,
    moment_zone_us TIMESTAMP(6) NULL,
    year_        YEAR,
    feel         ENUM('calm', 'brisk', 'très vif'),
    traits       SET('dark', 'bitter', 'süß'),
    spot         POINT,
    doubled      INT AS (tiny * 2) STORED
);

CREATE TABLE large (
    id      INT PRIMARY KEY,
    counter INT NOT NULL,
    body    LONGTEXT
);

-- No primary key; then one whose only key is a unique index.
CREATE TABLE journal (
    at      DATETIME NOT NULL,
    line    VARCHAR(200) NOT NULL,
    weight  DECIMAL(6, 2)
);
CREATE TABLE coupon (
    code  VARCHAR(20) NOT NULL UNIQUE,
    worth DECIMAL(6, 2) NOT NULL
);

CREATE TABLE seat (
    row_no  INT,
    seat_no INT,
    guest   VARCHAR(20),
    PRIMARY KEY (row_no, seat_no)
);

CREATE TABLE scratch (id INT PRIMARY KEY AUTO_INCREMENT, word VARCHAR(40));
CREATE TABLE scratch_too (id INT PRIMARY KEY, word VARCHAR(40));

-- Names that need quotes; Debezium spells the topic differently.
CREATE TABLE `Beer Style` (
    `Nr.`      INT PRIMARY KEY,
    `Größe °P` DECIMAL(4, 1),
    `select`   VARCHAR(40)
);

CREATE TABLE marker (id INT PRIMARY KEY, word VARCHAR(40) NOT NULL);

-- Debezium's own: commands to the connector go in here.
CREATE TABLE `signal` (id VARCHAR(42) PRIMARY KEY, type VARCHAR(32) NOT NULL, data VARCHAR(2048));

INSERT INTO customer VALUES
    (1, 'Aino Testdottir', 'aino@example.com', NULL, true, 250.00, 9007199254740993, '1984-02-29',
        '2024-03-31 03:59:59.999999', '2024-03-31 02:30:00'),
    (2, 'Bo "Quote" O''Example', NULL, 'two\nlines\tand a \\ backslash', false, 0.10, NULL, NULL,
        '2024-10-27 03:30:00', '2024-10-27 02:30:00.000001'),
    (3, 'Σοφία 🍺 𝔘nicode', 'sofia@example.com', '', false, -12.34, 0, '1899-12-31',
        '1970-01-01 02:00:01.5', NULL);

INSERT INTO order_head VALUES
    (9007199254740993, 1, '2024-05-01 10:00:00', 19.9900, 'paid'),
    (9007199254740995, 2, '2024-05-01 11:00:00', 0.0001, 'open');
INSERT INTO order_line VALUES
    (9007199254740993, 1, 'ALE-1', 2, 5.00),
    (9007199254740993, 2, 'ALE-2', 1, 9.99),
    (9007199254740995, 1, 'ALE-1', 1, 0.00);

INSERT INTO stock SELECT CONCAT('ALE-', seq), 100 * seq, seq + 0.50, '2024-05-01 08:00:00.125' FROM seq_1_to_6;

INSERT INTO kinds (id) VALUES (1);
INSERT INTO kinds VALUES (
    2, -128, 255, -32768, 65535, 16777215, 4294967295, 9223372036854775807, 18446744073709551615,
    12345678901234567890.0123456789, 99999.999, 1.1, 0.1, true, b'1', b'1000000001', 'ab', 'sixty at most',
    'Märzen', 'plain', x'00ff7f80', x'00ff7f80', x'00ff7f80', '{"b": 1, "a": [1, 2.50]}',
    '0b9e9f4c-3f3c-4d38-8a55-0f7d5a6e1c11', '2024-02-29', '23:59:59', '23:59:59.999999',
    '2024-02-29 23:59:59', '2024-02-29 23:59:59.999', '2024-02-29 23:59:59.999999', '2024-02-29 23:59:59',
    '2024-02-29 23:59:59.999999', 2024, 'brisk', 'dark,süß', POINT(1.5, -2.25), DEFAULT);

INSERT INTO journal VALUES
    ('2024-05-01 08:00:00', 'twice', 1.00),
    ('2024-05-01 08:00:00', 'twice', 1.00),
    ('2024-05-01 08:01:00', 'once', NULL);
INSERT INTO coupon VALUES ('SPRING', 5.00), ('SUMMER', 7.50);
INSERT INTO seat VALUES (1, 3, 'Cy'), (1, 2, 'Bo'), (1, 1, 'Ai');
INSERT INTO scratch VALUES (1, 'gone soon'), (2, 'gone too');
INSERT INTO scratch_too VALUES (1, 'gone as well');
INSERT INTO `Beer Style` VALUES (1, 12.5, 'Märzen');
