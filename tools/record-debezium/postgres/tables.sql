-- Tables and the rows that the snapshot finds. All data is invented.
CREATE EXTENSION hstore;
CREATE EXTENSION citext;
CREATE SCHEMA shop;
SET search_path = shop, public;

CREATE TABLE customer (
    id         integer PRIMARY KEY,
    name       text NOT NULL,
    email      varchar(120),
    note       text,
    vip        boolean NOT NULL DEFAULT false,
    credit     numeric(12, 2) NOT NULL DEFAULT 10.00,
    visits     bigint,
    born       date,
    joined     timestamptz NOT NULL,
    seen       timestamp
);

CREATE TABLE order_head (
    order_id    bigint PRIMARY KEY,
    customer_id integer NOT NULL,
    placed      timestamptz NOT NULL,
    total       numeric(14, 4) NOT NULL,
    status      text NOT NULL
);

CREATE TABLE order_line (
    order_id bigint,
    line_no  smallint,
    sku      text NOT NULL,
    quantity integer NOT NULL,
    price    numeric(10, 2) NOT NULL,
    PRIMARY KEY (order_id, line_no)
);

CREATE TABLE stock (
    sku     text PRIMARY KEY,
    on_hand integer NOT NULL,
    price   numeric(10, 2),
    changed timestamp(3) NOT NULL
);

CREATE TYPE mood AS ENUM ('calm', 'brisk', 'très vif');

CREATE TABLE kinds (
    id          integer PRIMARY KEY,
    small       smallint,
    big         bigint,
    exact       numeric(20, 6),
    loose       numeric,
    single      real,
    double      double precision,
    cash        money,
    yes         boolean,
    letters     char(6),
    words       varchar(60),
    body        text,
    nocase      citext,
    raw         bytea,
    doc         json,
    docb        jsonb,
    uid         uuid,
    day         date,
    clock       time,
    clock_ms    time(3),
    clock_zone  timetz,
    moment      timestamp,
    moment_ms   timestamp(3),
    moment_s    timestamp(0),
    moment_zone timestamptz,
    span        interval,
    address     inet,
    network     cidr,
    mac         macaddr,
    flag        bit(1),
    bits        bit(5),
    bits_up_to  varbit(12),
    spot        point,
    numbers     int4range,
    feel        mood,
    pairs       hstore,
    markup      xml,
    tags        text[],
    counts      integer[],
    bigs        bigint[],
    exacts      numeric(8, 2)[],
    flags       boolean[],
    uids        uuid[],
    days        date[],
    moments     timestamptz[]
);

-- Out-of-line storage begins once a row passes 2 kB; the small target then moves every column out.
CREATE TABLE toasted (
    id      integer PRIMARY KEY,
    counter integer NOT NULL,
    body    text,
    doc     json,
    docb    jsonb,
    raw     bytea,
    tags    text[],
    counts  integer[],
    bigs    bigint[],
    uids    uuid[],
    pairs   hstore,
    markup  xml,
    loose   numeric
) WITH (toast_tuple_target = 128);
ALTER TABLE toasted
    ALTER body SET STORAGE EXTERNAL, ALTER doc SET STORAGE EXTERNAL, ALTER docb SET STORAGE EXTERNAL,
    ALTER raw SET STORAGE EXTERNAL, ALTER tags SET STORAGE EXTERNAL, ALTER counts SET STORAGE EXTERNAL,
    ALTER bigs SET STORAGE EXTERNAL, ALTER uids SET STORAGE EXTERNAL, ALTER pairs SET STORAGE EXTERNAL,
    ALTER markup SET STORAGE EXTERNAL, ALTER loose SET STORAGE EXTERNAL;

-- The same under REPLICA IDENTITY FULL: the old row travels whole.
CREATE TABLE toasted_full (
    id      integer PRIMARY KEY,
    counter integer NOT NULL,
    body    text
);
ALTER TABLE toasted_full REPLICA IDENTITY FULL;
ALTER TABLE toasted_full ALTER body SET STORAGE EXTERNAL;

-- No primary key: whole rows are the identity.
CREATE TABLE journal (
    at      timestamptz NOT NULL,
    line    text NOT NULL,
    weight  numeric(6, 2)
);
ALTER TABLE journal REPLICA IDENTITY FULL;

-- No primary key and the default identity: PostgreSQL lets it take inserts only.
CREATE TABLE audit (
    at   timestamptz NOT NULL,
    line text NOT NULL
);

-- The replica identity is not the primary key.
CREATE TABLE coupon (
    id    integer PRIMARY KEY,
    code  text NOT NULL UNIQUE,
    worth numeric(6, 2) NOT NULL
);
ALTER TABLE coupon REPLICA IDENTITY USING INDEX coupon_code_key;

