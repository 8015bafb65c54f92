"""Authorities of the tests' own: one that vouches for signers, one that vouches for times."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import NamedTuple

from asn1crypto import keys, tsp
from asn1crypto import x509 as asn1
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import pkcs12
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID
from pyhanko.sign.timestamps import DummyTimeStamper

DAY = datetime(2024, 1, 1, tzinfo=UTC)


def name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


class Authority(NamedTuple):
    """A root that vouches for others."""

    key: rsa.RSAPrivateKey
    certificate: x509.Certificate

    @classmethod
    def make(cls, called: str, *, days: int = 36_500) -> Authority:
        key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        made = _builder(called, called, key, days)
        made = made.add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        made = made.add_extension(_usage(signs=False), critical=True)
        return cls(key, made.sign(key, hashes.SHA256()))

    def vouch(
        self, called: str, *, times: bool = False, uses: tuple[str, ...] = (), days: int = 36_500
    ) -> tuple[rsa.RSAPrivateKey, x509.Certificate]:
        key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        issuer = self.certificate.subject.rfc4514_string().removeprefix("CN=")
        made = _builder(called, issuer, key, days)
        made = made.add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        made = made.add_extension(_usage(signs=True), critical=True)
        if times:
            only = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.TIME_STAMPING])
            made = made.add_extension(only, critical=True)
        if uses:
            named = x509.ExtendedKeyUsage([x509.ObjectIdentifier(one) for one in uses])
            made = made.add_extension(named, critical=False)
        return key, made.sign(self.key, hashes.SHA256())

    def pem(self, path: Path) -> Path:
        path.write_bytes(self.certificate.public_bytes(serialization.Encoding.PEM))
        return path


def _builder(
    called: str, issuer: str, key: rsa.RSAPrivateKey, days: int
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(name(called))
        .issuer_name(name(issuer))
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(DAY)
        .not_valid_after(DAY + timedelta(days=days))
    )


def _usage(*, signs: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=signs, content_commitment=signs, key_encipherment=False,
        data_encipherment=False, key_agreement=False, key_cert_sign=not signs, crl_sign=not signs,
        encipher_only=False, decipher_only=False,
    )  # fmt: skip


def key_file(
    path: Path, authority: Authority, called: str, passphrase: str, *,
    uses: tuple[str, ...] = (), days: int = 36_500,
) -> Path:  # fmt: skip
    """Write a key with its certificate and the root's as PKCS #12."""
    key, certificate = authority.vouch(called, uses=uses, days=days)
    data = pkcs12.serialize_key_and_certificates(
        b"key", key, certificate, [authority.certificate],
        serialization.BestAvailableEncryption(passphrase.encode()),
    )  # fmt: skip
    path.write_bytes(data)
    return path


def stamp(authority: Authority, request: bytes, time: datetime) -> bytes:
    """Return what a time-stamping authority answers to a request."""
    key, certificate = authority.vouch("a clock", times=True)
    plain = key.private_bytes(
        serialization.Encoding.DER, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    der = serialization.Encoding.DER
    found = DummyTimeStamper(
        asn1.Certificate.load(certificate.public_bytes(der)),
        keys.PrivateKeyInfo.load(plain),
        certs_to_embed=[asn1.Certificate.load(authority.certificate.public_bytes(der))],
        fixed_dt=time,
    )
    answer: bytes = found.request_tsa_response(tsp.TimeStampReq.load(request)).dump()
    return answer
