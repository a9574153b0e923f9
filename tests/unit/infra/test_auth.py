"""Who calls: good tokens and keys get in, and every known trick on them does not."""

import base64
import hashlib
import hmac
import json
import stat
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ec import SECP384R1, generate_private_key
from cryptography.hazmat.primitives.asymmetric.ed448 import Ed448PrivateKey
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key as generate_rsa
from pydantic import SecretStr

from contracts.errors import Unauthenticated
from infra.auth import (
    ANONYMOUS,
    MAX_TOKEN_BYTES,
    Audience,
    Pass,
    Principal,
    Security,
    mint,
    security_of,
    service_key,
)
from infra.keys import KeySet, KeysUnavailable, SigningKey, jwks, key_set, read_keys
from infra.settings import Settings

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
AT = int(NOW.timestamp())
OURS = Audience("https://sign-in.example", "cpq")


@pytest.fixture(scope="module")
def key(tmp_path_factory: pytest.TempPathFactory) -> SigningKey:
    return SigningKey.create(tmp_path_factory.mktemp("keys") / "sign.pem")


@pytest.fixture(scope="module")
def edwards() -> SigningKey:
    return SigningKey.of(Ed25519PrivateKey.generate())


@pytest.fixture
def security(key: SigningKey, edwards: SigningKey) -> Security:
    content = json.dumps(jwks([key.public, edwards.public])).encode()
    return Security(KeySet(lambda: content, lambda: 0.0), OURS, {}, lambda: NOW)


def claims(**changes: Any) -> dict[str, Any]:
    good = {
        "iss": OURS.issuer,
        "aud": OURS.audience,
        "sub": "u-7",
        "roles": ["seller"],
        "iat": AT,
        "nbf": AT,
        "exp": AT + 600,
    }
    return {name: value for name, value in (good | changes).items() if value is not None}


def signed(key: SigningKey, *, header: dict[str, Any] | None = None, **changes: Any) -> str:
    headers = {"kid": key.kid, "typ": "JWT"} | (header or {})
    content = json.dumps(claims(**changes)).encode()
    return jwt.api_jws.encode(content, key.private, algorithm=key.algorithm, headers=headers)


def part(value: dict[str, Any] | bytes) -> str:
    raw = value if isinstance(value, bytes) else json.dumps(value).encode()
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def refuses(security: Security, token: str) -> bool:
    with pytest.raises(Unauthenticated) as refused:
        security.principal(f"Bearer {token}")
    assert "sign in" in refused.value.message
    return True


# ---- who gets in


@pytest.mark.parametrize("which", ["key", "edwards"])
def test_a_minted_token_gets_its_person_in(which, security, request):
    token = mint(request.getfixturevalue(which), Pass("u-7", ["seller", "manager"]), OURS, NOW)
    person = security.principal(f"Bearer {token}")
    assert person == Principal("u-7", frozenset({"seller", "manager"}), "user")
    assert person.actor == "user/u-7"


def test_a_service_key_gets_its_service_in():
    whole, digest = service_key("crm_projector", lambda size: b"\x07" * size)
    security = Security(None, OURS, {"crm_projector": digest}, lambda: NOW)
    service = security.principal(f"bearer {whole}")
    assert service == Principal("crm_projector", frozenset({"service"}), "service")
    assert service.actor == "service/crm_projector"


def test_nobody_is_anonymous():
    assert (ANONYMOUS.actor, ANONYMOUS.roles) == ("anonymous", frozenset())


def test_a_clock_that_is_a_little_off_does_no_harm(security, key):
    assert security.principal(f"Bearer {signed(key, nbf=AT + 20, iat=AT + 20)}").id == "u-7"
    assert (
        security.principal(f"Bearer {signed(key, iat=AT - 600, nbf=AT, exp=AT - 20)}").id == "u-7"
    )


