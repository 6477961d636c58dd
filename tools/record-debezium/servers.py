"""Throwaway PostgreSQL and MariaDB servers: a free loopback port, a random password, a temporary folder.

`Server` holds what both share, and reads tables back as the database sees them at the end.
"""

import json
import os
import pathlib
import pwd
import secrets
import shutil
import socket
import subprocess
import time

INSTALL = "apt-get update && apt-get install postgresql postgresql-contrib mariadb-server openjdk-17-jdk-headless maven python3"
START_SECONDS = 60
STOP_SECONDS = 30


class Failure(Exception):
    """Ends the recording; the message says what to do."""


def find_program(name, folders):
    """Path of `name` in the first of `folders` that has it, else on PATH."""
    found = shutil.which(name, path=os.pathsep.join([*folders, os.environ.get("PATH", ""), "/usr/sbin"]))
    if not found:
        raise Failure(f"{name} not found. On Debian: {INSTALL}\nOr set PG_BIN / MARIADB_BIN to the folders that hold it.")
    return found


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def unprivileged():
    """Popen arguments under which a server agrees to start: both servers refuse to be root."""
    if os.geteuid() != 0:
        return {}
    nobody = pwd.getpwnam("nobody")
    return {"user": nobody.pw_uid, "group": nobody.pw_gid, "extra_groups": []}


def stop(process, gentle):
    if process and process.poll() is None:
        process.send_signal(gentle)
        try:
            process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


class Session:
    """A client that stays connected, so that a transaction can stay open between two pieces of SQL."""

    END = "-- that was all --"

    def __init__(self, command, env, echo):
        self.echo = echo
        self.client = subprocess.Popen(
            command, env=env, text=True, encoding="utf-8", start_new_session=True,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)

    def run(self, sql):
        """Runs `sql` to its end; a failed statement ends the recording."""
        self.client.stdin.write(sql + "\n" + self.echo.format(self.END) + "\n")
        self.client.stdin.flush()
        said = []
        for line in self.client.stdout:
            if line.rstrip("\n") == self.END:
                return said
            said.append(line.rstrip("\n"))
        raise Failure("SQL failed: " + "\n".join(said[-5:]))

    def close(self):
        self.client.stdin.close()
        self.client.wait()
        self.client.stdout.close()


class Server:
    """What both servers share. A subclass starts one in `folder` and says how its values are read back."""

    def __init__(self, folder):
        self.folder = folder
        self.port = free_port()
        self.password = secrets.token_hex(16)
        self.process = None
        self.sessions = {}
        folder.mkdir()
        if os.geteuid() == 0:
            os.chown(folder, pwd.getpwnam("nobody").pw_uid, pwd.getpwnam("nobody").pw_gid)

    def prepare(self, command):
        done = subprocess.run(command, cwd=self.folder, capture_output=True, text=True, **unprivileged())
        if done.returncode:
            raise Failure(f"{command[0]} failed:\n{done.stdout}\n{done.stderr}")

    def launch(self, command):
        log = self.folder / "server.log"
        with open(log, "wb") as out:
            self.process = subprocess.Popen(
                command, cwd=self.folder, stdout=out, stderr=out, start_new_session=True, **unprivileged())
        deadline = time.monotonic() + START_SECONDS
        while not self.answers():
            if self.process.poll() is not None or time.monotonic() > deadline:
                raise Failure(f"{command[0]} did not start:\n{log.read_text(errors='replace')[-2000:]}")
            time.sleep(0.1)

    def answers(self):
        return subprocess.run([*self.client(), self.ONE_STATEMENT, "SELECT 1"], env=self.env(),
                              capture_output=True).returncode == 0

    def session(self, name):
        if name not in self.sessions:
            self.sessions[name] = Session(self.client(), self.env(), self.ECHO)
            self.sessions[name].run(self.FIRST)
        return self.sessions[name]

    def stop(self):
        for session in self.sessions.values():
            session.client.kill()
            session.close()
        stop(self.process, self.STOP_SIGNAL)

    def tables(self):
        """`{table: {"key": [column], "columns": {column: type}}}`, as the database's catalog has it now."""
        found = {}
        for line in self.session("main").run(self.CATALOG):
            table, column, kind, key_position = json.loads(line)
            entry = found.setdefault(table, {"key": {}, "columns": {}})
            entry["columns"][column] = kind
            if key_position is not None:
                entry["key"][key_position] = column
        for entry in found.values():
            entry["key"] = [column for _, column in sorted(entry["key"].items())]
        return found

    def rows(self, table, shape):
        """Every row of `table`, ordered by its key, else by all that it holds."""
        self.session("main").run(self.READ_BACK)
        columns = shape["columns"]
        # Hexadecimal between server and here: no client quoting to undo.
        fields = ", ".join(self.hex_of(self.quote(c), kind) for c, kind in columns.items())
        order = ", ".join(self.quote(c) for c in shape["key"] or columns)
        for line in self.session("main").run(f"SELECT {fields} FROM {self.quote(table)} ORDER BY {order};"):
            cells = [None if cell == self.NULL else bytes.fromhex(cell).decode() for cell in line.split(self.SEPARATOR)]
            yield {c: None if cell is None else self.value_of(cell, kind)
                   for (c, kind), cell in zip(columns.items(), cells, strict=True)}


