"""`nightly-report`, `pictures` and `queue-to-database`: S3, SQS and a database, with plugins in between."""

from __future__ import annotations

import base64
import io
import json
import sqlite3
import struct
import time
import zlib
from pathlib import Path
from typing import Any

import pytest
from tests.workflows.shipped.desk import Desk, signed

pytestmark = pytest.mark.services  # moto's server alone takes five seconds of processor time to start
KEYS = {"access_key_id": "AKIAIOSFODNN7EXAMPLE", "secret_access_key": "never-shown"}
ORDERS = "CREATE TABLE orders (id TEXT PRIMARY KEY, item TEXT NOT NULL, amount REAL NOT NULL)"


def use(desk: Desk, connector: str, action: str, **given: Any) -> Any:
    """An action of a connector, as a person tries it."""
    return desk.do(lambda host: host.connectors.use_blocking("tests", connector, action, given, timeout_s=20))


@pytest.fixture(scope="module")
def bucket(desk: Desk, cloud: str) -> Desk:
    _make(cloud, "s3", "create_bucket", Bucket="gallery")
    desk.connect("files", "s3", {"region": "us-east-1", "base_url": cloud, "bucket": "gallery"}, **KEYS)
    return desk


def _make(url: str, service: str, method: str, **given: Any) -> None:
    import boto3

    client = boto3.client(
        *(service, "us-east-1"),
        endpoint_url=url,
        aws_access_key_id=KEYS["access_key_id"],
        aws_secret_access_key=KEYS["secret_access_key"],
    )
    getattr(client, method)(**given)
    client.close()


def test_the_day_s_files_become_a_page_and_one_that_is_broken_a_line_of_it(bucket: Desk) -> None:
    bucket.need("csv", "markdown")
    bucket.apply("nightly-report")
    day = "sales/2026-01-31"
    use(bucket, "files", "put", key=f"{day}/north.csv", body="product,amount\ntea,10.5\ncoffee,4\n")
    use(bucket, "files", "put", key=f"{day}/south.csv", body="product;amount\ntea;2\n<b>cake</b>;1\n")
    use(bucket, "files", "put", key=f"{day}/broken.csv", body="product,amount\ntea\n")
    use(bucket, "files", "put", key=f"{day}/odd.csv", body="product,amount\ntea,many\n")
    run = bucket.ended(bucket.start("nightly-report", {"day": "2026-01-31"}))
    assert run["status"] == "completed", run["fault"]
    assert run["output"]["products"] == 3
    problems = sorted(run["output"]["problems"])
    assert problems[0].startswith(f"{day}/broken.csv: ")
    assert "line 2" in problems[0]
    assert problems[1] == f"{day}/odd.csv: An amount is no number"
    page = use(bucket, "files", "get", key="reports/2026-01-31.html")["body"]
    assert "<td>tea</td>\n<td>2</td>\n<td>12.50</td>" in page
    assert "&lt;b&gt;cake" in page
    assert "Not in it" in page
    assert bucket.sound(run["id"])


def test_a_bucket_that_is_not_there_fails_the_report_and_says_so(bucket: Desk, cloud: str) -> None:
    bucket.apply("nightly-report", ("call: files.", "call: nowhere."))
    bucket.connect("nowhere", "s3", {"region": "us-east-1", "base_url": cloud, "bucket": "missing"}, **KEYS)
    run = bucket.ended(bucket.start("nightly-report", {}))
    assert (run["status"], run["fault"]["instance"]) == ("faulted", "/do/1/list")
    assert run["fault"]["status"] == 404


def _png(width: int, height: int) -> dict[str, str]:
    rows = b"".join(b"\x00" + b"\x10\x80\xf0" * width for _ in range(height))
    out = io.BytesIO(b"\x89PNG\r\n\x1a\n")
    out.seek(0, io.SEEK_END)
    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    for kind, data in ((b"IHDR", head), (b"IDAT", zlib.compress(rows)), (b"IEND", b"")):
        out.write(struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data)))
    return {"base64": base64.b64encode(out.getvalue()).decode()}


