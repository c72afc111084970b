"""Tables for other programs: CSV and XLSX, in which no text can act as a formula.

A spreadsheet runs whatever begins like a formula (OWASP, "CSV Injection"), and names of files are
anybody's. In CSV such a text gets an apostrophe in front; in XLSX every text is written as a text
and marked as one, so that it stays a text when somebody edits it.
"""

import csv
import io
import re
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from typing import IO

import xlsxwriter

CSV_TYPE = "text/csv; charset=utf-8"
XLSX_TYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
# Excel and Google Sheets skip spaces and take the full-width forms for the plain ones.
_FORMULA = re.compile(r"^\s*[=+\-@＝＋－＠\t\r\n]")
_XLSX_TEXT_MAX_LENGTH = 32767
_BOM = "\ufeff"

Cell = str | int | datetime | None
Row = Sequence[Cell]


def csv_blocks(pages: Iterable[Iterable[Row]]) -> Iterator[bytes]:
    """Yield rows as UTF-8 with the mark by which Excel knows it, one block for each page."""
    mark = _BOM
    for page in pages:
        text = io.StringIO()
        text.write(mark)
        csv.writer(text).writerows([_csv_cell(cell) for cell in row] for row in page)
        mark = ""
        yield text.getvalue().encode()


def _csv_cell(cell: Cell) -> str | int:
    if cell is None:
        return ""
    if isinstance(cell, datetime):
        return cell.isoformat(timespec="seconds")
    if isinstance(cell, int):
        return cell
    return f"'{cell}" if _FORMULA.match(cell) else cell


def xlsx_file(title: str, pages: Iterable[Iterable[Row]]) -> IO[bytes]:
    """Return a file on disk with the rows, the first one as the heading; closing it removes it."""
    file = tempfile.TemporaryFile()  # noqa: SIM115  # whoever sends it closes it
    try:
        _write_xlsx(file, title, pages)
    except BaseException:
        file.close()
        raise
    return file


def _write_xlsx(file: IO[bytes], title: str, pages: Iterable[Iterable[Row]]) -> None:
    options = {"constant_memory": True, "strings_to_urls": False, "strings_to_formulas": False}
    with xlsxwriter.Workbook(file, options) as book:
        heading = book.add_format({"bold": True})
        as_text = book.add_format({"quote_prefix": True})
        moment = book.add_format({"num_format": "yyyy-mm-dd hh:mm:ss"})
        sheet = book.add_worksheet(re.sub(r"[\[\]:*?/\\']", " ", title)[:31])
        sheet.freeze_panes(1, 0)
        number = 0
        for page in pages:
            for row in page:
                for column, cell in enumerate(row):
                    if cell is None or cell == "":
                        continue
                    if isinstance(cell, datetime):
                        # A sheet knows no time zones; the column's heading names it.
                        sheet.write_datetime(number, column, cell.replace(tzinfo=None), moment)
                    elif isinstance(cell, int):
                        sheet.write_number(number, column, cell)
                    else:
                        kind = heading if number == 0 else None
                        if _FORMULA.match(cell):
                            kind = as_text
                        sheet.write_string(number, column, cell[:_XLSX_TEXT_MAX_LENGTH], kind)
                number += 1