class Postgres(Server):
    ONE_STATEMENT = "-c"
    ECHO = "\\echo {}"
    FIRST = "SET search_path = shop, public;"
    READ_BACK = "SET timezone = 'UTC'; SET datestyle = 'ISO'; SET intervalstyle = 'iso_8601';"
    STOP_SIGNAL = 2  # SIGINT: PostgreSQL's fast shutdown
    NULL, SEPARATOR = "~", "|"
    CATALOG = """
        SELECT json_build_array(c.relname, a.attname, format_type(a.atttypid, a.atttypmod),
                                array_position(i.indkey::smallint[], a.attnum))
        FROM pg_class c
        JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
        LEFT JOIN pg_index i ON i.indrelid = c.oid AND i.indisprimary
        WHERE c.relnamespace = 'shop'::regnamespace AND c.relkind = 'r' AND c.relname <> 'signal'
        ORDER BY c.relname COLLATE "C", a.attnum;"""

    def __init__(self, folder, binaries):
        super().__init__(folder)
        self.database = "postgres"
        debian = sorted(pathlib.Path("/usr/lib/postgresql").glob("*/bin"), key=lambda p: int(p.parent.name), reverse=True)
        folders = binaries or [str(p) for p in debian]
        self.psql = find_program("psql", folders)
        data = folder / "data"
        password = folder / "password"
        password.write_text(self.password)
        self.prepare([find_program("initdb", folders), "-D", str(data), "-U", "weir", "--auth=scram-sha-256",
                      f"--pwfile={password}", "--encoding=UTF8", "--locale=C.UTF-8", "--no-sync"])
        self.command = [find_program("postgres", folders), "-D", str(data), "-p", str(self.port)]
        for setting in ["listen_addresses=127.0.0.1", "unix_socket_directories=", "wal_level=logical",
                        "fsync=off", "timezone=UTC"]:
            self.command += ["-c", setting]

    def start(self):
        self.launch(self.command)
        self.session("main").run("CREATE DATABASE brewery;")
        self.sessions.pop("main").close()
        self.database = "brewery"
        self.version = self.session("main").run("SHOW server_version;")[0].split()[0]

    def client(self):
        return [self.psql, "-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-P", f"null={self.NULL}",
                "-F", self.SEPARATOR, "-h", "127.0.0.1", "-p", str(self.port), "-U", "weir", "-d", self.database]

    def env(self):
        return {**os.environ, "PGPASSWORD": self.password, "PGCLIENTENCODING": "UTF8"}

    @staticmethod
    def quote(name):
        return '"' + name.replace('"', '""') + '"'

    @staticmethod
    def hex_of(column, kind):
        if kind == "bytea":
            text = f"encode({column}, 'base64')"
        elif kind in ("integer[]", "bigint[]", "boolean[]"):
            text = f"to_json({column})::text"
        elif kind.endswith("[]"):
            text = f"to_json({column}::text[])::text"
        elif kind.startswith("character("):
            text = f"rpad({column}::text, {kind[10:-1]})"  # the cast to text drops the padding
        else:
            text = f"{column}::text"
        return f"encode(convert_to({text}, 'UTF8'), 'hex')"

    @staticmethod
    def value_of(text, kind):
        if kind in ("smallint", "integer", "bigint"):
            return int(text)
        if kind in ("real", "double precision"):
            return float(text) if text not in ("NaN", "Infinity", "-Infinity") else text
        if kind == "boolean":
            return text == "true"
        if kind == "bytea":
            return text.replace("\n", "")
        return json.loads(text) if kind.endswith("[]") else text