def test_pictures_get_small_ones_and_the_sender_hears_which_could_not_be_read(bucket: Desk) -> None:
    bucket.do(lambda host: host.plugins.grant("thumbnail", who="test"))
    bucket.apply("pictures")
    path = bucket.hook("pictures", "hmac")
    for name in ("cat", "dog"):
        use(bucket, "files", "put", key=f"photos/{name}.png", body=_png(640, 320))
    use(bucket, "files", "put", key="photos/note.txt", body={"base64": base64.b64encode(b"\xff no picture").decode()})
    names = ["cat.png", "note.txt", "dog.png", "missing.png"]
    body = {"keys": [f"photos/{name}" for name in names]}
    answer = bucket.deliver(path, body, signed(body, at=time.time()))
    assert answer.status_code == 200, answer.text
    told = answer.json()
    small = {"width": 256, "height": 128}
    assert told["made"] == [{"key": "photos/cat.png", **small}, {"key": "photos/dog.png", **small}]
    assert [one["key"] for one in told["failed"]] == ["photos/note.txt", "photos/missing.png"]
    assert all(one["why"] for one in told["failed"])
    found = [one["key"] for one in use(bucket, "files", "list", prefix="small/")["objects"]]
    assert found == ["small/photos/cat.png.png", "small/photos/dog.png.png"]
    late = bucket.deliver(path, body, signed(body, at=time.time() - 4000))
    assert late.status_code in (401, 403)
    other = {"keys": ["secret/plan.png"]}
    assert bucket.deliver(path, other, signed(other, at=time.time())).status_code == 422
    assert len(bucket.runs("pictures")) == 1  # the other was none of its inputs


def test_messages_become_rows_once_and_one_that_is_no_order_stays(desk: Desk, cloud: str, tmp_path: Path) -> None:
    file = tmp_path / "orders.db"
    with sqlite3.connect(file) as database:
        database.execute(ORDERS)
    database.close()
    _make(cloud, "sqs", "create_queue", QueueName="bought")
    desk.connect("queue", "sqs", {"region": "us-east-1", "base_url": cloud, "queue": "bought"}, **KEYS)
    desk.connect("orders", "sqlite", {"file": str(file), "writable": True})
    desk.apply("queue-to-database", ("    - {every: PT10S, missed: skip}\n", "    []\n"), ("hold_s: 120", "hold_s: 0"))
    for order in ({"id": "1", "item": "tea", "amount": 2}, {"id": "1", "item": "tea", "amount": 2}, "no order"):
        use(desk, "queue", "send", body=json.dumps(order))
    run = desk.ended(desk.start("queue-to-database"))
    assert (run["status"], run["output"]) == ("completed", {"messages": 3})
    assert use(desk, "orders", "query", sql="SELECT * FROM orders")["rows"] == [["1", "tea", 2.0]]
    left = use(desk, "queue", "receive", limit=10, hold_s=0)["messages"]
    assert [json.loads(one["body"]) for one in left] == ["no order"]


def test_a_database_that_may_not_be_written_keeps_the_messages(desk: Desk, cloud: str, tmp_path: Path) -> None:
    file = tmp_path / "orders.db"
    sqlite3.connect(file).close()
    _make(cloud, "sqs", "create_queue", QueueName="more")
    desk.connect("queue", "sqs", {"region": "us-east-1", "base_url": cloud, "queue": "more"}, **KEYS)
    desk.connect("orders", "sqlite", {"file": str(file)})
    desk.apply("queue-to-database", ("    - {every: PT10S, missed: skip}\n", "    []\n"), ("hold_s: 120", "hold_s: 0"))
    use(desk, "queue", "send", body=json.dumps({"id": "1", "item": "tea", "amount": 2}))
    assert desk.ended(desk.start("queue-to-database"))["status"] == "completed"
    assert len(use(desk, "queue", "receive", hold_s=0)["messages"]) == 1
