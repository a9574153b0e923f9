"""Standard Webhooks both ways: vectors made with the standard library alone, tricks refused, once."""

import base64
import hashlib
import hmac
import threading
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import SecretStr

from contracts.errors import Unauthenticated
from infra.seen import KEEP, MemorySeen
from infra.webhooks import SignatureRefused, Verifier, WebhookCall, sign
from infra.work import Cause

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
KEY = bytes(range(32))
SECRET = SecretStr("whsec_" + base64.b64encode(KEY).decode())
OTHER = SecretStr("whsec_" + base64.b64encode(bytes(reversed(range(32)))).decode())
BODY = b'{"type":"opportunity.opened","data":{"name":"Ausbau S\xc3\xbcd"}}'


@dataclass
class Asked:
    headers: dict[str, str]


def by_hand(message_id: str, seconds: str, body: bytes, key: bytes = KEY) -> dict[str, str]:
    mac = hmac.new(key, message_id.encode() + b"." + seconds.encode() + b"." + body, hashlib.sha256)
    return {
        "webhook-id": message_id,
        "webhook-timestamp": seconds,
        "webhook-signature": "v1," + base64.b64encode(mac.digest()).decode(),
    }


def verifier(at: datetime = NOW, seen: MemorySeen | None = None) -> Verifier:
    return Verifier({"crm": [SECRET], "approvals": [OTHER]}, seen or MemorySeen(), lambda: at)


def verified(headers: dict[str, str], body: bytes = BODY, system: str = "crm") -> WebhookCall:
    return verifier().verified(Asked(headers), body, system)


def good() -> dict[str, str]:
    return by_hand("msg_2KWPBgLlAfxdpx2AI54pPJ85f4W", str(int(NOW.timestamp())), BODY)


# ---- signing


