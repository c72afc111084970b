"""A letter as bytes: any script arrives as it was written, and nothing can add a header."""

from datetime import UTC, datetime
from email import message_from_bytes, policy
from email.header import decode_header, make_header
from email.message import EmailMessage
from email.utils import getaddresses

import pytest

from webapp.mail.addresses import Mailbox, is_address, on_the_wire, split_addresses
from webapp.mail.letters import Enclosure, Letter, message_ids, written_out

NAMES = [
    "Alice Test",
    "",
    "Brandvold, Anneke",
    'Teo "Superintendent" \\ Vasquez-Hale',
    "Peñaranda, Lucía",
    "日本語の名前" * 12,
    "Иван Петров <root@evil.example>",
    "سلمى، منصور",
    "👷🏽‍♀️ Site, office",
    "=?utf-8?q?not_encoded?=",
]
SUBJECTS = [
    "Crane on Thursday",
    "Überprüfung der Schalung, Achse 7/B " * 6,
    "現場からの連絡 " * 20,
    "a" * 300,
    "=?utf-8?q?trick?=",
    "",
]


def letter(**changes: object) -> Letter:
    given: dict[str, object] = {
        "message_id": "<one@plumbline.example>",
        "sender": Mailbox("Alice Test", "tower-abc@plumbline.example"),
        "reply_to": Mailbox("Tower", "tower-abc@plumbline.example"),
        "to": (Mailbox("Bob Test", "bob@example.test"),),
        "cc": (),
        "subject": "Crane on Thursday",
        "text": "Clear the gate.",
        "written_at": datetime(2026, 1, 5, 12, 0, tzinfo=UTC),
        **changes,
    }
    return Letter(**given)  # type: ignore[arg-type]


def parsed(written: Letter) -> EmailMessage:
    raw = written_out(written)
    raw.decode("ascii")
    assert b"\n" not in raw.replace(b"\r\n", b"")
    assert max(map(len, raw.split(b"\r\n"))) <= 998
    found = message_from_bytes(raw, policy=policy.default)
    assert isinstance(found, EmailMessage)
    assert not found.defects
    return found


def raw_header(written: Letter, name: str) -> str:
    message = message_from_bytes(written_out(written), policy=policy.compat32)
    return str(message[name]).replace("\r\n", "")


def test_every_name_arrives_as_it_is_with_its_own_address() -> None:
    boxes = tuple(Mailbox(name, f"u{i}@example.test") for i, name in enumerate(NAMES))
    pairs = getaddresses([raw_header(letter(to=boxes), "To")])
    assert [address for _name, address in pairs] == [box.address for box in boxes]
    shown = [str(make_header(decode_header(name))) for name, _address in pairs]
    assert shown[:-1] == [name[:100] for name in NAMES[:-1]]


@pytest.mark.parametrize("subject", SUBJECTS)
def test_every_subject_arrives_as_it_is(subject: str) -> None:
    raw = raw_header(letter(subject=subject), "Subject") if subject else ""
    assert str(make_header(decode_header(raw))).strip() == subject.strip()


@pytest.mark.parametrize("ending", ["\r\n", "\n", "\r", "\x0b", "\x85", "\u2028", "\0"])
def test_nothing_can_add_a_header(ending: str) -> None:
    evil = f"x{ending}Bcc: victim@evil.example{ending}{ending}<html>"
    message = parsed(
        letter(
            subject=evil,
            sender=Mailbox(evil, "a@example.test"),
            to=(Mailbox(evil, "b@example.test"),),
            message_id=f"<a@b>{evil}",
            references=(f"<a@b>{evil}",),
            enclosures=(Enclosure(evil, 1, lambda: iter([b"x"])),),
        )
    )
    assert message["Bcc"] is None
    assert set(message.keys()) == {
        "Date",
        "From",
        "Reply-To",
        "To",
        "Subject",
        "Message-ID",
        "References",
        "MIME-Version",
        "Content-Type",
    }
    (part,) = message.iter_attachments()
    assert set(part.keys()) <= {
        "Content-Type",
        "Content-Transfer-Encoding",
        "Content-Disposition",
        "MIME-Version",
    }


def test_an_address_with_a_line_break_is_no_address() -> None:
    with pytest.raises(ValueError):
        written_out(letter(to=(Mailbox("", "a@b.example\r\nBcc: c@d.example"),)))


def test_the_text_and_the_files_arrive_byte_by_byte() -> None:
    text = "Grüße\n.\nFrom here\n" + "x" * 5000 + "\n日本語"
    content = bytes(range(256)) * 400
    names = [
        "Plan «Süd» 図面 " + "long " * 20 + "name.pdf",
        "plain.txt",
        "mail.eml",
        "no extension",
    ]
    enclosures = tuple(Enclosure(name, 9, lambda: iter([content, b"."])) for name in names)
    message = parsed(letter(text=text, enclosures=enclosures))
    body = message.get_body(("plain",))
    assert body is not None
    assert body.get_content().replace("\r\n", "\n") == text + "\n"
    parts = list(message.iter_attachments())
    assert [part.get_filename() for part in parts] == names
    assert [part.get_payload(decode=True) for part in parts] == [content + b"."] * 4
    assert [part.get_content_type() for part in parts][:3] == [
        "application/pdf",
        "text/plain",
        "application/octet-stream",
    ]


def test_long_message_ids_stay_message_ids() -> None:
    chain = tuple(f"<{'r' * 100}{i}@mail.example>" for i in range(20))
    message = letter(in_reply_to=chain[-1], references=chain)
    assert message_ids(raw_header(message, "References")) == list(chain)
    assert raw_header(message, "In-Reply-To") == chain[-1]


def test_hidden_copies_alone_name_nobody() -> None:
    assert raw_header(letter(to=()), "To") == "undisclosed-recipients:;"


@pytest.mark.parametrize(
    "text",
    [
        "a@b",
        "a@-b.example",
        "a b@c.example",
        "ü@b.example",
        "a..b@c.example",
        ".a@c.example",
        "a@[127.0.0.1]",
        "a@b..example",
        "<a@b.example>",
        "a@b.example\r\nX: y",
        "a@" + "x" * 64 + ".example",
        "x" * 65 + "@b.example",
        "@b.example",
        "a@",
        "",
    ],
)
def test_what_no_server_takes_is_no_address(text: str) -> None:
    assert not is_address(text)


def test_addresses_are_split_once_each_and_their_domains_written_as_idna() -> None:
    assert split_addresses(" a@b.c, A@B.c;d@e.f\n g@h.i,, ") == ["A@B.c", "d@e.f", "g@h.i"]
    assert on_the_wire("o'neil+x@Bücher.example") == "o'neil+x@xn--bcher-kva.example"
