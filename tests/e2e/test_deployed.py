"""The whole way, deployed: an unmodified SDK posts over HTTP, a mail arrives by SMTP, one click ends it."""

from __future__ import annotations

import json
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable
from email.message import EmailMessage
from itertools import count

import pytest
from segment import analytics

from homing.adapters.files import read_folder
from homing.adapters.s3 import S3Archive
from homing.adapters.s3_files import S3Files
from homing.cli.backtest_stage import Execution, play
from homing.domain.content.publish import publish
from homing.domain.time import DAY, SECOND
from homing.local.backtests.staged import Staged
from homing.services.flow_states import KEEP
from infra.config import ROOT
from tests.e2e.conftest import WRITE_KEY, Deployed

pytestmark = pytest.mark.e2e

KETTLE = {
    "product_id": "kettle-12",
    "name": "Copper kettle",
    "price": 79.0,
    "currency": "EUR",
    "quantity": 1,
    "url": "https://alder-and-moss.example/products/kettle-12",
    "image_url": "https://alder-and-moss.example/images/kettle-12.jpg",
}


def sdk(deployed: Deployed) -> analytics.Client:
    return analytics.Client(WRITE_KEY, host=deployed.outputs["ApiEndpoint"], sync_mode=True, max_retries=2)


def fill_a_cart(client: analytics.Client, person: str, cart: str, product: dict[str, object]) -> None:
    client.track(person, "Product Added", {"cart_id": cart, **product})


def text_of(mail: EmailMessage) -> str:
    part = mail.get_body(("plain",))
    assert part is not None
    return str(part.get_content())


