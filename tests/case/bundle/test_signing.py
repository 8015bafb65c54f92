"""Signatures and timestamps: of this bundle, by whom, and who vouches; authorities of our own."""

from __future__ import annotations

import io
import json
import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path

import bagit
import pytest
from cryptography.hazmat.primitives.serialization import Encoding, pkcs12
from signing_authorities import Authority, key_file, stamp

from chainwatch.case.bundle import signing
from chainwatch.case.bundle.bag import SIGNATURE, SIGNED, SIGNED_REPORT, TAG_MANIFESTS, TIMESTAMP
from chainwatch.case.bundle.bundle import Bundle
from chainwatch.case.bundle.check import verify_bundle
from chainwatch.case.bundle.signing import add_timestamp, sign_bundle, timestamp_request
from chainwatch.case.bundle.signing_library import apart
from chainwatch.case.bundle.timestamp import stamped
from chainwatch.case.seal import pretty
from chainwatch.errors import CaseError, InputError, OutputExists
from chainwatch.results.provenance import digest_bytes

PASSPHRASE = "not a secret"  # noqa: S105 - of keys that the test makes


@pytest.fixture(scope="module")
def root() -> Authority:
    return Authority.make("Ministry of Tests")


@pytest.fixture(scope="module")
def other() -> Authority:
    return Authority.make("Somebody else")


@pytest.fixture(scope="module")
def clock() -> Authority:
    return Authority.make("Hall of Clocks")


@pytest.fixture(scope="module")
def signed(
    bundles: dict[str, Bundle], root: Authority, clock: Authority,
    tmp_path_factory: pytest.TempPathFactory,
) -> Path:  # fmt: skip
    room = tmp_path_factory.mktemp("signed")
    bag = Path(shutil.copytree(bundles["disclosure"].folder, room / "bag"))
    sign_bundle(bag, key_file(room / "key.p12", root, "Ada", PASSPHRASE), PASSPHRASE)
    add_timestamp(bag, stamp(clock, timestamp_request(bag), datetime.now(UTC)))
    return bag


@pytest.fixture
def copied(signed: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(signed, tmp_path / "bag"))


def test_who_signed_and_who_vouches(
    signed: Path, bundles: dict[str, Bundle], root: Authority, clock: Authority, tmp_path: Path
) -> None:
    without = verify_bundle(signed)
    assert without.digest == bundles["disclosure"].digest, "signing changes nothing in the bag"
    assert [one.partition(",")[0] for one in without.signatures[:2]] == [
        "the bundle was signed by Common Name: Ada",
        "the report was signed by Common Name: Ada",
    ]
    assert all("nobody vouches here" in one for one in without.signatures)
    roots, clocks = [root.pem(tmp_path / "root.pem")], [clock.pem(tmp_path / "clock.pem")]
    trusting = verify_bundle(signed, trust=roots, trust_time=clocks)
    assert len(trusting.signatures) == 3
    assert all("vouched for by a certificate" in one for one in trusting.signatures)
    untimed = verify_bundle(signed, trust=roots).signatures
    assert ["nobody vouches here" in one for one in untimed] == [False, False, True]


def test_a_timestamp_is_no_signature(
    copied: Path, root: Authority, clock: Authority, tmp_path: Path
) -> None:
    """A root for signers vouches for no time, and one for times for no signer."""
    roots, clocks = [root.pem(tmp_path / "root.pem")], [clock.pem(tmp_path / "clock.pem")]
    with pytest.raises(CaseError, match="timestamp is of an authority for which"):
        verify_bundle(copied, trust=roots, trust_time=roots)
    with pytest.raises(CaseError, match=r"the bundle was signed by .* do not vouch"):
        verify_bundle(copied, trust=clocks)
    (copied / SIGNED_REPORT).unlink()
    (copied / SIGNATURE).unlink()
    assert len(verify_bundle(copied, trust_time=clocks).signatures) == 1
    for named in (roots, clocks):
        with pytest.raises(CaseError, match="nobody signed this bundle"):
            verify_bundle(copied, trust=named)
    (copied / TIMESTAMP).unlink()
    with pytest.raises(CaseError, match="bears no timestamp"):
        verify_bundle(copied, trust_time=clocks)


