"""Signatures and timestamps: of this bundle, by whom, and who vouches; authorities of our own."""

from __future__ import annotations

import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from signing_authorities import Authority, key_file, stamp

from chainwatch.case.bundle.bag import SIGNATURE, SIGNED_REPORT, TIMESTAMP
from chainwatch.case.bundle.bundle import Bundle
from chainwatch.case.bundle.check import verify_bundle
from chainwatch.case.bundle.signing import add_timestamp, sign_bundle, timestamp_request
from chainwatch.errors import CaseError, InputError, OutputExists

PASSPHRASE = "not a secret"  # noqa: S105 - of keys that the test makes


@pytest.fixture(scope="module")
def root() -> Authority:
    return Authority.make("Ministry of Tests")


@pytest.fixture(scope="module")
def other() -> Authority:
    return Authority.make("Somebody else")


@pytest.fixture(scope="module")
def signed(
    bundles: dict[str, Bundle], root: Authority, tmp_path_factory: pytest.TempPathFactory
) -> Path:
    room = tmp_path_factory.mktemp("signed")
    bag = Path(shutil.copytree(bundles["disclosure"].folder, room / "bag"))
    sign_bundle(bag, key_file(room / "key.p12", root, "Ada", PASSPHRASE), PASSPHRASE)
    add_timestamp(bag, stamp(root, timestamp_request(bag), datetime.now(UTC)))
    return bag


@pytest.fixture
def copied(signed: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(signed, tmp_path / "bag"))


def test_who_signed_and_who_vouches(
    signed: Path, bundles: dict[str, Bundle], root: Authority, tmp_path: Path
) -> None:
    without = verify_bundle(signed)
    assert without.digest == bundles["disclosure"].digest, "signing changes nothing in the bag"
    assert [one.partition(",")[0] for one in without.signatures[:2]] == [
        "the bundle was signed by Common Name: Ada",
        "the report was signed by Common Name: Ada",
    ]
    assert all("nobody vouches here" in one for one in without.signatures)
    trusting = verify_bundle(signed, trust=[root.pem(tmp_path / "root.pem")])
    assert len(trusting.signatures) == 3
    assert all("vouched for by a certificate" in one for one in trusting.signatures)


def test_the_signed_report_begins_with_the_sealed_one(signed: Path) -> None:
    sealed = (signed / "data" / "edition" / "report.pdf").read_bytes()
    assert (signed / SIGNED_REPORT).read_bytes().startswith(sealed)


def test_a_signer_whom_nobody_trusts(signed: Path, other: Authority, tmp_path: Path) -> None:
    with pytest.raises(CaseError, match="certificates that you trust do not vouch"):
        verify_bundle(signed, trust=[other.pem(tmp_path / "other.pem")])


@pytest.mark.parametrize("name", [SIGNATURE, SIGNED_REPORT, TIMESTAMP])
def test_one_byte_of_a_signature(copied: Path, name: str) -> None:
    data = bytearray((copied / name).read_bytes())
    place = data.rindex(b"/Contents") + 60 if name == SIGNED_REPORT else len(data) - 40
    data[place] = (
        data[place] ^ 1 if name != SIGNED_REPORT else ord("0" if data[place] != 48 else "1")
    )
    (copied / name).write_bytes(data)
    try:
        found = verify_bundle(copied)
    except CaseError:
        return
    # Of a timestamp nobody can tell without its authority's certificate: it is not believed.
    assert name == TIMESTAMP
    assert "nobody vouches here" in found.signatures[-1]


def test_what_is_added_behind_the_signature(copied: Path) -> None:
    path = copied / SIGNED_REPORT
    path.write_bytes(path.read_bytes() + b"\n% more\n")
    with pytest.raises(CaseError, match=r"changed after it was signed|cannot be read"):
        verify_bundle(copied)


def test_a_signature_of_another_bundle(
    copied: Path, bundles: dict[str, Bundle], tmp_path: Path
) -> None:
    bag = Path(shutil.copytree(bundles["working"].folder, tmp_path / "working"))
    for name in (SIGNATURE, TIMESTAMP):
        shutil.copy(copied / name, bag / name)
        with pytest.raises(CaseError, match=r"not what was signed|of another bundle"):
            verify_bundle(bag)
        (bag / name).unlink()


def test_a_signature_that_was_taken_away(
    bundles: dict[str, Bundle], root: Authority, tmp_path: Path
) -> None:
    bag = bundles["disclosure"].folder
    assert verify_bundle(bag).signatures == ("nobody signed it",)
    with pytest.raises(CaseError, match="nobody signed this bundle"):
        verify_bundle(bag, trust=[root.pem(tmp_path / "root.pem")])


def test_a_log_that_is_younger_than_its_timestamp(
    bundles: dict[str, Bundle], root: Authority, tmp_path: Path
) -> None:
    bag = Path(shutil.copytree(bundles["disclosure"].folder, tmp_path / "bag"))
    early = datetime(2024, 9, 27, tzinfo=UTC) - timedelta(days=1)
    add_timestamp(bag, stamp(root, timestamp_request(bag), early))
    with pytest.raises(CaseError, match="a timestamp is wrong: the authority"):
        verify_bundle(bag)


def test_bad_keys_answers_and_certificates(
    copied: Path, bundles: dict[str, Bundle], root: Authority, tmp_path: Path
) -> None:
    bag = bundles["working"].folder
    good = key_file(tmp_path / "key.p12", root, "Ada", PASSPHRASE)
    (tmp_path / "bad.p12").write_bytes(b"no key")
    for path, word in ((good, "wrong"), (tmp_path / "bad.p12", ""), (tmp_path / "none.p12", "")):
        with pytest.raises(InputError, match="the key file cannot be") as caught:
            sign_bundle(bag, path, word)
        assert "wrong" not in str(caught.value)
    with pytest.raises(OutputExists):
        sign_bundle(copied, good, PASSPHRASE)
    with pytest.raises(CaseError, match="no answer of a time-stamping authority"):
        add_timestamp(bag, b"nothing")
    with pytest.raises(CaseError, match="of another bundle"):
        add_timestamp(bag, (copied / TIMESTAMP).read_bytes())
    with pytest.raises(InputError, match="no certificate"):
        verify_bundle(copied, trust=[tmp_path / "bad.p12"])
    assert not (bag / SIGNATURE).exists()