def test_we_sign_as_the_standards_own_example():
    # The example of the Standard Webhooks libraries: secret, id, time, payload and signature are public.
    secret = SecretStr("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
    headers = sign(
        secret,
        "msg_p5jXN8AQM9LWM0D4loKWxJek",
        datetime.fromtimestamp(1614265330, UTC),
        b'{"test": 2432232314}',
    )
    assert headers["webhook-signature"] == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
    assert headers["webhook-timestamp"] == "1614265330"


def test_we_sign_as_the_standard_library_does_it_by_hand():
    assert sign(SECRET, "m/1", NOW, BODY) == by_hand("m/1", str(int(NOW.timestamp())), BODY)


def test_in_a_rotation_the_old_and_the_new_secret_sign():
    headers = sign(SECRET, "m/1", NOW, BODY, OTHER)
    assert headers["webhook-signature"].count("v1,") == 2
    for keys in ([SECRET], [OTHER]):
        Verifier({"crm": keys}, MemorySeen(), lambda: NOW).verified(Asked(headers), BODY, "crm")


@settings(max_examples=60)
@given(st.binary(max_size=200), st.from_regex(r"[A-Za-z0-9_/:-]{1,40}", fullmatch=True))
def test_what_we_sign_verifies_and_one_other_byte_does_not(body, message_id):
    headers = sign(SECRET, message_id, NOW, body)
    assert verified(headers, body).id == message_id
    with pytest.raises(SignatureRefused):
        verified(headers, body + b" ")


# ---- verifying


def test_a_good_call_tells_who_and_what():
    call = verified(good())
    assert (call.id, call.system, call.body, call.actor) == (
        "msg_2KWPBgLlAfxdpx2AI54pPJ85f4W",
        "crm",
        BODY,
        "system/crm",
    )


def test_one_good_signature_of_several_is_enough():
    headers = good()
    headers["webhook-signature"] = "v1,AAAA v2,xyz " + headers["webhook-signature"]
    assert verified(headers).system == "crm"


@pytest.mark.parametrize("name", ["webhook-id", "webhook-timestamp", "webhook-signature"])
def test_a_missing_header_is_refused(name):
    headers = good()
    del headers[name]
    with pytest.raises(SignatureRefused):
        verified(headers)


@pytest.mark.parametrize(
    "signature",
    ["", "v1,", "v1", "v1,AAAA", "v1a,AAAA", "v1,ÿ", "v1,∞", ","],
)
def test_a_wrong_signature_is_refused(signature):
    with pytest.raises(SignatureRefused):
        verified({**good(), "webhook-signature": signature})


def test_a_right_signature_under_another_version_is_refused():
    headers = good()
    headers["webhook-signature"] = headers["webhook-signature"].replace("v1,", "v1a,")
    with pytest.raises(SignatureRefused):
        verified(headers)


def test_a_changed_body_id_or_time_is_refused():
    for headers, body in (
        (good(), BODY.replace(b"S", b"N")),
        ({**good(), "webhook-id": "msg_other"}, BODY),
        ({**good(), "webhook-timestamp": str(int(NOW.timestamp()) + 1)}, BODY),
    ):
        with pytest.raises(SignatureRefused):
            verified(headers, body)


def test_one_systems_key_does_not_speak_for_another():
    for system in ("approvals", "unheard-of", ""):
        with pytest.raises(SignatureRefused):
            verified(good(), system=system)


@pytest.mark.parametrize("offset_s", [-300, 0, 300])
def test_a_time_stamp_inside_the_window_passes(offset_s):
    seconds = str(int(NOW.timestamp()) + offset_s)
    assert verified(by_hand("m", seconds, BODY)).id == "m"


@pytest.mark.parametrize("offset_s", [-301, 301, -86400])
def test_a_time_stamp_outside_the_window_is_refused(offset_s):
    with pytest.raises(SignatureRefused):
        verified(by_hand("m", str(int(NOW.timestamp()) + offset_s), BODY))


def test_a_time_stamp_has_ascii_digits_only():
    seconds = str(int(NOW.timestamp()))
    arabic = "".join(chr(0x660 + int(digit)) for digit in seconds)
    for strange in (
        arabic,
        f"+{seconds}",
        f" {seconds}",
        f"{seconds}.0",
        f"{seconds}\n",
        "1e9",
        "9" * 40,
    ):
        with pytest.raises(SignatureRefused):
            verified(by_hand("m", strange, BODY))


def test_an_id_can_not_borrow_from_the_time_stamp():
    seconds = str(int(NOW.timestamp()))
    with pytest.raises(SignatureRefused):
        verified(by_hand(f"m.{seconds}", seconds, BODY))


def test_every_reason_gets_the_same_sentence():
    sentences = set()
    for headers in ({}, {**good(), "webhook-signature": "v1,AAAA"}, by_hand("m", "1", BODY)):
        with pytest.raises(Unauthenticated) as refused:
            verified(headers)
        sentences.add((refused.value.message, refused.value.code, refused.value.status))
    assert len(sentences) == 1


# ---- once


def test_the_very_same_signing_comes_in_once():
    seen = MemorySeen()
    with verifier(seen=seen).once(verified(good())):
        pass
    with pytest.raises(SignatureRefused), verifier(seen=seen).once(verified(good())):
        pytest.fail("a replay came in")


def test_the_same_message_signed_anew_comes_in_again():
    seen = MemorySeen()
    later = NOW + timedelta(seconds=5)
    for at in (NOW, later):
        ours = verifier(at, seen)
        call = ours.verified(Asked(sign(SECRET, "m/1", at, BODY)), BODY, "crm")
        with ours.once(call):
            pass
    assert call.cause(cause()).command_id == "system/crm:m/1"


def test_a_replay_with_one_of_two_rotation_signatures_is_still_a_replay():
    seen = MemorySeen()
    ours = Verifier({"crm": [SECRET, OTHER]}, seen, lambda: NOW)
    both = sign(SECRET, "m/1", NOW, BODY, OTHER)
    with ours.once(ours.verified(Asked(both), BODY, "crm")):
        pass
    one = sign(OTHER, "m/1", NOW, BODY)
    with pytest.raises(SignatureRefused), ours.once(ours.verified(Asked(one), BODY, "crm")):
        pytest.fail("a replay came in")


def test_a_handling_that_failed_may_come_again():
    seen = MemorySeen()
    ours = verifier(seen=seen)
    with pytest.raises(ZeroDivisionError), ours.once(verified(good())):
        raise ZeroDivisionError
    with ours.once(verified(good())) as call:
        assert call.body == BODY


def test_of_many_at_once_one_comes_in():
    ours, start = verifier(seen=MemorySeen()), threading.Barrier(8)
    came_in: list[str] = []

    def one() -> None:
        start.wait()
        try:
            with ours.once(verified(good())) as call:
                came_in.append(call.id)
        except SignatureRefused:
            pass

    threads = [threading.Thread(target=one) for _ in range(8)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert len(came_in) == 1


def test_signings_are_remembered_for_longer_than_they_verify():
    seen = MemorySeen()
    assert seen.claim("d", NOW)
    # Signed 300 s ahead of us, it verifies until 600 s from now.
    assert not seen.claim("d", NOW + timedelta(seconds=600))
    assert seen.claim("d", NOW + KEEP)


def cause() -> Cause:
    return Cause(
        "anonymous/1:k", NOW, "anonymous", traceparent="00-1-1-01", request_sha256="0" * 64
    )


def test_a_calls_cause_is_the_message_not_the_request():
    made = verified(good()).cause(cause())
    assert made == Cause(
        "system/crm:msg_2KWPBgLlAfxdpx2AI54pPJ85f4W",
        NOW,
        "system/crm",
        traceparent="00-1-1-01",
        request_sha256=hashlib.sha256(BODY).hexdigest(),
    )
