"""A real broker that asks for names, passwords and certificates, with a certificate authority made here."""

from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from infra.local_kafka import LocalKafka, _free_ports

USER, PASSWORD = "quotewright", "only-for-this-test"
PLAIN = "org.apache.kafka.common.security.plain.PlainLoginModule"
SCRAM = "org.apache.kafka.common.security.scram.ScramLoginModule"


class SecureKafka(LocalKafka):
    """Beside the open listener, which the broker itself needs: one by password, one by TLS and SCRAM."""

    def __init__(self, home: Path, *, nodes: int = 1) -> None:
        super().__init__(home, nodes=nodes)
        self.password_port, self.tls_port = _free_ports(2)
        self.ca_file = self.home / "ca.pem"
        self.key_file = self.home / "broker.pem"
        self.home.mkdir(parents=True, exist_ok=True)
        certify(self.ca_file, self.key_file)

    def _settings(self, number: int) -> dict[str, str]:
        settings = super()._settings(number)
        ours = (
            f"SASL_PLAINTEXT://127.0.0.1:{self.password_port},SASL_SSL://127.0.0.1:{self.tls_port}"
        )
        names = "SASL_PLAINTEXT:SASL_PLAINTEXT,SASL_SSL:SASL_SSL"
        settings["listeners"] += f",{ours}"
        settings["advertised.listeners"] += f",{ours}"
        settings["listener.security.protocol.map"] += f",{names}"
        return {
            **settings,
            "listener.name.sasl_plaintext.sasl.enabled.mechanisms": "PLAIN",
            "listener.name.sasl_ssl.sasl.enabled.mechanisms": "SCRAM-SHA-512",
            "listener.name.sasl_plaintext.plain.sasl.jaas.config": (
                f'{PLAIN} required user_{USER}="{PASSWORD}";'
            ),
            "listener.name.sasl_ssl.scram-sha-512.sasl.jaas.config": f"{SCRAM} required;",
            "ssl.keystore.type": "PEM",
            "ssl.keystore.location": str(self.key_file),
        }


def certify(ca_file: Path, key_file: Path) -> None:
    """Make a certificate authority and a broker's key, signed by it for 127.0.0.1 and one day."""
    ca_key, key = (ec.generate_private_key(ec.SECP256R1()) for _ in range(2))
    ca_name, name = (
        x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, each)])
        for each in ("authority of this test", "broker of this test")
    )
    authority = _certificate(ca_name, ca_name, ca_key, ca_key, x509.BasicConstraints(True, None))
    here = x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))])
    broker = _certificate(name, ca_name, key, ca_key, here)
    pem = serialization.Encoding.PEM
    ca_file.write_bytes(authority.public_bytes(pem))
    secret = key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    key_file.write_bytes(secret + broker.public_bytes(pem) + authority.public_bytes(pem))


def _certificate(
    subject: x509.Name,
    issuer: x509.Name,
    key: ec.EllipticCurvePrivateKey,
    by: ec.EllipticCurvePrivateKey,
    extension: x509.ExtensionType,
) -> x509.Certificate:
    now = datetime.now(UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(extension, critical=True)
        .sign(by, hashes.SHA256())
    )