def test_an_unknown_role_is_dropped_and_the_person_stays(security, key):
    token = signed(key, roles=["seller", "root", "service", "seller admin", 7, ["admin"]])
    assert security.principal(f"Bearer {token}").roles == frozenset({"seller"})


def test_one_audience_of_several_is_enough(security, key):
    assert security.principal(f"Bearer {signed(key, aud=['other', OURS.audience])}").id == "u-7"


# ---- who does not


@pytest.mark.parametrize(
    "authorization",
    [
        None,
        "",
        "Bearer",
        "Bearer ",
        "Basic dTpw",
        "Bearer a.b.c",
        "Bearer ....",
        "Bearer eyJ\x00.a.b",
    ],
)
def test_no_credential_is_refused(security, authorization):
    with pytest.raises(Unauthenticated):
        security.principal(authorization)


@pytest.mark.parametrize("algorithm", ["none", "None", "NONE", "nOnE"])
def test_an_unsigned_token_is_refused(security, key, algorithm):
    head = part({"alg": algorithm, "typ": "JWT", "kid": key.kid})
    assert refuses(security, f"{head}.{part(claims())}.")


def test_a_token_signed_by_the_public_key_as_a_shared_secret_is_refused(security, key):
    pem = key.private.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    for algorithm in ("HS256", "ES256"):
        content = f"{part({'alg': algorithm, 'kid': key.kid})}.{part(claims())}"
        mac = hmac.new(pem, content.encode(), hashlib.sha256).digest()
        assert refuses(security, f"{content}.{part(mac)}")


def test_a_key_serves_its_own_algorithm_only(security, key, edwards):
    token = jwt.encode(claims(), key.private, algorithm="ES256", headers={"kid": edwards.kid})
    assert refuses(security, token)
    rsa = generate_rsa(public_exponent=65537, key_size=2048)
    assert refuses(security, jwt.encode(claims(), rsa, "RS256", headers={"kid": key.kid}))


def test_another_issuers_key_under_our_kid_is_refused(security, key, tmp_path):
    stranger = SigningKey.create(tmp_path / "stranger.pem")
    assert refuses(security, signed(stranger, header={"kid": key.kid}))
    assert refuses(security, signed(stranger))


@pytest.mark.parametrize("name", ["jku", "x5u", "x5c", "jwk", "crit"])
def test_a_token_that_brings_its_own_key_is_refused(security, key, name):
    assert refuses(security, signed(key, header={name: ["https://evil.example/jwks"]}))


def test_a_token_without_a_usable_key_id_is_refused(security, key):
    assert refuses(security, jwt.encode(claims(), key.private, algorithm="ES256"))
    for kid in ({"a": 1}, 7, "../../etc/passwd", "' OR 1=1"):
        content = f"{part({'alg': 'ES256', 'kid': kid})}.{part(claims())}"
        assert refuses(security, f"{content}.{part(b'0' * 64)}")


@pytest.mark.parametrize(
    "changes",
    [
        {"exp": AT - 31, "iat": AT - 600, "nbf": AT - 600},
        {"nbf": AT + 31},
        {"iat": AT + 31, "exp": AT + 600},
        {"exp": AT + 24 * 3600 + 1},
        {"exp": AT, "iat": AT + 10},
        {"iss": "https://evil.example"},
        {"iss": [OURS.issuer]},
        {"aud": "another-app"},
        {"aud": []},
        {"sub": 7},
        {"sub": ""},
        {"sub": "u-7\nadmin"},
        {"sub": "x" * 201},
        {"roles": "seller"},
        {"roles": "seller admin"},
        {"roles": {"seller": True}},
        {"exp": str(AT + 600)},
        {"exp": 1e400},
        {"iat": True},
        {"nbf": float(AT)},
    ],
)
def test_a_well_signed_token_with_a_wrong_claim_is_refused(security, key, changes):
    assert refuses(security, signed(key, **changes))


@pytest.mark.parametrize("name", ["iss", "aud", "sub", "exp", "nbf", "iat", "roles"])
def test_a_token_that_lacks_a_claim_is_refused(security, key, name):
    assert refuses(security, signed(key, **{name: None}))


