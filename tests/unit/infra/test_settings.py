"""Settings: what is wrong is named, what is secret stays unsaid."""

from collections.abc import Callable

import pytest
from pydantic import SecretStr, ValidationError

from infra.settings import Settings, SettingsError, load

# base64 of 24 bytes 0x01, 0x02
SECRET = "whsec_" + "AQEB" * 8
OTHER_SECRET = "whsec_" + "AgIC" * 8


@pytest.fixture
def environment(monkeypatch: pytest.MonkeyPatch) -> Callable[..., Settings]:
    for name in list(__import__("os").environ):
        if name.upper().startswith("QW_"):
            monkeypatch.delenv(name)

    def loaded(**variables: str) -> Settings:
        for name, value in variables.items():
            monkeypatch.setenv(name, value)
        return load()

    return loaded


def told(loaded: Callable[..., Settings], **variables: str) -> str:
    with pytest.raises(SettingsError) as refused:
        loaded(**variables)
    return refused.value.message


def test_nothing_set_gives_the_embedded_bus_on_this_machine(environment):
    settings = environment()
    assert (settings.bus, settings.http_host, settings.partitions) == ("embedded", "127.0.0.1", 12)


def test_lists_and_maps_are_json(environment):
    settings = environment(
        QW_BUS="kafka",
        QW_KAFKA_BOOTSTRAP='["broker-1:9092", "broker-2:9092"]',
        QW_PEERS='{"pricer": "http://127.0.0.1:8003/"}',
        QW_ENDPOINTS=f'{{"crm": {{"url": "https://crm.example/hooks", "secret": "{SECRET}"}}}}',
        QW_WEBHOOK_KEYS=f'{{"crm": ["{SECRET}", "{OTHER_SECRET}"]}}',
    )
    assert settings.kafka_bootstrap == ("broker-1:9092", "broker-2:9092")
    assert settings.peers == {"pricer": "http://127.0.0.1:8003"}
    assert settings.endpoints["crm"].secret == SecretStr(SECRET)
    assert settings.webhook_keys["crm"] == (SecretStr(SECRET), SecretStr(OTHER_SECRET))


def test_kafka_options_come_out_as_they_went_in(environment):
    settings = environment(
        QW_KAFKA_SECURITY='{"security_protocol": "SASL_SSL", "sasl_plain_password": "s3cret",'
        ' "ssl_check_hostname": true, "request_timeout_ms": 5000}'
    )
    assert settings.kafka_client() == {
        "security_protocol": "SASL_SSL",
        "sasl_plain_password": "s3cret",
        "ssl_check_hostname": True,
        "request_timeout_ms": 5000,
    }
    assert "s3cret" not in repr(settings)


def test_a_dsn_template_gives_each_service_its_own(environment):
    settings = environment(QW_DSN_TEMPLATE="postgresql://qw_{service}@db/quotewright")
    assert settings.dsn_of("pricer") == "postgresql://qw_pricer@db/quotewright"


def test_a_missing_dsn_names_the_variable(environment):
    with pytest.raises(SettingsError, match="QW_DSN: must be a PostgreSQL connection string"):
        environment().dsn_of("pricer")


def test_every_wrong_variable_is_named_at_once(environment):
    message = told(environment, QW_HTTP_PORT="seventy", QW_BUS="rabbit")
    assert "QW_HTTP_PORT: Input should be a valid integer" in message
    assert "QW_BUS: Input should be 'embedded' or 'kafka'" in message


def test_a_misspelt_variable_is_refused(environment):
    assert told(environment, QW_PEER="{}") == "QW_PEER: no such setting"


def test_json_that_is_none_names_the_variable_and_not_its_text(environment):
    assert told(environment, QW_WEBHOOK_KEYS="whsec_oops") == "QW_WEBHOOK_KEYS: must be JSON"


def test_a_malformed_secret_is_named_and_not_repeated(environment):
    message = told(environment, QW_WEBHOOK_KEYS='{"crm": ["whsec_too-short"]}')
    assert "QW_WEBHOOK_KEYS (crm.0): must be `whsec_`" in message
    assert "too-short" not in message


@pytest.mark.parametrize(
    "url",
    ["ftp://crm.example", "crm.example", "https://user:pw@crm.example", "https://crm.example/?a=1"],
)
def test_an_address_that_is_none_is_refused_unread(environment, url):
    message = told(environment, QW_PUBLIC_URL=url)
    assert message.startswith("QW_PUBLIC_URL: must ")
    assert url not in message


@pytest.mark.parametrize(
    ("variables", "expected"),
    [
        ({"QW_POOL_MIN": "9", "QW_POOL_MAX": "3"}, "QW_POOL_MIN: must not be above QW_POOL_MAX"),
        ({"QW_BUS": "kafka"}, "QW_KAFKA_BOOTSTRAP: must name brokers"),
        ({"QW_DSN_TEMPLATE": "postgresql://db"}, "QW_DSN_TEMPLATE: must contain {service}"),
        ({"QW_LINK_KEY": "short"}, "QW_LINK_KEY: must have 32 characters or more"),
    ],
)
def test_settings_that_do_not_fit_together_are_refused(environment, variables, expected):
    assert told(environment, **variables).startswith(expected)


def test_secrets_stand_in_no_repr_and_no_dump(environment):
    settings = environment(
        QW_DSN="postgresql://qw:hunter2@db/qw",
        QW_LINK_KEY="k" * 32,
        QW_SERVICE_KEY="qwk_pricer_" + "a" * 64,
        QW_WEBHOOK_KEYS=f'{{"crm": ["{SECRET}"]}}',
    )
    shown = repr(settings) + settings.model_dump_json()
    assert [each for each in ("hunter2", "kkkk", "qwk_", SECRET) if each in shown] == []


def test_settings_made_by_hand_do_not_show_a_wrong_secret_either(environment):
    environment()
    with pytest.raises(ValidationError) as refused:
        Settings(webhook_keys={"crm": ("whsec_hunter2",)}, dsn=["hunter2"])
    assert "hunter2" not in str(refused.value)


def test_settings_do_not_change(environment):
    with pytest.raises(ValidationError, match="frozen"):
        environment().http_port = 1


@pytest.mark.parametrize(
    "url", ["smtp://mail.example:2525", "smtps://anna:pa%40ss@mail.example", "smtp://[::1]:25/"]
)
def test_a_mail_server_is_an_address_with_the_one_our_mails_come_from(environment, url):
    settings = environment(QW_SMTP_URL=url, QW_MAIL_FROM="quotes@sales.example")
    assert settings.smtp_url.get_secret_value() == url
    assert "pa%40ss" not in repr(settings)


@pytest.mark.parametrize(
    "url",
    [
        "http://mail.example", "smtp://", "mail.example:25", "smtp://h:port", "smtp://h/path",
        "smtp://anna:s3cret@mail.example?tls=no",
    ],
)  # fmt: skip
def test_a_mail_server_that_is_none_is_named_without_its_password(environment, url):
    message = told(environment, QW_SMTP_URL=url, QW_MAIL_FROM="quotes@sales.example")
    assert "QW_SMTP_URL: must be smtp://host:port" in message
    assert "s3cret" not in message


@pytest.mark.parametrize(
    "sender", ["", "anna", "Anna <a@b.example>", "a@b.example\nBcc: c@d.example"]
)
def test_mail_has_one_address_that_it_comes_from(environment, sender):
    found = told(environment, QW_SMTP_URL="smtp://mail.example", QW_MAIL_FROM=sender)
    assert "QW_MAIL_FROM" in found