def test_a_table_that_was_changed_under_a_signed_report(
    copied: Path, root: Authority, tmp_path: Path
) -> None:
    """The signature of the report covers the report alone: without that of the list it is none."""
    roots = [root.pem(tmp_path / "root.pem")]
    for name in (SIGNATURE, TIMESTAMP):
        (copied / name).unlink()
    edition = copied / "data" / "edition"
    manifest = json.loads((edition / "manifest.json").read_bytes())
    row = next(one for one in manifest["files"] if one["path"].endswith(".csv"))
    data = (edition / row["path"]).read_bytes() + b"one,more\n"
    (edition / row["path"]).write_bytes(data)
    row |= {"bytes": len(data), "sha256": digest_bytes(data)}
    sealed_again(copied, manifest)
    found = verify_bundle(copied).signatures
    assert found[-1].startswith("nobody signed the list of the bundle")
    with pytest.raises(CaseError, match="nobody signed this bundle: a signature of its report"):
        verify_bundle(copied, trust=roots)


def sealed_again(bag: Path, manifest: dict[str, object]) -> None:
    """Seal a changed edition and make its bag again, as somebody who knows the formats would."""
    edition, about = bag / "data" / "edition", bag / "data" / "bundle.json"
    (edition / "manifest.json").write_bytes(pretty(manifest))
    names = ("manifest.json", "run.json")
    seal = pretty({name: digest_bytes((edition / name).read_bytes()) for name in names})
    (edition / "seal.json").write_bytes(seal)
    about.write_bytes(pretty({**json.loads(about.read_bytes()), "seal": digest_bytes(seal)}))
    again = bagit.Bag(str(bag))
    again.save(manifests=True)
    for name in TAG_MANIFESTS:  # the library lists what is signed beside the bag too
        kept = [line for line in (bag / name).read_text().splitlines() if SIGNED_REPORT not in line]
        (bag / name).write_text("".join(f"{line}\n" for line in kept))


def test_a_report_that_another_signed_or_nobody(
    copied: Path, signed: Path, bundles: dict[str, Bundle], root: Authority, tmp_path: Path
) -> None:
    roots = [root.pem(tmp_path / "root.pem")]
    bag = Path(shutil.copytree(bundles["disclosure"].folder, tmp_path / "other"))
    sign_bundle(bag, key_file(tmp_path / "key.p12", root, "Bo", PASSPHRASE), PASSPHRASE)
    shutil.copy(bag / SIGNED_REPORT, copied / SIGNED_REPORT)
    with pytest.raises(CaseError, match="signed by somebody else than the bundle"):
        verify_bundle(copied, trust=roots)
    (copied / SIGNED_REPORT).unlink()
    for named in (roots, []):
        with pytest.raises(CaseError, match="the signed report is missing"):
            verify_bundle(copied, trust=named)