def test_a_changed_token_is_refused(security, key):
    head, _, signature = signed(key).split(".")
    assert refuses(security, f"{head}.{part(claims(roles=['admin']))}.{signature}")


def test_a_huge_token_is_refused_unread(security, key):
    token = signed(key, note="x" * MAX_TOKEN_BYTES)
    assert refuses(security, token)


def test_a_wrong_service_key_is_refused():
    whole, digest = service_key("pricer", lambda size: b"\x07" * size)
    other, _ = service_key("pricer", lambda size: b"\x08" * size)
    security = Security(None, OURS, {"pricer": digest, "quotes": "f" * 64}, lambda: NOW)
    for wrong in (
        other,
        whole + "0",
        whole[:-1],
        whole.replace("pricer", "quotes"),
        "qwk_",
        "qwk__",
    ):
        assert refuses(security, wrong)


def test_without_any_key_set_no_token_is_good(key):
    assert refuses(Security(None, OURS, {}, lambda: NOW), signed(key))


# ---- making tokens


@pytest.mark.parametrize(
    ("to", "sentence"),
    [
        (Pass("u-7", ["service"]), "no such role: service"),
        (Pass("u 7", ["seller"]), "a subject is"),
        (Pass("u-7", ["seller"], timedelta(days=2)), "a token lives"),
        (Pass("u-7", ["seller"], timedelta(0)), "a token lives"),
    ],
)
def test_a_token_that_nobody_would_accept_is_not_made(key, to, sentence):
    with pytest.raises(ValueError, match=sentence):
        mint(key, to, OURS, NOW)


def test_a_service_name_with_strange_letters_gets_no_key():
    with pytest.raises(ValueError, match="lower-case"):
        service_key("Pricer!", lambda size: b"\x07" * size)


# ---- keys