def test_one_click_in_the_cart_mail_ends_all_mail_to_that_customer_and_to_nobody_else(deployed: Deployed) -> None:
    client = sdk(deployed)
    for person in ("ada", "grace"):
        traits = {"email": f"{person}@customers.example", "first_name": person.title(), "consent": {"marketing": True}}
        client.identify(person, traits)
    fill_a_cart(client, "ada", "cart-1", KETTLE)

    mail = deployed.eventually(lambda: deployed.sink.to("ada@customers.example"), "Ada's cart mail")[0]

    assert "Copper kettle" in text_of(mail)
    assert mail["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    links = [part.strip().strip("<>") for part in str(mail["List-Unsubscribe"]).split(",")]
    link = next(part for part in links if part.startswith("http"))
    assert link.startswith(deployed.outputs["ApiEndpoint"] + "/unsubscribe")

    # A mail scanner opens the link: nothing changes.
    with urllib.request.urlopen(link, timeout=30) as page:
        assert page.status == 200
    # The mail client posts it, as RFC 8058 says.
    click = urllib.request.Request(link, data=b"List-Unsubscribe=One-Click", method="POST")
    with urllib.request.urlopen(click, timeout=30) as answer:
        assert answer.status == 200

    fill_a_cart(client, "ada", "cart-2", KETTLE)
    fill_a_cart(client, "grace", "cart-3", KETTLE)
    deployed.eventually(lambda: deployed.sink.to("grace@customers.example"), "Grace's cart mail")
    deployed.eventually(lambda: len(deployed.carts_considered()) == 3, "a decision about Ada's second cart")
    # Its mail would be on its way now, if there were one.
    for _ in range(6):
        deployed.wake()
        time.sleep(0.5)

    assert len(deployed.carts_considered()) == 3
    assert len(deployed.sink.to("ada@customers.example")) == 1
    assert len(deployed.sink.to("grace@customers.example")) == 1


def test_nobody_gets_in_without_a_write_key(deployed: Deployed) -> None:
    request = urllib.request.Request(
        deployed.outputs["ApiEndpoint"] + "/v1/track",
        data=b'{"userId": "eve", "event": "Product Added"}',
        headers={"Content-Type": "application/json"},
    )

    with pytest.raises(urllib.error.HTTPError) as refused:
        urllib.request.urlopen(request, timeout=30)

    assert refused.value.code == 401


def test_a_shop_must_sign_its_webhooks(deployed: Deployed) -> None:
    request = urllib.request.Request(
        deployed.outputs["ShopifyWebhookUrl"],
        data=b"{}",
        headers={"X-Shopify-Topic": "orders/create", "X-Shopify-Hmac-Sha256": "bm90IHNpZ25lZA=="},
    )

    with pytest.raises(urllib.error.HTTPError) as refused:
        urllib.request.urlopen(request, timeout=30)

    assert refused.value.code == 401


def answers_of(deployed: Deployed) -> Callable[[str], str]:
    """Listens to what the stack answers. Gives the answer to a request: ``Accepted``, or the reason of the refusal."""
    events, sqs, bus = deployed.client("events"), deployed.client("sqs"), deployed.outputs["BusName"]
    url = sqs.create_queue(QueueName="answers")["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    pattern = {"source": ["homing"], "detail-type": ["FlowRequestAccepted", "FlowRequestRefused"]}
    events.put_rule(Name="answers", EventBusName=bus, EventPattern=json.dumps(pattern))
    events.put_targets(Rule="answers", EventBusName=bus, Targets=[{"Id": "queue", "Arn": arn}])
    heard: dict[str, str] = {}

    def look(request_id: str) -> str:
        for message in sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages", []):
            detail = json.loads(message["Body"])["detail"]
            heard[detail["request_id"]] = detail.get("reason", "Accepted")
            sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
        return heard.get(request_id, "")

    return look


def test_a_flow_is_started_paused_resumed_and_stopped_by_events(deployed: Deployed) -> None:
    client, answered = sdk(deployed), answers_of(deployed)
    for person in ("ida", "jun", "kim"):
        traits = {"email": f"{person}@customers.example", "first_name": person.title(), "consent": {"marketing": True}}
        client.identify(person, traits)
    numbers = count(1)

    def put(detail_type: str, **detail: str) -> str:
        """Returns the stack's answer."""
        id_ = f"e2e-{next(numbers)}"
        entry = {"EventBusName": deployed.outputs["BusName"], "Source": "marketing", "DetailType": detail_type,
                 "Detail": json.dumps({"flow": "come-back", "request_id": id_, **detail})}  # fmt: skip
        assert deployed.client("events").put_events(Entries=[entry])["FailedEntryCount"] == 0
        return str(deployed.eventually(lambda: answered(id_), f"an answer to {detail_type}"))

    def to(person: str) -> int:
        return len(deployed.sink.to(f"{person}@customers.example"))

    deployed.eventually(lambda: put("FlowRequested", user_id="ida") == "Accepted", "Ida is known")
    deployed.eventually(lambda: to("ida"), "Ida's mail")

    assert put("FlowPauseRequested", reason="a typing mistake") == "Accepted"
    # By now every sender has heard of it.
    time.sleep(KEEP / SECOND + 1)
    assert put("FlowRequested", user_id="jun") == "Accepted"
    for _ in range(6):
        deployed.wake()
        time.sleep(0.5)
    assert to("jun") == 0

    assert put("FlowResumeRequested") == "Accepted"
    deployed.eventually(lambda: to("jun"), "Jun's mail")

    assert put("FlowStopRequested") == "Accepted"
    assert put("FlowRequested", user_id="kim") == "flow_stopped"
    assert put("FlowRequested", user_id="kim", flow="nothing") == "unknown_flow"
    assert (to("ida"), to("jun"), to("kim")) == (1, 1, 0)


def test_the_stage_plays_its_own_archive_in_parts(deployed: Deployed) -> None:
    client = sdk(deployed)
    for person in ("mara", "noa"):
        client.identify(person, {"email": f"{person}@customers.example", "consent": {"marketing": True}})
        fill_a_cart(client, person, f"cart-of-{person}", KETTLE)
    s3, bucket = deployed.client("s3"), deployed.outputs["ArchiveBucketName"]
    archive = S3Archive(s3, bucket)

    def events() -> int:
        return sum(len(archive.read(key)) for key in archive.keys("events/"))

    deployed.eventually(lambda: events() >= 4, "four archived events")
    staged = Staged(S3Files(s3, bucket, "backtests/e2e-1/"), archive)
    execution = Execution(deployed.client("stepfunctions"), deployed.outputs["BacktestMachineArn"], time.sleep)
    shown: list[str] = []

    campaigns = publish(read_folder(ROOT / "layers/campaigns"))
    now = round(time.time() * SECOND)
    found = play(
        staged, execution, "e2e-1", campaigns, ("the same", campaigns), now - DAY, lambda what, *_: shown.append(what)
    )

    assert found.events >= 4
    assert found.profiles >= 2
    assert found.flows["cart-recovery"].sent >= 2
    assert found.differences is not None
    assert found.differences.people == 0