class MariaDb(Server):
    ONE_STATEMENT = "-e"
    ECHO = "SELECT '{}';"
    FIRST = "SET NAMES utf8mb4;"
    READ_BACK = "SET time_zone = '+00:00';"
    STOP_SIGNAL = 15
    NULL, SEPARATOR = "NULL", "\t"
    CATALOG = """
        SELECT JSON_ARRAY(c.table_name, c.column_name, c.column_type, s.seq_in_index)
        FROM information_schema.columns c
        LEFT JOIN information_schema.statistics s
            ON s.table_schema = c.table_schema AND s.table_name = c.table_name AND s.column_name = c.column_name
            AND s.index_name = 'PRIMARY'
        WHERE c.table_schema = 'shop' AND c.table_name <> 'signal'
        ORDER BY BINARY c.table_name, c.ordinal_position;"""

    def __init__(self, folder, binaries):
        super().__init__(folder)
        self.mariadb = find_program("mariadb", binaries)
        data = folder / "data"
        self.prepare([find_program("mariadb-install-db", binaries), "--no-defaults", f"--datadir={data}",
                      "--auth-root-authentication-method=normal", "--skip-test-db"])
        users = folder / "users.sql"
        users.write_text(
            "SET sql_log_bin = 0;\n"
            f"ALTER USER 'root'@'localhost' IDENTIFIED BY '{self.password}';\n"
            f"CREATE USER 'weir'@'127.0.0.1' IDENTIFIED BY '{self.password}';\n"
            "GRANT ALL ON *.* TO 'weir'@'127.0.0.1';\n")
        self.command = [
            find_program("mariadbd", binaries), "--no-defaults", f"--datadir={data}", f"--init-file={users}",
            f"--port={self.port}", "--bind-address=127.0.0.1", f"--socket={folder / 'sock'}", "--skip-name-resolve",
            "--log-bin=mariadb-bin", "--binlog-format=ROW", "--binlog-row-image=FULL", "--server-id=1",
            "--gtid-strict-mode=ON", "--character-set-server=utf8mb4", "--default-time-zone=+02:00"]

    def start(self):
        self.launch(self.command)
        self.version = self.session("main").run("SELECT VERSION();")[0].split("-")[0]

    def client(self):
        return [self.mariadb, "--no-defaults", "--batch", "--raw", "--skip-column-names", "--unbuffered",
                "--default-character-set=utf8mb4", "--protocol=tcp", "--host=127.0.0.1", f"--port={self.port}", "--user=weir"]

    def session(self, name):
        known = name in self.sessions
        session = super().session(name)
        if not known and name != "main":
            session.run("USE shop;")
        return session

    def env(self):
        return {**os.environ, "MYSQL_PWD": self.password}

    @staticmethod
    def quote(name):
        return "`" + name.replace("`", "``") + "`"

    @staticmethod
    def hex_of(column, kind):
        if kind.startswith(("binary", "varbinary")) or kind.endswith("blob"):
            text = f"REPLACE(TO_BASE64({column}), '\\n', '')"
        elif kind.startswith("bit"):
            text = f"BIN({column})"
        elif kind == "point":
            text = f"ST_AsText({column})"
        else:
            text = f"CAST({column} AS CHAR)"
        return f"HEX(CONVERT({text} USING utf8mb4))"

    @staticmethod
    def value_of(text, kind):
        if kind.startswith(("tinyint", "smallint", "mediumint", "int", "bigint", "year")):
            return int(text)
        return float(text) if kind in ("float", "double") else text