def test_a_new_key_lies_in_a_file_for_its_owner_only(tmp_path: Path):
    path = tmp_path / "sign.pem"
    made = SigningKey.create(path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert SigningKey.load(path).kid == made.kid
    with pytest.raises(FileExistsError):
        SigningKey.create(path)
    assert repr(made) == f"SigningKey(kid='{made.kid}')"


def test_a_key_of_another_kind_signs_nothing():
    for private in (generate_private_key(SECP384R1()), Ed448PrivateKey.generate()):
        with pytest.raises(ValueError, match="P-256 or Ed25519"):
            SigningKey.of(private)


def test_a_thumbprint_is_that_of_the_standard():
    # RFC 8037, appendix A.3: the thumbprint of its Ed25519 example key.
    jwk = {
        "kty": "OKP",
        "crv": "Ed25519",
        "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo",
    }
    (found,) = read_keys(json.dumps({"keys": [jwk]}).encode())
    assert found.kid == "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k"


def test_pem_and_jwks_give_the_same_keys(key, edwards):
    pems = b"".join(
        each.private.public_key().public_bytes(
            serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
        )
        for each in (key, edwards)
    )
    from_pem, from_jwks = (
        read_keys(pems),
        read_keys(json.dumps(jwks([key.public, edwards.public])).encode()),
    )
    assert [(each.kid, each.algorithm) for each in from_pem] == [
        (key.kid, "ES256"),
        (edwards.kid, "EdDSA"),
    ]
    assert [each.kid for each in from_jwks] == [each.kid for each in from_pem]


def test_keys_of_other_kinds_and_uses_and_broken_ones_are_skipped(key):
    good = jwks([key.public])["keys"][0]
    others = [
        {"kty": "RSA", "n": "AQAB", "e": "AQAB", "kid": "r"},
        {"kty": "oct", "k": "c2VjcmV0", "kid": "o"},
        {**good, "use": "enc", "kid": "e"},
        {**good, "alg": "ES384", "kid": "a"},
        {**good, "x": "AAAA", "kid": "off-the-curve"},
        {"kty": "EC", "crv": "P-256", "kid": "no-point"},
        {**good, "kid": 7},
        "no object",
    ]
    assert [each.kid for each in read_keys(json.dumps({"keys": [*others, good]}).encode())] == [
        key.kid
    ]


@pytest.mark.parametrize(
    "content", [b"", b"hello", b"[]", b'{"keys": 7}', b"-----BEGIN PUBLIC KEY-----"]
)
def test_a_file_without_keys_is_no_key_set(content):
    with pytest.raises(ValueError):
        read_keys(content)


class Issuer:
    """A key set that changes, on a clock of its own."""

    def __init__(self) -> None:
        self.content: bytes | None = None
        self.asked = 0
        self.now = 0.0

    def fetch(self) -> bytes:
        self.asked += 1
        if self.content is None:
            raise OSError("no route to host")
        return self.content


def test_a_new_key_is_found_after_a_rotation(key, edwards):
    issuer = Issuer()
    issuer.content = json.dumps(jwks([key.public])).encode()
    keys = KeySet(issuer.fetch, lambda: issuer.now)
    assert keys.key(edwards.kid) is None
    issuer.content = json.dumps(jwks([edwards.public])).encode()
    issuer.now = 31
    assert keys.key(edwards.kid) == edwards.public
    assert keys.key(key.kid) is None


def test_strangers_with_made_up_key_ids_do_not_make_us_ask_and_ask(key):
    issuer = Issuer()
    issuer.content = json.dumps(jwks([key.public])).encode()
    keys = KeySet(issuer.fetch, lambda: issuer.now)
    for number in range(50):
        assert keys.key(f"made-up-{number}") is None
    assert issuer.asked == 1


def test_known_keys_stay_good_while_the_issuer_is_away(key):
    issuer = Issuer()
    issuer.content = json.dumps(jwks([key.public])).encode()
    keys = KeySet(issuer.fetch, lambda: issuer.now)
    assert keys.key(key.kid) == key.public
    issuer.content, issuer.now = None, 3600.0
    assert keys.key(key.kid) == key.public


def test_without_a_first_key_set_the_answer_is_later_not_no():
    with pytest.raises(KeysUnavailable):
        KeySet(Issuer().fetch, lambda: 0.0).key("any")


def test_who_comes_while_the_first_key_set_is_read_waits_for_it(key):
    begun, answered = threading.Event(), threading.Event()

    def fetch() -> bytes:
        begun.set()
        answered.wait(0.2)  # whoever does not wait for us answers in this time
        return json.dumps(jwks([key.public])).encode()

    keys = KeySet(fetch, lambda: 0.0)

    def second() -> object:
        begun.wait(10)
        try:
            return keys.key(key.kid)
        finally:
            answered.set()

    with ThreadPoolExecutor(2) as pool:
        first, other = pool.submit(keys.key, key.kid), pool.submit(second)
    assert (first.result(), other.result()) == (key.public, key.public)


def test_a_key_file_is_read_without_waiting_and_an_address_is_not(tmp_path, key):
    path = tmp_path / "jwks.json"
    path.write_text(json.dumps(jwks([key.public])))
    keys = key_set(str(path), lambda: 0.0)
    assert (keys.key(key.kid), keys.may_block) == (key.public, False)
    assert key_set("https://sign-in.example/jwks", lambda: 0.0).may_block


def test_who_signs_verifies_by_his_own_key(tmp_path):
    path = tmp_path / "sign.pem"
    mine = SigningKey.create(path)
    settings = Settings(
        jwt_private_key=path, jwt_issuer="i", jwt_audience="a", link_key=SecretStr("x" * 32)
    )
    security = security_of(settings, lambda: NOW, lambda: 0.0)
    token = mint(mine, Pass("u-7", ["analyst"]), Audience("i", "a"), NOW)
    assert security.principal(f"Bearer {token}").roles == frozenset({"analyst"})