CREATE TABLE seat (
    row_no  integer,
    seat_no integer,
    guest   text,
    PRIMARY KEY (row_no, seat_no)
);

CREATE TABLE scratch (id integer PRIMARY KEY, word text);
CREATE TABLE scratch_too (id integer PRIMARY KEY, word text);

-- Names that need quotes; Debezium spells the topic differently.
CREATE TABLE "Beer Style" (
    "Nr."      integer PRIMARY KEY,
    "Größe °P" numeric(4, 1),
    "select"   text
);

CREATE TABLE marker (id integer PRIMARY KEY, word text NOT NULL);

-- Debezium's own: commands to the connector go in here.
CREATE TABLE signal (id varchar(42) PRIMARY KEY, type varchar(32) NOT NULL, data varchar(2048));

CREATE PUBLICATION weir FOR ALL TABLES;

INSERT INTO customer VALUES
    (1, 'Aino Testdottir', 'aino@example.com', NULL, true, 250.00, 9007199254740993, '1984-02-29',
        '2024-03-31 02:59:59.999999+01', '2024-03-31 02:30:00'),
    (2, 'Bo "Quote" O''Example', NULL, E'two\nlines\tand a \\ backslash', false, 0.10, NULL, NULL,
        '2024-10-27 02:30:00+01', '2024-10-27 02:30:00.000001'),
    (3, 'Σοφία 🍺 𝔘nicode', 'sofia@example.com', '', false, -12.34, 0, '1899-12-31',
        '1969-12-31 23:59:59.5+00', NULL);

INSERT INTO order_head VALUES
    (9007199254740993, 1, '2024-05-01 10:00:00+02', 19.9900, 'paid'),
    (9007199254740995, 2, '2024-05-01 11:00:00+02', 0.0001, 'open');
INSERT INTO order_line VALUES
    (9007199254740993, 1, 'ALE-1', 2, 5.00),
    (9007199254740993, 2, 'ALE-2', 1, 9.99),
    (9007199254740995, 1, 'ALE-1', 1, 0.00);

INSERT INTO stock SELECT 'ALE-' || n, 100 * n, n + 0.50, '2024-05-01 08:00:00.125' FROM generate_series(1, 6) n;

INSERT INTO kinds (id) VALUES (1);
INSERT INTO kinds VALUES (
    2, -32768, 9223372036854775807, 12345678901234.567890, 1234567890.0987654321, 1.1, 0.1,
    '1234.56', true, 'ab', 'sixty at most', 'plain', 'MiXeD', '\x00ff7f80', '{"b": 1, "a": [1, 2.50]}',
    '{"b": 1, "a": [1, 2.50]}', '0b9e9f4c-3f3c-4d38-8a55-0f7d5a6e1c11', '2024-02-29', '23:59:59.999999',
    '12:34:56.789', '12:34:56.5+02', '2024-02-29 23:59:59.999999', '2024-02-29 23:59:59.999',
    '2024-02-29 23:59:59', '2024-02-29 23:59:59.999999+05:30', '1 year 2 months 3 days 04:05:06.789',
    '192.0.2.7/24', '192.0.2.0/24', '02:00:5e:10:00:01', B'1', B'10110', B'101', '(1.5,-2.25)', '[1,10)',
    'brisk', 'a=>1, b=>NULL', '<beer abv="4.7"/>', '{"one","two, three",NULL,"quo\"te"}', '{1,2,NULL,-3}',
    '{9007199254740993,-1}', '{1.50,NULL,-0.01}', '{t,f,NULL}', '{0b9e9f4c-3f3c-4d38-8a55-0f7d5a6e1c11}',
    '{2024-02-29,1969-12-31}', '{"2024-02-29 12:00:00+00",NULL}');

INSERT INTO toasted VALUES (1, 0, 'short', '{"k": 1}', '{"k": 1}', '\x01', '{a}', '{1}', '{1}',
    '{0b9e9f4c-3f3c-4d38-8a55-0f7d5a6e1c11}', 'a=>1', '<a/>', 1.5);
INSERT INTO journal VALUES
    ('2024-05-01 08:00:00+00', 'twice', 1.00),
    ('2024-05-01 08:00:00+00', 'twice', 1.00),
    ('2024-05-01 08:01:00+00', 'once', NULL);
INSERT INTO coupon VALUES (1, 'SPRING', 5.00), (2, 'SUMMER', 7.50);
INSERT INTO seat VALUES (1, 3, 'Cy'), (1, 2, 'Bo'), (1, 1, 'Ai');
INSERT INTO scratch VALUES (1, 'gone soon'), (2, 'gone too');
INSERT INTO scratch_too VALUES (1, 'gone as well');
INSERT INTO "Beer Style" VALUES (1, 12.5, 'Märzen');