def test_certificates_that_ran_out(
    bundles: dict[str, Bundle], clock: Authority, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also of a root by itself; at the time of a timestamp for which somebody vouches, else now."""
    old = Authority.make("Ministry of Old", days=500)  # to 2025-05-15
    bag = Path(shutil.copytree(bundles["disclosure"].folder, tmp_path / "bag"))
    for file in (
        key_file(tmp_path / "old.p12", old, "Ada", PASSPHRASE, days=500),
        key_file(tmp_path / "web.p12", old, "Web", PASSPHRASE, uses=(SERVER,)),
    ):
        with pytest.raises(InputError, match="certificate in the key file is") as caught:
            sign_bundle(bag, file, PASSPHRASE)
        assert not (bag / SIGNATURE).exists()
        assert ("not for signing documents" in str(caught.value)) == (file.stem == "web")
    # Made while it was valid, as far as the one who signs can tell.
    monkeypatch.setattr("chainwatch.case.bundle.signing._check_signer", lambda *_: None)
    sign_bundle(bag, tmp_path / "old.p12", PASSPHRASE)
    roots, clocks = [old.pem(tmp_path / "old.pem")], [clock.pem(tmp_path / "clock.pem")]
    own = pkcs12.load_pkcs12((tmp_path / "old.p12").read_bytes(), PASSPHRASE.encode()).cert
    assert own is not None
    (tmp_path / "own.pem").write_bytes(own.certificate.public_bytes(Encoding.PEM))
    for named in (roots, [tmp_path / "own.pem"]):
        with pytest.raises(CaseError, match="valid from 2024-01-01 to 2025-05-15, not on"):
            verify_bundle(bag, trust=named)
    add_timestamp(bag, stamp(clock, timestamp_request(bag), datetime(2025, 1, 1, tzinfo=UTC)))
    monkeypatch.setattr("chainwatch.case.bundle.signatures.latest", lambda _: None)
    with pytest.raises(CaseError, match="do not vouch: a certificate is valid from"):
        verify_bundle(bag, trust=roots)
    assert len(verify_bundle(bag, trust=roots, trust_time=clocks).signatures) == 3


SERVER, MAIL, DOCUMENTS = "1.3.6.1.5.5.7.3.1", "1.3.6.1.5.5.7.3.4", "1.3.6.1.5.5.7.3.36"


@pytest.mark.parametrize(
    ("uses", "taken"),
    [((SERVER,), False), ((SERVER, MAIL), True), ((DOCUMENTS,), True), (("2.5.29.37.0",), True)],
)
def test_what_a_certificate_was_given_out_for(
    bundles: dict[str, Bundle], root: Authority, tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch, uses: tuple[str, ...], taken: bool,
) -> None:  # fmt: skip
    bag = Path(shutil.copytree(bundles["disclosure"].folder, tmp_path / "bag"))
    monkeypatch.setattr("chainwatch.case.bundle.signing._check_signer", lambda *_: None)
    sign_bundle(bag, key_file(tmp_path / "k.p12", root, "A", PASSPHRASE, uses=uses), PASSPHRASE)
    roots = [root.pem(tmp_path / "root.pem")]
    if taken:
        assert len(verify_bundle(bag, trust=roots).signatures) == 2
        return
    for named in (roots, []):
        with pytest.raises(CaseError, match="whose certificate is not for signing documents"):
            verify_bundle(bag, trust=named)


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


def test_a_timestamp_from_before_the_run_ended(
    bundles: dict[str, Bundle], clock: Authority, tmp_path: Path
) -> None:
    """Entries of the log bear the day on which data was acquired; the bundle is younger."""
    bag = Path(shutil.copytree(bundles["disclosure"].folder, tmp_path / "bag"))
    add_timestamp(bag, stamp(clock, timestamp_request(bag), datetime(2024, 9, 28, tzinfo=UTC)))
    with pytest.raises(CaseError, match="a timestamp is wrong: the authority"):
        verify_bundle(bag, trust_time=[clock.pem(tmp_path / "clock.pem")])


def test_a_timestamp_that_its_authority_did_not_sign(copied: Path) -> None:
    """Whether or not anybody is trusted, the answer must be signed by the key that it names."""
    whole = (copied / TIMESTAMP).read_bytes()
    time = stamped(whole, (copied / SIGNED).read_bytes(), "here")
    at = whole.index(f"{time:%Y%m%d%H%M%S}".encode())
    later = whole[:at] + b"2099" + whole[at + 4 :]
    for forged in (later, whole[:-20] + bytes(20)):
        (copied / TIMESTAMP).write_bytes(forged)
        with pytest.raises(CaseError, match="its signature is not of it"):
            verify_bundle(copied)


def test_a_signed_report_that_shows_other_words(
    copied: Path, root: Authority, tmp_path: Path
) -> None:
    """Its first bytes are the sealed ones, and its signature covers the whole: the page is not."""
    from pyhanko.pdf_utils import generic
    from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter

    sealed = (copied / "data" / "edition" / "report.pdf").read_bytes()
    writer = IncrementalPdfFileWriter(io.BytesIO(sealed))
    page, _ = writer.find_page_for_modification(0)
    words = generic.StreamObject(stream_data=b"BT (9,999 USDT went to somebody else) Tj ET")
    page.get_object()["/Contents"] = writer.add_object(words)
    writer.update_container(page.get_object())
    between = io.BytesIO()
    writer.write(between)
    signer = signing._signer(key_file(tmp_path / "key.p12", root, "Ada", PASSPHRASE), PASSPHRASE)
    forged = apart(lambda: signing._signed_pdf(signer, between.getvalue()))
    assert forged.startswith(sealed)
    (copied / SIGNED_REPORT).write_bytes(forged)
    with pytest.raises(CaseError, match="shows something else than the one that was sealed"):
        verify_bundle(copied)


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
