"""What file names of drawings say, one line a way of naming them."""

from datetime import date

import pytest

from webapp.tools.extensions.sheet_names import (
    NUMBER_MAX_LENGTH,
    SheetName,
    discipline_of,
    next_revision,
    read_sheet_name,
    sorting_key,
    tidy_number,
)

FLOOR = "First Floor Plan"

NAMES: list[tuple[str, SheetName]] = [
    # The commonest, with and without a revision.
    ("A-101 First Floor Plan.pdf", SheetName("A-101", FLOOR)),
    ("A-101 First Floor Plan Rev 2.pdf", SheetName("A-101", FLOOR, "2")),
    ("A-101_R2_First Floor Plan.pdf", SheetName("A-101", FLOOR, "2")),
    ("A101 - FIRST FLOOR PLAN - REV B.pdf", SheetName("A-101", "FIRST FLOOR PLAN", "B")),
    (
        "S-201 Second Floor Framing (ASI-02).pdf",
        SheetName("S-201", "Second Floor Framing", "", "ASI-02"),
    ),
    # Number alone, other separators, other places.
    ("A-101.pdf", SheetName("A-101")),
    ("a101.PDF", SheetName("A-101")),
    ("A 101 First Floor Plan.pdf", SheetName("A-101", FLOOR)),
    ("A-101-First Floor Plan.pdf", SheetName("A-101", FLOOR)),
    ("A-101 - First Floor Plan.pdf", SheetName("A-101", FLOOR)),
    ("A-101_First_Floor_Plan.pdf", SheetName("A-101", FLOOR)),
    ("A-101, First Floor Plan.pdf", SheetName("A-101", FLOOR)),
    ("A–101 First Floor Plan.pdf", SheetName("A-101", FLOOR)),
    ("First Floor Plan - A-101.pdf", SheetName("A-101", FLOOR)),
    ("First Floor Plan A101 Rev 2.pdf", SheetName("A-101", FLOOR, "2")),
    ("2317-A-101 First Floor Plan.pdf", SheetName("A-101", FLOOR)),
    ("2317_A101_First Floor Plan.pdf", SheetName("A-101", FLOOR)),
    ("01 A-101 First Floor Plan.pdf", SheetName("A-101", FLOOR)),
    ("A-101 First Floor Plan - Copy.pdf", SheetName("A-101", FLOOR)),
    ("A-101 First Floor Plan (1).pdf", SheetName("A-101", FLOOR)),
    ("Copy of A-101 First Floor Plan.pdf", SheetName("A-101", FLOOR)),
    # Numbers of other shapes.
    ("A1.01 First Floor Plan.pdf", SheetName("A1.01", FLOOR)),
    ("A-1.01 First Floor Plan.pdf", SheetName("A-1.01", FLOOR)),
    ("A101.1 First Floor Plan.pdf", SheetName("A101.1", FLOOR)),
    ("A-101A First Floor Plan.pdf", SheetName("A-101A", FLOOR)),
    ("A-101-2 First Floor Plan.pdf", SheetName("A-101-2", FLOOR)),
    ("FP-101 Fire Protection Plan.pdf", SheetName("FP-101", "Fire Protection Plan")),
    ("E-1 Site Plan.pdf", SheetName("E-1", "Site Plan")),
    ("M-0001 Legend.pdf", SheetName("M-0001", "Legend")),
    # Revisions.
    ("A-101 First Floor Plan rev2.pdf", SheetName("A-101", FLOOR, "2")),
    ("A-101 First Floor Plan Rev.02.pdf", SheetName("A-101", FLOOR, "2")),
    ("A-101 First Floor Plan (Rev 2).pdf", SheetName("A-101", FLOOR, "2")),
    ("A-101 First Floor Plan [Rev C].pdf", SheetName("A-101", FLOOR, "C")),
    ("A-101 First Floor Plan [2].pdf", SheetName("A-101", FLOOR, "2")),
    ("A-101 Rev-B First Floor Plan.pdf", SheetName("A-101", FLOOR, "B")),
    ("A-101-R3 First Floor Plan.pdf", SheetName("A-101", FLOOR, "3")),
    ("A-101 R3 First Floor Plan.pdf", SheetName("A-101", FLOOR, "3")),
    ("A-101 First Floor Plan Revision 10.pdf", SheetName("A-101", FLOOR, "10")),
    ("A-101 First Floor Plan_v2.pdf", SheetName("A-101", FLOOR, "2")),
    ("A-101 First Floor Plan Delta 4.pdf", SheetName("A-101", FLOOR, "4")),
    ("A-101 First Floor Plan Δ4.pdf", SheetName("A-101", FLOOR, "4")),
    ("A-101 First Floor Plan REV 0.pdf", SheetName("A-101", FLOOR, "0")),
    ("A-401 Review Room Plan.pdf", SheetName("A-401", "Review Room Plan")),
    ("A-401 Revised Entry.pdf", SheetName("A-401", "Revised Entry")),
    ("A-401 Vault 2.pdf", SheetName("A-401", "Vault 2")),
    # Sets.
    ("A-102 Plan (Addendum 1).pdf", SheetName("A-102", "Plan", "", "Addendum 1")),
    ("A-102 Plan (Bulletin No. 3).pdf", SheetName("A-102", "Plan", "", "Bulletin No. 3")),
    ("A-102 Plan (IFC Set).pdf", SheetName("A-102", "Plan", "", "IFC Set")),
    ("A-102 Plan (asi 02) Rev 3.pdf", SheetName("A-102", "Plan", "3", "ASI-02")),
    ("A-102 Plan - ASI-02.pdf", SheetName("A-102", "Plan", "", "ASI-02")),
    ("A-102 Plan (50% CD).pdf", SheetName("A-102", "Plan", "", "50% CD")),
    (
        "A-102 Plan (Issued for Construction).pdf",
        SheetName("A-102", "Plan", "", "Issued for Construction"),
    ),
    ("A-401 Plans (Exam Suites).pdf", SheetName("A-401", "Plans (Exam Suites)")),
    # Dates.
    (
        "A-101 First Floor Plan 2025-02-14.pdf",
        SheetName("A-101", FLOOR, dated_on=date(2025, 2, 14)),
    ),
    ("20250214_A-101_First Floor Plan.pdf", SheetName("A-101", FLOOR, dated_on=date(2025, 2, 14))),
    ("A-101 Plan 2025-02-30.pdf", SheetName("A-101", "Plan 2025-02-30")),
    # What is no sheet keeps its words and has no number.
    ("ASI-02 Stair 2 slab edge.pdf", SheetName("", "ASI-02 Stair 2 slab edge")),
    ("ASI-03 Exam 210-214 casework.pdf", SheetName("", "ASI-03 Exam 210-214 casework")),
    ("BP-01 Site Concrete drawings.pdf", SheetName("", "BP-01 Site Concrete drawings")),
    ("RFI-001 markup S-101.pdf", SheetName("S-101", "RFI-001 markup")),
    ("Bulletin 01 - Roof drains.pdf", SheetName("", "Bulletin 01 - Roof drains")),
    ("Addendum 1.pdf", SheetName("", "Addendum 1")),
    (
        "IFC Set 2025-02-14 - combined.pdf",
        SheetName("", "IFC Set combined", dated_on=date(2025, 2, 14)),
    ),
    ("P 2 of 5.pdf", SheetName("", "P 2 of 5")),
    ("IMG_2041.JPG", SheetName("", "IMG 2041.JPG")),
    ("Drawing log.xlsx", SheetName("", "Drawing log.xlsx")),
    (".pdf", SheetName()),
    ("", SheetName()),
    ("   ", SheetName()),
    ("平面図 A-101.pdf", SheetName("A-101", "平面図")),
    ("Ａ-101 First Floor Plan.pdf", SheetName("A-101", FLOOR)),
]


