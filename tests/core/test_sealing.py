"""A sealed token opens in its own place with a known key, and nowhere else."""

import pytest

from config import TokenKey
from webapp.box_link.sealing import Place, SealBroken, Sealer

OLD, NEW = TokenKey("k1", b"1" * 32), TokenKey("k2", b"2" * 32)
PLACE = Place("refresh", 7, generation=3)


def test_what_is_sealed_opens_again() -> None:
    sealer = Sealer((OLD,))
    assert sealer.open(sealer.seal("TKN_secret", PLACE), PLACE) == "TKN_secret"


@pytest.mark.parametrize(
    "elsewhere",
    [
        Place("refresh", 8, generation=3),
        Place("refresh", 7, generation=2),
        Place("previous", 7, generation=3),
        Place("refresh", 7, row="x", generation=3),
    ],
)
def test_a_value_put_elsewhere_does_not_open(elsewhere: Place) -> None:
    sealer = Sealer((OLD,))
    with pytest.raises(SealBroken):
        sealer.open(sealer.seal("TKN_secret", PLACE), elsewhere)


@pytest.mark.parametrize("damage", ["", "v1", "v1.k1.", "v1.k1.!!!", "v2.k1.AAAA", "v1.k9.AAAA"])
def test_damage_is_a_state_not_a_crash(damage: str) -> None:
    with pytest.raises(SealBroken):
        Sealer((OLD,)).open(damage, PLACE)


def test_a_flipped_bit_does_not_open() -> None:
    sealer = Sealer((OLD,))
    value = sealer.seal("TKN_secret", PLACE)
    flipped = value[:-3] + ("A" if value[-3] != "A" else "B") + value[-2:]
    with pytest.raises(SealBroken):
        sealer.open(flipped, PLACE)


def test_a_new_key_in_front_seals_while_the_old_one_still_opens() -> None:
    before = Sealer((OLD,)).seal("TKN_secret", PLACE)
    ring = Sealer((NEW, OLD))
    assert ring.open(before, PLACE) == "TKN_secret"
    assert ring.seal("TKN_secret", PLACE).startswith("v1.k2.")
    with pytest.raises(SealBroken, match="no key 'k1'"):
        Sealer((NEW,)).open(before, PLACE)


def test_the_same_text_is_never_sealed_alike() -> None:
    sealer = Sealer((OLD,))
    assert sealer.seal("TKN_secret", PLACE) != sealer.seal("TKN_secret", PLACE)