@pytest.mark.parametrize(("name", "expected"), NAMES, ids=[name for name, _ in NAMES])
def test_a_file_name_is_read(name: str, expected: SheetName) -> None:
    assert read_sheet_name(name) == expected


@pytest.mark.parametrize(
    "name", ["(" * 5000, "A-" * 5000, " " * 20000 + "x", "9" * 20000, "R" * 9000]
)
def test_a_hostile_name_is_read_soon_and_says_nothing(name: str) -> None:
    assert read_sheet_name(f"{name}.pdf").number == ""


@pytest.mark.parametrize(
    ("number", "discipline"),
    [
        ("A-101", "architectural"),
        ("AD-101", "demolition"),
        ("S-201", "structural"),
        ("M-101", "mechanical"),
        ("P-102", "plumbing"),
        ("E-201", "electrical"),
        ("EP-201", "electrical"),
        ("C-101", "civil"),
        ("L-101", "landscape"),
        ("G-001", "general"),
        ("FP-101", "fire_protection"),
        ("FS-101", "equipment"),
        ("ID-101", "interiors"),
        ("T-101", "telecommunications"),
        ("101", ""),
        ("", ""),
        ("Z-101", ""),
    ],
)
def test_a_numbers_letters_say_its_discipline(number: str, discipline: str) -> None:
    assert discipline_of(number) == discipline


@pytest.mark.parametrize(
    ("typed", "number"),
    [
        ("a101", "A-101"),
        (" A - 101 ", "A-101"),
        ("A–101", "A-101"),
        ("a 101b", "A-101B"),
        ("A1.01", "A1.01"),
        ("fp-12", "FP-12"),
        ("Cover", "COVER"),
        ("", ""),
    ],
)
def test_a_typed_number_becomes_one(typed: str, number: str) -> None:
    assert tidy_number(typed) == number


def test_numbers_sort_as_people_count() -> None:
    numbers = ["A-1000", "A-101", "A-2", "A1.01", "A1.1", "AD-101", "S-1", "A-101A"]
    assert sorted(numbers, key=sorting_key) == [
        "A1.01",
        "A1.1",
        "A-2",
        "A-101",
        "A-101A",
        "A-1000",
        "AD-101",
        "S-1",
    ]
    assert sorting_key("A-101") == sorting_key("a101")
    assert sorting_key("A1.01") != sorting_key("A1.1")
    assert len(sorting_key("A1" * (NUMBER_MAX_LENGTH // 2))) <= 120


@pytest.mark.parametrize(
    ("before", "after"),
    [("0", "1"), ("2", "3"), ("9", "10"), ("A", "B"), ("Y", "Z"), ("Z", ""), ("C1", ""), ("", "")],
)
def test_the_revision_after_another(before: str, after: str) -> None:
    assert next_revision(before) == after
